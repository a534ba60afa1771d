using InterpActors.Compute.Interventions;
using InterpActors.Compute.Sweeps;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Sweeps;

public sealed class SweepPlanTests
{
    [Theory]
    [InlineData(3, 15, 1)]
    [InlineData(40, 60, 1)]
    [InlineData(6, 4000, 4)]
    public void Every_cell_of_every_prompt_is_in_exactly_one_unit(int prompts, int length, int atLeastShards)
    {
        var context = SweepTesting.Context(SweepTesting.Config(4, 8, 2),
            [.. Enumerable.Range(0, prompts).Select(i => SweepTesting.Pair($"p{i}", length))]);
        var grid = SweepKeys.Read(SweepTesting.Section("components = [resid_pre, k, z], by = role"), context,
            new SweepKeyOptions([.. Enum.GetValues<Component>()], Granularity.All));
        var plan = new SweepPlan(SweepTesting.Study(), context, grid, EngineKind.Patching, "");
        Assert.True(plan.Shards.Count >= atLeastShards);
        Assert.Equal(4 * (1 + 2 + 8) * 2, plan.CellCount);

        var seen = new HashSet<(SweepBlock, long, int)>();
        var lastLayer = -1;
        for (long o = 0; o < plan.UnitCount; o++)
        {
            var unit = plan.Describe(o);
            var work = plan[o];
            Assert.Equal(o, work.Ordinal);
            Assert.True(work.Layer >= lastLayer);
            lastLayer = work.Layer;
            Assert.Single(plan.Layers, l => l.Layer == work.Layer && o >= l.First && o < l.First + l.Count);
            if (unit.Block is null) continue;
            for (var c = 0; c < unit.Cells; c++)
            {
                Assert.True(seen.Add((unit.Block, unit.FirstCell + c, unit.Shard)));
                Assert.Equal((o, c), plan.Find(plan.Blocks.ToList().IndexOf(unit.Block), unit.FirstCell + c, unit.Shard));
            }
        }
        Assert.Equal(plan.CellCount * plan.Shards.Count, seen.Count);
        Assert.Equal(plan.UnitCount, plan.Layers.Sum(l => l.Count));
        Assert.Equal(plan.UnitCount, plan.Tracks.Sum(t => t.Units));
        // A cell of many shards counts once, for the display as for the plan.
        Assert.Equal(plan.CellCount, plan.Tracks.Sum(t => t.Cells));
        Assert.Equal(plan.CellCount, Enumerable.Range(0, (int)plan.UnitCount).Sum(o => (long)plan[o].Cells));
        Assert.Equal(prompts, plan.Shards.Sum(s => s.Count));
        Assert.Throws<ArgumentOutOfRangeException>(() => plan[plan.UnitCount]);
        Assert.Throws<ArgumentOutOfRangeException>(() => plan[-1]);
    }

    [Fact]
    public void A_million_cells_plan_in_constant_memory()
    {
        var context = SweepTesting.Context(SweepTesting.Config(64, 64, 64), SweepTesting.Pair("p", 250));
        var grid = SweepKeys.Read(SweepTesting.Section("components = [z], by = position"), context,
            new SweepKeyOptions([.. Enum.GetValues<Component>()], Granularity.All));
        var before = GC.GetAllocatedBytesForCurrentThread();

        var plan = new SweepPlan(SweepTesting.Study(), context, grid, EngineKind.Patching, "");
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(64 * 64 * 250, plan.CellCount);
        Assert.True(allocated < 1 << 20, $"{allocated} bytes");
        Assert.Equal(63, plan[plan.UnitCount - 1].Layer);
    }
}
