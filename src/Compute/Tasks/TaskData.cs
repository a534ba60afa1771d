namespace InterpActors.Compute.Tasks;

/// <summary>One prompt of a task, as token ids.</summary>
/// <param name="Group">The template's name for means by group.</param>
/// <param name="Clean">[pos]</param>
/// <param name="Corrupted">[pos], as long as <paramref name="Clean"/>; null where the task has no corrupted prompt.</param>
/// <param name="Answers">Ids of right answers, at least one.</param>
/// <param name="Wrong">Ids of wrong answers; may be empty.</param>
/// <param name="Roles">Positions of each role, resolved (never negative), ascending.</param>
public sealed record PromptPair(
    string Id, string? Group, int[] Clean, int[]? Corrupted, int[] Answers, int[] Wrong, IReadOnlyDictionary<string, int[]> Roles);

/// <summary>A prompt that the task could not use, and why.</summary>
public sealed record DroppedPrompt(string Id, string Reason);

/// <summary>The prompts of a study in file order.</summary>
/// <param name="Kind">pairs, ioi, induction, …</param>
public sealed record TaskData(string Kind, IReadOnlyList<PromptPair> Prompts, IReadOnlyList<DroppedPrompt> Dropped)
{
    /// <summary>What else the user should know: which words and templates a made task could not use. One line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>True where every prompt has the same number of tokens, so that positions line up.</summary>
    public bool OneLength => Prompts.All(p => p.Clean.Length == Prompts[0].Clean.Length);
}
