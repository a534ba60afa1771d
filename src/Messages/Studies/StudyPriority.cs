namespace InterpActors.Messages.Studies;

/// <summary>
/// How studies share the workers: each gets worker time in proportion to 2^priority. So one step up is twice the share, and none starves.
/// Results do not depend on it.
/// </summary>
public static class StudyPriority
{
    public const int Lowest = -10;

    public const int Highest = 10;

    /// <summary>The share of a study beside one of priority 0.</summary>
    public static double Weight(int priority) => Math.Pow(2, Math.Clamp(priority, Lowest, Highest));

    /// <exception cref="StudyException">The number is out of range.</exception>
    public static int Check(int priority) => priority is >= Lowest and <= Highest
        ? priority
        : throw new StudyException($"priority {priority} is out of range", "--priority", $"{Lowest} to {Highest}, 0 is usual");
}
