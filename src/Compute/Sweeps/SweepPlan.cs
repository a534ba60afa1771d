using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Sweeps;

/// <summary>What a unit of a sweep computes: a contiguous range of one block's cells over one shard of the prompts.</summary>
/// <param name="Block">Null for a baseline unit.</param>
/// <param name="FirstCell">Index within the block.</param>
public sealed record SweepUnit(SweepBlock? Block, long FirstCell, int Cells, int Shard, int FirstPrompt, int Prompts);

/// <summary>
/// The plan of a sweep. First the baseline units (layer −1, one per prompt shard: the metric without intervention); then block by
/// block, and within a block shard by shard, contiguous ranges of cells. Only block and shard boundaries are stored: a unit is found by
/// arithmetic, so that memory does not grow with the number of cells.
/// </summary>
public sealed class SweepPlan : IStudyPlan
{
    /// <summary>The name of the progress bar of the baseline units.</summary>
    public const string BaselineTrack = "base runs";

    private readonly SweepGrid _grid;
    private readonly EngineKind _engine;
    private readonly long[] _firstUnit;
    private readonly long[] _cellsPerUnit;
    private readonly int[] _trackOfBlock;

    /// <param name="artifactBytes">Bytes of artefacts that the method will write.</param>
    public SweepPlan(Study study, StudyContext context, SweepGrid grid, EngineKind engine, string headline, long artifactBytes = 0)
    {
        Study = study;
        Headline = headline;
        _grid = grid;
        _engine = engine;
        var cost = new SweepCost(context);
        Shards = cost.Shards;
        _firstUnit = new long[grid.Blocks.Count + 1];
        _cellsPerUnit = new long[grid.Blocks.Count];
        _trackOfBlock = new int[grid.Blocks.Count];
        var tracks = new List<PlanTrack> { new(BaselineTrack, Shards.Count, 0) };
        var layers = new List<LayerUnits> { new(-1, 0, Shards.Count) };
        _firstUnit[0] = Shards.Count;
        double flops = cost.BaselineFlops;
        for (var b = 0; b < grid.Blocks.Count; b++)
        {
            var block = grid.Blocks[b];
            _cellsPerUnit[b] = Math.Min(cost.CellsPerUnit(block), block.Cells);
            var units = Groups(b) * Shards.Count;
            _firstUnit[b + 1] = _firstUnit[b] + units;
            flops += cost.FlopsPerCell(block) * block.Cells;
            if (layers[^1].Layer == block.Layer) layers[^1] = layers[^1] with { Count = layers[^1].Count + units };
            else layers.Add(new LayerUnits(block.Layer, _firstUnit[b], units));
            var track = tracks.FindIndex(t => t.Name == block.Track);
            if (track < 0)
            {
                track = tracks.Count;
                tracks.Add(new PlanTrack(block.Track, 0, 0));
            }
            var so = tracks[track];
            tracks[track] = so with { Units = so.Units + units, Cells = so.Cells + block.Cells };
            _trackOfBlock[b] = track;
        }
        Layers = layers;
        Tracks = tracks;
        CellCount = grid.Cells;
        Estimate = new PlanEstimate((CellCount + (context.HasCorrupted ? 2.0 : 1.0)) * context.PromptCount, flops, cost.MemoryBytes,
            artifactBytes, context.Model.Dtype);
    }

    public Study Study { get; }
    public string Headline { get; }
    public long UnitCount => _firstUnit[^1];
    public long CellCount { get; }
    public IReadOnlyList<LayerUnits> Layers { get; }
    public IReadOnlyList<PlanTrack> Tracks { get; }
    public PlanEstimate Estimate { get; }

    /// <summary>The prompt ranges of the plan.</summary>
    public IReadOnlyList<(int First, int Count)> Shards { get; }

    public IReadOnlyList<SweepBlock> Blocks => _grid.Blocks;

    /// <inheritdoc/>
    public WorkUnit this[long ordinal]
    {
        get
        {
            var unit = Describe(ordinal, out var block);
            var part = Shards.Count == 1 ? "" : $", prompts {unit.FirstPrompt} to {unit.FirstPrompt + unit.Prompts - 1}";
            return unit.Block is null
                ? new WorkUnit(Study.Id, ordinal, -1, 0, EngineKind.Ablation, 0, BaselineTrack + part)
                // A cell counts once, with its last shard.
                : new WorkUnit(Study.Id, ordinal, unit.Block.Layer, _trackOfBlock[block], _engine,
                    unit.Shard == Shards.Count - 1 ? unit.Cells : 0, $"{unit.Block.Track} layer {unit.Block.Layer}{part}");
        }
    }

    /// <summary>What the unit at a place of the plan computes.</summary>
    public SweepUnit Describe(long ordinal) => Describe(ordinal, out _);

    /// <summary>The ordinal of the unit that holds a cell of a block for a shard, and the cell's index in that unit.</summary>
    public (long Ordinal, int Index) Find(int block, long cell, int shard) =>
        (_firstUnit[block] + shard * Groups(block) + cell / _cellsPerUnit[block], (int)(cell % _cellsPerUnit[block]));

    /// <summary>How many cells of a block are computed together.</summary>
    public long CellsPerUnit(int block) => _cellsPerUnit[block];

    private SweepUnit Describe(long ordinal, out int block)
    {
        if (ordinal < 0 || ordinal >= UnitCount)
            throw new ArgumentOutOfRangeException(nameof(ordinal), ordinal, $"the plan has {UnitCount} units");
        if (ordinal < Shards.Count)
        {
            block = -1;
            return new SweepUnit(null, 0, 0, (int)ordinal, Shards[(int)ordinal].First, Shards[(int)ordinal].Count);
        }
        var at = Array.BinarySearch(_firstUnit, ordinal);
        // A block is never empty, so first ordinals are strictly ascending.
        block = at >= 0 ? at : ~at - 1;
        var within = ordinal - _firstUnit[block];
        var shard = (int)(within / Groups(block));
        var first = within % Groups(block) * _cellsPerUnit[block];
        var cells = (int)Math.Min(_cellsPerUnit[block], _grid.Blocks[block].Cells - first);
        return new SweepUnit(_grid.Blocks[block], first, cells, shard, Shards[shard].First, Shards[shard].Count);
    }

    private long Groups(int block) => (_grid.Blocks[block].Cells + _cellsPerUnit[block] - 1) / _cellsPerUnit[block];
}
