namespace InterpActors.Messages.Work;

/// <summary>Shows the results of a study while they come in: the same maps, with the same values, as the report has at the end.</summary>
public interface IPartialResults
{
    /// <summary>The study's maps, with no cell filled in yet.</summary>
    /// <returns>Null where the results of the study's method are no maps.</returns>
    IResultMaps? Maps(IStudyPlan plan);
}

/// <summary>The heat maps of one study. Not thread-safe.</summary>
public interface IResultMaps
{
    /// <summary>Fixed from the beginning: the plan tells which cells there will be.</summary>
    IReadOnlyList<ResultMap> Maps { get; }

    /// <summary>What the values are, <c>score</c> or <c>effect</c>; null as long as there are none.</summary>
    string? Quantity { get; }

    /// <summary>Fills in what was committed since the last call.</summary>
    /// <param name="payloads">Payload by ordinal; null where there is none yet.</param>
    /// <param name="budget">After this time it stops and leaves the rest to the next call.</param>
    MapChanges Update(Func<long, byte[]?> payloads, TimeSpan budget);
}

/// <summary>A heat map of one component, or of sites that are written together: a dense grid of layers by heads by slots.</summary>
/// <param name="Name">The component's word, e.g. <c>resid_pre</c>; for a set its sites, e.g. <c>z 2.0 + z 3.1</c>.</param>
/// <param name="Hook">Its hooks with a star for the layer, e.g. <c>blocks.*.hook_resid_pre</c>.</param>
/// <param name="Layers">Ascending; a single null where cells belong to no layer of their own.</param>
/// <param name="Heads">Ascending; null where the component has none.</param>
/// <param name="Slots">Positions, roles, or one slot for all positions.</param>
/// <param name="Value">What is written, e.g. <c>zero</c>; a map of its own for each dose of latents.</param>
public sealed record ResultMap(
    string Name, string Hook, IReadOnlyList<int?> Layers, IReadOnlyList<int?>? Heads, IReadOnlyList<MapSlot> Slots, string? Value = null);

/// <summary>A place along the prompt.</summary>
/// <param name="Token">The first prompt's token at the position; null where the slot is no position.</param>
public sealed record MapSlot(int? Position, string? Role, string? Token);

/// <summary>One layer of one map.</summary>
/// <param name="Map">Index into the maps.</param>
/// <param name="Layer">Index into the map's layers.</param>
/// <param name="Values">Head by head, slot by slot; null where a cell has no value (yet).</param>
public sealed record MapRow(int Map, int Layer, IReadOnlyList<float?> Values);

/// <summary>What an update changed.</summary>
/// <param name="Rows">Every row with a new value, whole.</param>
/// <param name="CaughtUp">False where the budget ended before all that is committed was filled in.</param>
public sealed record MapChanges(IReadOnlyList<MapRow> Rows, bool CaughtUp);
