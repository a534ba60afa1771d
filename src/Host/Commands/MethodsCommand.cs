using System.CommandLine;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Tasks;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp methods [KIND]</c>: the kinds of study and of task, or everything about one.</summary>
internal static class MethodsCommand
{
    public static Command Create()
    {
        var kind = new Argument<string?>("kind")
        {
            HelpName = "KIND",
            Arity = ArgumentArity.ZeroOrOne,
            Description = "Prints its keys, defaults, formula, cost and source"
        };
        var command = new Command("methods", "Lists the kinds of study and of task") { kind };
        command.SetAction(parsed => Run(parsed.GetValue(kind), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static int Run(string? kind, TextWriter output)
    {
        if (kind is null)
        {
            List(output, [.. StudyKinds.All.Select(k => (k.Name, k.Help.Summary))]);
            output.WriteLine();
            output.WriteLine("Tasks:");
            List(output, [.. TaskReader.Kinds.Select(k => (k.Name, k.Summary))]);
        }
        else if (StudyKinds.All.FirstOrDefault(k => k.Name == kind) is { } found)
        {
            foreach (var line in found.Help.Lines(found.Name)) output.WriteLine(line);
        }
        else if (TaskReader.Kinds.FirstOrDefault(k => k.Name == kind) is { } task)
        {
            output.WriteLine($"{task.Name}: {task.Summary}");
            output.WriteLine();
            output.WriteLine($"task {{ kind = {task.Name} … }} takes");
            List(output, [.. task.Keys.Select(k => ("  " + k.Key, k.Meaning + (k.Default is null ? "" : $" (default {k.Default})")))]);
        }
        else
        {
            throw new StudyException($"there is no kind of study or task called '{kind}'", null,
                StudySection.Nearest(kind, [.. StudyKinds.All.Select(k => k.Name), .. TaskReader.Kinds.Select(k => k.Name)]));
        }
        return ExitCode.Done;
    }

    private static void List(TextWriter output, IReadOnlyList<(string Name, string Words)> entries)
    {
        var width = entries.Max(e => e.Name.Length);
        foreach (var (name, words) in entries) output.WriteLine($"{name.PadRight(width)}  {words}");
    }
}
