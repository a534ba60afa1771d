using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tasks;

/// <summary>A prompt or an answer as a file gives it: text, or token ids.</summary>
public sealed record RawTokens(string? Text, int[]? Ids);

/// <summary>One line or row of a pairs file before it is tokenised.</summary>
/// <param name="Place">Where it stands.</param>
/// <param name="Roles">Positions of each role; negative ones count from the end.</param>
/// <param name="RolesCountBos">False where the file's positions don't count a beginning-of-sequence token that we put in front.</param>
public sealed record RawPair(
    SourcePlace Place, string? Id, string? Group, RawTokens Clean, RawTokens? Corrupted, IReadOnlyList<RawTokens> Answers,
    IReadOnlyList<RawTokens> Wrong, IReadOnlyDictionary<string, int[]> Roles, bool RolesCountBos);
