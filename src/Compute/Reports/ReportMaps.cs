using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Reports;

/// <summary>
/// The cells of a study as the report's heat maps: one map per component (per set of
/// sites that are written together, per dose), each a dense [layer, head, slot] grid, where a slot is a
/// position, a role, or the one slot of a study by = all. Values go into one binary block of float32 planes (patched, effect, standard
/// error, score, n; each as long as all grids together, NaN where there is none), which keeps 10,000 cells at a quarter of a megabyte.
/// </summary>
public static class ReportMaps
{
    private const int PerPromptBudget = 120_000;

    /// <returns><c>maps</c> (shape and labels), <c>values</c> (base64), <c>perPrompt</c> (by prompt, strongest cells first).</returns>
    public static JsonObject Build(StudyResult result)
    {
        var finished = result.History.State is RunState.Completed or RunState.CompletedWithErrors;
        var defeats = Defeats(result);
        var maps = new JsonArray();
        var placed = new List<(int Offset, MapGrid Grid, IReadOnlyList<CellRow> Rows)>();
        var size = 0;
        foreach (var group in result.Rows.GroupBy(
            r => (Template: MapGrid.Template(r.Hook, r.Layer), r.Together, r.Direction, r.Value, r.Metric)))
        {
            var word = group.Key.Together ?? MapGrid.Word(group.Key.Template);
            var grid = new MapGrid([.. group.Select(Place)], defeats.Where(d => d.Component == word).Select(d => d.Layer)
                .Concat(finished ? [] : result.Plan.Layers.Select(l => l.Layer).Where(l => l >= 0)));
            maps.Add(new JsonObject
            {
                ["name"] = word,
                ["hook"] = group.Key.Template,
                ["direction"] = group.Key.Direction,
                ["value"] = group.Key.Value,
                ["metric"] = group.Key.Metric,
                ["offset"] = size,
                ["layers"] = Array(grid.Layers),
                ["heads"] = grid.Heads is [null] ? null : Array(grid.Heads),
                ["slotKind"] = grid.Slots is [(null, null)] ? null : grid.Slots.Any(s => s.Role is not null) ? "role" : "position",
                ["slots"] = new JsonArray([.. grid.Slots.Select(s => Slot(s, result.Prompts))]),
                ["failed"] = new JsonObject(defeats.Where(d => d.Component == word).DistinctBy(d => d.Layer)
                    .Select(d => KeyValuePair.Create($"{d.Layer}", (JsonNode?)d.Error))),
            });
            placed.Add((size, grid, [.. group]));
            size = checked(size + grid.Size);
        }

        var planes = new float[checked(size * 5)];
        System.Array.Fill(planes, float.NaN);
        var perPrompt = new List<(double Strength, int Cell, IReadOnlyList<double> Effects)>();
        foreach (var (offset, grid, rows) in placed)
            foreach (var row in rows)
            {
                var cell = offset + grid.Index(Place(row));
                planes[cell] = Narrow(row.Patched);
                planes[size + cell] = Narrow(row.Effect);
                planes[2 * size + cell] = Narrow(row.EffectSe);
                planes[3 * size + cell] = Narrow(row.Score);
                planes[4 * size + cell] = row.N;
                if (row.PerPrompt is { Count: > 0 } effects) perPrompt.Add((CellOrder.Strength(row), cell, effects));
            }
        return new JsonObject { ["maps"] = maps, ["cells"] = size, ["values"] = Base64(planes), ["perPrompt"] = PerPrompt(perPrompt) };
    }

    private static JsonObject PerPrompt(List<(double Strength, int Cell, IReadOnlyList<double> Effects)> all)
    {
        var cells = new JsonArray();
        var values = new List<float>();
        foreach (var (_, cell, effects) in all.OrderByDescending(c => c.Strength))
        {
            if (values.Count + effects.Count > PerPromptBudget) break;
            cells.Add(new JsonArray(cell, values.Count, effects.Count));
            values.AddRange(effects.Select(e => (float)e));
        }
        return new JsonObject { ["cells"] = cells, ["complete"] = cells.Count == all.Count, ["values"] = Base64([.. values]) };
    }

    private static IReadOnlyList<(int Layer, string Component, string Error)> Defeats(StudyResult result) =>
        [.. result.History.Failures.Where(f => f.Ordinal >= 0 && f.Ordinal < result.Plan.UnitCount).Select(f =>
        {
            var unit = result.Plan[f.Ordinal];
            var known = unit.Track >= 0 && unit.Track < result.Plan.Tracks.Count;
            return (unit.Layer, known ? result.Plan.Tracks[unit.Track].Name : "", f.Error);
        })];

    private static MapPlace Place(CellRow row) => new(row.Layer, row.Head ?? row.Latent, row.Position, row.Role);

    private static JsonObject Slot((int? Position, string? Role) slot, IReadOnlyList<PromptView> prompts) => new()
    {
        ["position"] = slot.Position,
        ["role"] = slot.Role,
        ["token"] = slot.Position is { } p ? prompts.FirstOrDefault()?.CleanPieces.ElementAtOrDefault(p) : null,
    };

    private static JsonArray Array(IEnumerable<int?> values) =>
        new([.. values.Select(v => v is { } x ? (JsonNode?)JsonValue.Create(x) : null)]);

    private static float Narrow(double? value) => value is { } x ? (float)x : float.NaN;

    private static string Base64(float[] values) => Convert.ToBase64String(MemoryMarshal.AsBytes<float>(values));
}
