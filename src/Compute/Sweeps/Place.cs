using InterpActors.Compute.Tasks;

namespace InterpActors.Compute.Sweeps;

/// <summary>What one cell of a sweep covers along the prompt.</summary>
public enum Granularity { Position, Role, All }

/// <summary>
/// Where along the prompt a cell intervenes: one absolute position, all positions of a role, or all (or a fixed few) positions.
/// </summary>
/// <param name="Position">Counted from 0; null otherwise.</param>
/// <param name="Role">Null otherwise.</param>
/// <param name="Only">The positions that <c>by = all</c> was narrowed to; null for every one.</param>
public sealed record Place(int? Position, string? Role, IReadOnlyList<int>? Only)
{
    public static Place At(int position) => new(position, null, null);

    public static Place In(string role) => new(null, role, null);

    public static Place Everywhere(IReadOnlyList<int>? only) => new(null, null, only);

    /// <summary>The place's positions in a prompt, ascending.</summary>
    public int[] Positions(PromptPair prompt) =>
        Position is { } p ? [p]
        : Role is { } r ? prompt.Roles[r]
        : Only is { } some ? [.. some.Select(x => x < 0 ? x + prompt.Clean.Length : x).Distinct().Order()]
        : [.. Enumerable.Range(0, prompt.Clean.Length)];

    /// <summary>The place's first position in a prompt.</summary>
    public int First(PromptPair prompt) =>
        Position ?? (Role is { } r ? prompt.Roles[r][0] : Only is { } some ? some.Min(x => x < 0 ? x + prompt.Clean.Length : x) : 0);

    /// <summary>For labels: <c>9</c>, <c>S2</c>, or empty.</summary>
    public override string ToString() => Position?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? Role ?? "";
}
