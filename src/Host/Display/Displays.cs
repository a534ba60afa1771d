using Spectre.Console;

namespace InterpActors.Host.Display;

/// <summary>Chooses the display: live in a terminal, plain lines elsewhere.</summary>
public static class Displays
{
    public static IRunDisplay For(TextWriter output, bool quiet) =>
        !quiet && IsTerminal(output) ? new TerminalDisplay(AnsiConsole.Console) : new PlainDisplay(output, quiet);

    /// <summary>True where a person looks at the very output that a command writes to.</summary>
    public static bool IsTerminal(TextWriter output) =>
        ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected
            && Environment.GetEnvironmentVariable("TERM") is not ("dumb" or "");
}
