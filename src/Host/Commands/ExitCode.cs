namespace InterpActors.Host.Commands;

/// <summary>Exit codes of every command.</summary>
public static class ExitCode
{
    public const int Done = 0;

    /// <summary>The study ran and failed, or something broke that is not the user's input.</summary>
    public const int Failed = 1;

    /// <summary>The input is wrong: nothing was started and nothing written.</summary>
    public const int WrongInput = 2;

    /// <summary>Stopped by Ctrl-C or SIGTERM, after the journal was flushed.</summary>
    public const int Interrupted = 130;
}
