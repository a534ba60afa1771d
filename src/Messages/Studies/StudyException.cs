namespace InterpActors.Messages.Studies;

/// <summary>
/// The user's input is wrong. Its message is one line that says what is wrong, where (file:line or key) and what to do;
/// a command that meets it prints that line and ends with exit code 2, having written nothing.
/// </summary>
public sealed class StudyException : Exception
{
    /// <param name="problem">What is wrong, without a full stop.</param>
    /// <param name="where">The file and line, key, tensor or prompt; null where <paramref name="problem"/> says it.</param>
    /// <param name="remedy">What to do; null where that is plain.</param>
    public StudyException(string problem, string? where = null, string? remedy = null, Exception? inner = null)
        : base(Compose(problem, where, remedy), inner)
    {
        Problem = problem;
        Where = where;
        Remedy = remedy;
    }

    public string Problem { get; }
    public string? Where { get; }
    public string? Remedy { get; }

    private static string Compose(string problem, string? where, string? remedy)
    {
        var text = where is null ? problem : $"{where}: {problem}";
        if (remedy is not null) text += $"; {remedy}";
        return text.ReplaceLineEndings(" ");
    }
}
