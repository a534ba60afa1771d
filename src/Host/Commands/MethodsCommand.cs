using System.CommandLine;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp methods [KIND]</c>: the kinds of study, or everything about one.</summary>
internal static class MethodsCommand
{
    public static Command Create()
    {
        var kind = new Argument<string?>("kind") { HelpName = "KIND", Arity = ArgumentArity.ZeroOrOne, Description = "Prints its keys, defaults, formula, cost and source" };
        var command = new Command("methods", "Lists the kinds of study") { kind };
        command.SetAction(parsed => Run(parsed.GetValue(kind), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static int Run(string? kind, TextWriter output)
    {
        if (kind is null)
        {
            var width = StudyKinds.All.Max(k => k.Name.Length);
            foreach (var known in StudyKinds.All) output.WriteLine($"{known.Name.PadRight(width)}  {known.Help.Summary}");
            return ExitCode.Done;
        }
        var found = StudyKinds.All.FirstOrDefault(k => k.Name == kind)
            ?? throw new StudyException($"there is no kind of study called '{kind}'", null, StudySection.Nearest(kind, [.. StudyKinds.All.Select(k => k.Name)]));
        foreach (var line in found.Help.Lines(found.Name)) output.WriteLine(line);
        return ExitCode.Done;
    }
}
