using InterpActors.Messages.Studies;

namespace InterpActors.Host.Display;

/// <summary>What a user sees of a run while it goes on.</summary>
public interface IRunDisplay
{
    /// <summary>A line that stays: what is being read, what was resumed, how to go on.</summary>
    void Say(string line);

    /// <summary>A line that even <c>--quiet</c> shows: the last one.</summary>
    void Conclude(string line);

    /// <summary>Shows progress while <paramref name="body"/> runs, which calls its argument with each new snapshot.</summary>
    Task WhileAsync(RunScene scene, Func<Action<StudyProgress>, Task> body);
}

/// <summary>What does not change during a run.</summary>
/// <param name="Name">The study's name.</param>
/// <param name="Headline">Model, prompts, method and metric.</param>
/// <param name="Where">Where it runs: <c>journal PATH</c>, as the user can type it, or <c>cluster URL</c>.</param>
/// <param name="Baselines">Clean and corrupted metric as text; null where it is not known.</param>
public sealed record RunScene(string Name, string Headline, string Where, string? Baselines);
