using InterpActors.Compute.Interventions;

namespace InterpActors.Compute.Reports;

/// <summary>Where a cell stands in a heat map; null for what it has none of.</summary>
public readonly record struct MapPlace(int? Layer, int? Head, int? Position, string? Role);

/// <summary>
/// The axes of one component's heat map: a dense [layer, head, slot] grid, where a slot is a position, a role, or the one slot of a study
/// by = all.
/// </summary>
public sealed class MapGrid
{
    private readonly Dictionary<int, int> _layer, _head;
    private readonly Dictionary<(int?, string?), int> _slot;

    /// <param name="moreLayers">Layers to be shown although they have no place (yet).</param>
    public MapGrid(IReadOnlyCollection<MapPlace> places, IEnumerable<int> moreLayers)
    {
        Layers = [.. places.Select(p => p.Layer).Concat(moreLayers.Select(l => (int?)l)).Distinct().Order()];
        Heads = [.. places.Select(p => p.Head).Distinct().Order()];
        Slots = [.. places.Select(p => (p.Position, p.Role)).Distinct()];
        if (Slots.All(s => s.Role is null)) Slots = [.. Slots.OrderBy(s => s.Position)];
        _layer = Layers.Select((l, i) => (Key: l ?? -1, i)).ToDictionary(p => p.Key, p => p.i);
        _head = Heads.Select((h, i) => (Key: h ?? -1, i)).ToDictionary(p => p.Key, p => p.i);
        _slot = Slots.Select((s, i) => (s, i)).ToDictionary(p => ((int?)p.s.Position, (string?)p.s.Role), p => p.i);
    }

    public IReadOnlyList<int?> Layers { get; }

    /// <summary>A single null where the component has no heads.</summary>
    public IReadOnlyList<int?> Heads { get; }

    public IReadOnlyList<(int? Position, string? Role)> Slots { get; }

    /// <summary>Cells of one layer.</summary>
    public int RowSize => checked(Heads.Count * Slots.Count);

    public int Size => checked(Layers.Count * RowSize);

    /// <summary>Index of a place among the <see cref="Size"/> cells, layer by layer.</summary>
    public int Index(MapPlace place) =>
        (_layer[place.Layer ?? -1] * Heads.Count + _head[place.Head ?? -1]) * Slots.Count + _slot[(place.Position, place.Role)];

    /// <summary>The hook name with a star for the layer: <c>blocks.*.attn.hook_z</c>.</summary>
    public static string Template(string hook, int? layer) => layer is { } l ? hook.Replace($"blocks.{l}.", "blocks.*.") : hook;

    /// <summary>The component's word for such a name; the name itself where it is of no single component.</summary>
    public static string Word(string template)
    {
        foreach (var component in Enum.GetValues<Component>())
            if (component.HookName(0).Replace("blocks.0.", "blocks.*.") == template) return component.Word();
        return template;
    }
}
