using InterpActors.Compute.Interventions;
using InterpActors.Compute.Sweeps.Latents;

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
    /// <summary>Latents of a dictionary that reads the component, one a cell; null where the component itself is written.</summary>
    public IReadOnlyList<LatentSite>? Latents { get; init; }

    public long Cells => (long)(Latents?.Count ?? Heads.Count) * Places.Count;

    /// <summary>Every site that its cells write.</summary>
    public IEnumerable<Site> Sites => Set ?? (Latents is { } latents
        ? latents.Select(l => new Site(Layer, Component!.Value, null) { Latent = l })
        : Heads.Select(h => new Site(Layer, Component!.Value, h)));

    public SweepCell this[long index]
    {
        get
        {
            var (which, place) = ((int)(index / Places.Count), Places[(int)(index % Places.Count)]);
            if (Latents is { } latents) return new SweepCell([new Site(Layer, Component!.Value, null) { Latent = latents[which] }], place);
            return new SweepCell(Set ?? [new Site(Layer, Component!.Value, Heads[which])], place);
        }
    }
}

/// <summary>One coordinate of a sweep: the sites that are written together, and where along the prompt.</summary>
public readonly record struct SweepCell(IReadOnlyList<Site> Sites, Place Place)
{
    /// <summary>For displays and messages: <c>z 4.2 @ S2</c>, <c>resid_pre 17 @ 9</c>, <c>z 2.0 + z 3.0</c>.</summary>
    public string Label =>
        string.Join(" + ", Sites.Select(s => s.Latent is { } l ? $"latent {l.Index} of {s.Component.Word()} {s.Layer}{Set(l)}"
            : s.Head is { } h ? $"{s.Component.Word()} {s.Layer}.{h}" : $"{s.Component.Word()} {s.Layer}"))
        + (Place.ToString() is { Length: > 0 } place ? $" @ {place}" : "");

    private static string Set(LatentSite latent) =>
        latent.Dose is { } dose ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $" = {dose:0.###}") : "";

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

    /// <summary>Sites that are written together, a star for a layer that they share: <c>z *.0 + z *.1</c>; null for one site.</summary>
    public string? Together
    {
        get
        {
            if (Sites.Count == 1) return null;
            var shared = Layer is not null;
            return string.Join(" + ", Sites.Select(s =>
                $"{s.Component.Word()} {(shared ? "*" : s.Layer)}{(s.Head is { } h ? $".{h}" : "")}"));
        }
    }
}

/// <summary>
/// The cells of a sweep in plan order: layer, component in file order, head, place; sets after the components of their layer.
/// </summary>
public sealed record SweepGrid(IReadOnlyList<SweepBlock> Blocks, Granularity By)
{
    /// <summary>The dictionary whose latents some cells write; null where there is none.</summary>
    public LatentSource? Source { get; init; }

    public long Cells => Blocks.Sum(b => b.Cells);
}
