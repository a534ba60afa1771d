using System.Diagnostics;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Sweeps;

/// <summary>
/// The heat maps of a sweep that is running. A cell is filled in once all its prompt shards are there, by the same fold as the report's, so
/// that both show the same number. Memory: four bytes a cell, and the payloads of the units that are being folded.
/// </summary>
internal sealed class SweepMaps : IResultMaps
{
    private readonly SweepMethod _method;
    private readonly StudyContext _study;
    private readonly SweepPlan _plan;
    private readonly List<MapGrid> _grids = [];
    private readonly List<float[]> _values = [];
    private readonly Dictionary<Key, int> _byKey = [];

    /// <summary>Cells computed together (one unit for each shard of the prompts) that are not filled in yet.</summary>
    private List<(int Block, long First)> _open = [];

    private Func<long, byte[]?> _payloads = _ => null;
    private (long Ordinal, byte[]? Bytes) _last = (-1, null);
    private SweepFold? _fold;

    public SweepMaps(SweepMethod method, StudyContext study, SweepPlan plan)
    {
        (_method, _study, _plan) = (method, study, plan);
        var places = new List<(Key Key, List<MapPlace> Places)>();
        for (var b = 0; b < plan.Blocks.Count; b++)
        {
            for (long c = 0; c < plan.Blocks[b].Cells; c++)
            {
                var cell = plan.Blocks[b][c];
                var key = KeyOf(cell);
                if (_byKey.TryAdd(key, places.Count)) places.Add((key, []));
                places[_byKey[key]].Places.Add(Place(cell));
            }
            for (long first = 0; first < plan.Blocks[b].Cells; first += plan.CellsPerUnit(b)) _open.Add((b, first));
        }
        foreach (var (_, some) in places)
        {
            var grid = new MapGrid(some, []);
            _grids.Add(grid);
            var values = new float[grid.Size];
            Array.Fill(values, float.NaN);
            _values.Add(values);
        }
        Maps = [.. places.Select((p, i) => new ResultMap(
            p.Key.Together ?? MapGrid.Word(p.Key.Template), p.Key.Template, _grids[i].Layers,
            _grids[i].Heads is [null] ? null : _grids[i].Heads, [.. _grids[i].Slots.Select(s => Slot(s.Position, s.Role))], p.Key.Value))];
    }

    public IReadOnlyList<ResultMap> Maps { get; }

    public string? Quantity => _fold is null ? null : _fold.ScoreRefusal is null ? _method.Quantity : "effect";

    /// <inheritdoc/>
    public MapChanges Update(Func<long, byte[]?> payloads, TimeSpan budget)
    {
        _payloads = payloads;
        if (_fold is null)
        {
            if (Enumerable.Range(0, _plan.Shards.Count).Any(s => Payload(s) is null)) return new MapChanges([], true);
            var history = new RunHistory(RunState.Running, _plan.UnitCount, 0, [], []);
            _fold = new SweepFold(_method, _study, _plan, new Reduction(_plan, Payload, history));
        }
        var clock = Stopwatch.StartNew();
        var changed = new SortedSet<(int Map, int Layer)>();
        var still = new List<(int, long)>();
        var caughtUp = true;
        foreach (var (block, first) in _open)
        {
            if (clock.Elapsed > budget) caughtUp = false;
            if (!caughtUp || !Fill(_fold, block, first, changed)) still.Add((block, first));
        }
        _open = still;
        _last = (-1, null);
        return new MapChanges([.. changed.Select(r => Row(r.Map, r.Layer))], caughtUp);
    }

    /// <returns>False where a unit is missing.</returns>
    private bool Fill(SweepFold fold, int block, long first, SortedSet<(int, int)> changed)
    {
        // The last shard is the last to be handed out.
        for (var s = _plan.Shards.Count - 1; s >= 0; s--)
            if (Payload(_plan.Find(block, first, s).Ordinal) is null) return false;
        foreach (var (_, cell) in fold.Cells(block, first, Math.Min(_plan.CellsPerUnit(block), _plan.Blocks[block].Cells - first)))
        {
            var map = _byKey[KeyOf(cell.Cell)];
            var at = _grids[map].Index(Place(cell.Cell));
            _values[map][at] = (float)((Quantity == "score" ? cell.Row.Score : cell.Row.Effect) ?? double.NaN);
            changed.Add((map, at / _grids[map].RowSize));
        }
        return true;
    }

    private MapRow Row(int map, int layer)
    {
        var size = _grids[map].RowSize;
        var values = _values[map].AsSpan(layer * size, size).ToArray();
        return new MapRow(map, layer, [.. values.Select(v => float.IsFinite(v) ? v : (float?)null)]);
    }

    /// <summary>A journal is read once for the question whether a unit is there and for what it says.</summary>
    private byte[]? Payload(long ordinal)
    {
        if (_last.Ordinal != ordinal || _last.Bytes is null) _last = (ordinal, _payloads(ordinal));
        return _last.Bytes;
    }

    private MapSlot Slot(int? position, string? role)
    {
        var tokens = _study.Task.Prompts[0].Clean;
        return new MapSlot(position, role, position is { } p && p < tokens.Length ? _study.Piece(tokens[p]) : null);
    }

    /// <summary>As the report groups the result's rows.</summary>
    private Key KeyOf(SweepCell cell) => new(MapGrid.Template(cell.Hook, cell.Layer), cell.Together, _method.Scoring.ValueOf(cell));

    /// <summary>As the result's rows have it: several sites that are written together share no head.</summary>
    private static MapPlace Place(SweepCell cell) =>
        new(cell.Layer, cell.Sites.Count == 1 ? cell.Sites[0].Head ?? cell.Sites[0].Latent?.Index : null, cell.Place.Position,
            cell.Place.Role);

    /// <summary>What one map holds the cells of.</summary>
    private readonly record struct Key(string Template, string? Together, string Value);
}
