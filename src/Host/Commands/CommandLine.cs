using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using InterpActors.Actors.Journal;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary>The command line: parses it, runs a command and turns every failure into one line and an exit code.</summary>
public static class CommandLine
{
    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Show stack traces of errors", Recursive = true };

    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        var parsed = Root().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpAction)
        {
            await error.WriteLineAsync(Complaint(parsed));
            return ExitCode.WrongInput;
        }
        var invocation = new InvocationConfiguration
        {
            Output = output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        try
        {
            return await parsed.InvokeAsync(invocation);
        }
        catch (Exception e)
        {
            return await Report(e, parsed.GetValue(Verbose), error);
        }
    }

    private static RootCommand Root()
    {
        var root = new RootCommand("Mechanistic-interpretability studies: planned, run by actors, killed, resumed, reported.")
        {
            Verbose,
        };
        root.HelpName = "interp";
        foreach (var command in Commands()) root.Subcommands.Add(command);
        return root;
    }

    private static IEnumerable<Command> Commands() =>
    [
        RunCommand.Create(),
        PlanCommand.Create(),
        StatusCommand.Create(),
        SubmitCommand.Create(),
        ListCommand.Create(),
        WatchCommand.Create(),
        ChangeCommand.Pause(),
        ChangeCommand.Resume(),
        ChangeCommand.Cancel(),
        ReportCommand.Create(),
        ExportCommand.Create(),
        NodeCommand.Create(),
        CertsCommand.Create(),
        MethodsCommand.Create(),
        ModelCommand.Create(),
        SaeCommand.Create(),
    ];

    private static string Complaint(ParseResult parsed)
    {
        var path = new List<string>();
        for (var at = parsed.CommandResult; at is not null; at = at.Parent as CommandResult)
            path.Insert(0, at.Command is RootCommand ? "interp" : at.Command.Name);
        var words = parsed.Errors[0].Message.TrimEnd('.').ReplaceLineEndings(" ");
        return $"interp: {words}; see {string.Join(' ', path)} --help";
    }

    private static async Task<int> Report(Exception e, bool verbose, TextWriter error)
    {
        if (IsBrokenPipe(e)) return ExitCode.Failed;
        var (code, line) = e switch
        {
            StudyException => (ExitCode.WrongInput, e.Message),
            OperationCanceledException => (ExitCode.Interrupted, "interrupted"),
            RunFailedException => (ExitCode.Failed, e.Message),
            IOException io when JournalTrouble.IsDiskFull(io) =>
                (ExitCode.Failed, $"the disk is full ({e.Message}); make room and run again"),
            IOException or UnauthorizedAccessException => (ExitCode.Failed, e.Message),
            _ => (ExitCode.Failed, $"{e.GetType().Name}: {e.Message}; --verbose shows where"),
        };
        await error.WriteLineAsync($"interp: {line.ReplaceLineEndings(" ")}");
        if (verbose) await error.WriteLineAsync(e.ToString());
        return code;
    }

    private static bool IsBrokenPipe(Exception e) => e is IOException && (e.HResult & 0xffff) == 32;
}
