using InterpActors.Compute.Interventions;

namespace InterpActors.Compute.Sweeps;

/// <summary>
/// All cells of one component in one layer (or of one set of sites that are written together), head by head, place by place.
/// Cells are derived from their index, never listed.
/// </summary>
/// <param name="Layer">The layer that owns the block: for a set, its lowest.</param>
/// <param name="Track">What the progress display calls it: the component's word, or <c>sets</c>.</param>
/// <param name="Component">Null for a set.</param>
/// <param name="Heads">The heads, or a single null where the component has none (or for a set).</param>
/// <param name="Set">The sites of a set; null otherwise.</param>
public sealed record SweepBlock(
    int Layer, string Track, Component? Component, IReadOnlyList<int?> Heads, IReadOnlyList<Place> Places, IReadOnlyList<Site>? Set)
{
    public long Cells => (long)Heads.Count * Places.Count;

    public SweepCell this[long index]
    {
        get
        {
            var head = Heads[(int)(index / Places.Count)];
            return new SweepCell(Set ?? [new Site(Layer, Component!.Value, head)], Places[(int)(index % Places.Count)]);
        }
    }
}

/// <summary>One coordinate of a sweep: the sites that are written together, and where along the prompt.</summary>
public readonly record struct SweepCell(IReadOnlyList<Site> Sites, Place Place)
{
    /// <summary>For displays and messages: <c>z 4.2 @ S2</c>, <c>resid_pre 17 @ 9</c>, <c>z 2.0 + z 3.0</c>.</summary>
    public string Label =>
        string.Join(" + ", Sites.Select(s => s.Head is { } h ? $"{s.Component.Word()} {s.Layer}.{h}" : $"{s.Component.Word()} {s.Layer}"))
        + (Place.ToString() is { Length: > 0 } place ? $" @ {place}" : "");

    /// <summary>Hook names, joined by a space.</summary>
    public string Hook => string.Join(' ', Sites.Select(s => s.HookName));

    /// <summary>The layer all sites share; null where they share none.</summary>
    public int? Layer
    {
        get
        {
            var first = Sites[0].Layer;
            return Sites.All(s => s.Layer == first) ? first : null;
        }
    }
}

/// <summary>
/// The cells of a sweep in plan order: layer, component in file order, head, place; sets after the components of their layer.
/// </summary>
public sealed record SweepGrid(IReadOnlyList<SweepBlock> Blocks, Granularity By)
{
    public long Cells => Blocks.Sum(b => b.Cells);
}
