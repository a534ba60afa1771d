using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using InterpActors.Compute.Interventions;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Reports;

/// <summary>
/// The cells of a study as the report's heat maps: one map per component, each a dense [layer, head, slot] grid, where a slot is a
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
        var grids = new List<Grid>();
        var size = 0;
        foreach (var group in result.Rows.GroupBy(r => (Template: Template(r), r.Direction, r.Value, r.Metric)))
        {
            var grid = new Grid(group, size, defeats.Where(d => d.Component == Word(group.Key.Template)).Select(d => d.Layer)
                .Concat(finished ? [] : result.Plan.Layers.Select(l => l.Layer).Where(l => l >= 0)));
            size = checked(size + grid.Size);
            grids.Add(grid);
            maps.Add(new JsonObject
            {
                ["name"] = Word(group.Key.Template),
                ["hook"] = group.Key.Template,
                ["direction"] = group.Key.Direction,
                ["value"] = group.Key.Value,
                ["metric"] = group.Key.Metric,
                ["offset"] = grid.Offset,
                ["layers"] = Array(grid.Layers),
                ["heads"] = grid.Heads is [null] ? null : Array(grid.Heads),
                ["slotKind"] = grid.Slots is [(null, null)] ? null : grid.Slots.Any(s => s.Role is not null) ? "role" : "position",
                ["slots"] = new JsonArray([.. grid.Slots.Select(s => Slot(s, result.Prompts))]),
                ["failed"] = new JsonObject(defeats.Where(d => d.Component == Word(group.Key.Template)).DistinctBy(d => d.Layer)
                    .Select(d => KeyValuePair.Create($"{d.Layer}", (JsonNode?)d.Error))),
            });
        }

        var planes = new float[checked(size * 5)];
        System.Array.Fill(planes, float.NaN);
        var perPrompt = new List<(double Strength, int Cell, IReadOnlyList<double> Effects)>();
        foreach (var grid in grids)
            foreach (var row in grid.Rows)
            {
                var cell = grid.Cell(row);
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

    /// <summary>The hook name with a star for the layer: <c>blocks.*.attn.hook_z</c>.</summary>
    private static string Template(CellRow row) =>
        row.Layer is { } layer ? row.Hook.Replace($"blocks.{layer}.", "blocks.*.") : row.Hook;

    private static string Word(string template)
    {
        foreach (var component in Enum.GetValues<Component>())
            if (component.HookName(0).Replace("blocks.0.", "blocks.*.") == template) return component.Word();
        return template;
    }

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

    private sealed class Grid
    {
        private readonly Dictionary<int, int> _layer, _head;
        private readonly Dictionary<(int?, string?), int> _slot;

        public Grid(IEnumerable<CellRow> rows, int offset, IEnumerable<int> moreLayers)
        {
            Rows = [.. rows];
            Offset = offset;
            Layers = [.. Rows.Select(r => r.Layer).Concat(moreLayers.Select(l => (int?)l)).Distinct().Order()];
            Heads = [.. Rows.Select(r => r.Head).Distinct().Order()];
            Slots = [.. Rows.Select(r => (r.Position, r.Role)).Distinct()];
            if (Slots.All(s => s.Role is null)) Slots = [.. Slots.OrderBy(s => s.Position)];
            _layer = Layers.Select((l, i) => (Key: l ?? -1, i)).ToDictionary(p => p.Key, p => p.i);
            _head = Heads.Select((h, i) => (Key: h ?? -1, i)).ToDictionary(p => p.Key, p => p.i);
            _slot = Slots.Select((s, i) => (s, i)).ToDictionary(p => ((int?)p.s.Position, (string?)p.s.Role), p => p.i);
        }

        public IReadOnlyList<CellRow> Rows { get; }
        public int Offset { get; }
        public IReadOnlyList<int?> Layers { get; }
        public IReadOnlyList<int?> Heads { get; }
        public IReadOnlyList<(int? Position, string? Role)> Slots { get; }
        public int Size => checked(Layers.Count * Heads.Count * Slots.Count);

        public int Cell(CellRow row) =>
            Offset + (_layer[row.Layer ?? -1] * Heads.Count + _head[row.Head ?? -1]) * Slots.Count + _slot[(row.Position, row.Role)];
    }
}
