using InterpActors.Compute.Dictionaries.Data;

namespace InterpActors.Compute.Tests.Dictionaries.Data;

public sealed class RowOrderTests
{
    private static readonly long[] Counts = [13, 0, 40, 7, 25, 31, 9];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(1000)]
    public void Keyed_permutation_is_one(long count)
    {
        var order = new KeyedPermutation(count, 5, 1, 2);
        var items = Enumerable.Range(0, (int)count).Select(i => order[i]).ToArray();

        Assert.Equal(Enumerable.Range(0, (int)count).Select(i => (long)i), items.Order());
        if (count == 1000) Assert.NotEqual(items, Enumerable.Range(0, 1000).Select(i => new KeyedPermutation(1000, 6, 1, 2)[i]));
    }

    [Theory]
    [InlineData(0.0, true)]
    [InlineData(0.5, true)]
    [InlineData(0.9, true)]
    [InlineData(0.5, false)]
    public void Every_row_is_served_once_an_epoch(double mix, bool shuffled)
    {
        // A batch of one row leaves nothing out.
        var order = new RowOrder(Counts, 1, 30, mix, 3, shuffled);

        Assert.Equal(Counts.Sum(), order.BatchesPerEpoch);
        for (var epoch = 0; epoch < 3; epoch++)
        {
            var rows = Rows(order, epoch * order.BatchesPerEpoch, (int)order.BatchesPerEpoch, 1);
            Assert.Equal(Counts.SelectMany((n, s) => Enumerable.Range(0, (int)n).Select(r => new RowPlace(s, r))),
                rows.OrderBy(r => r.Shard).ThenBy(r => r.Row));
        }
    }

    [Fact]
    public void Batch_depends_on_seed_and_number_alone()
    {
        var order = new RowOrder(Counts, 8, 30, 0.5, 3, true);
        var forwards = Rows(order, 0, 40, 8);
        var again = new RowOrder(Counts, 8, 30, 0.5, 3, true);
        var backwards = Enumerable.Range(0, 40).Reverse().SelectMany(t => Rows(again, t, 1, 8).Reverse()).Reverse();

        Assert.Equal(forwards, backwards);
        Assert.NotEqual(forwards, Rows(new RowOrder(Counts, 8, 30, 0.5, 4, true), 0, 40, 8));
        Assert.NotEqual(forwards[..64], Rows(order, order.BatchesPerEpoch, 8, 8));
    }

    [Fact]
    public void Held_back_rows_mix_windows()
    {
        // One shard a window: without mixing each eighth of the stream is one shard, with it neighbours share.
        var counts = Enumerable.Repeat(100L, 8).ToArray();
        int Changes(double mix) => Rows(new RowOrder(counts, 1, 100, mix, 1, true), 0, 800, 1).Select(r => r.Shard).Zip(
            Rows(new RowOrder(counts, 1, 100, mix, 1, true), 1, 799, 1).Select(r => r.Shard)).Count(p => p.First != p.Second);

        Assert.Equal(7, Changes(0));
        Assert.InRange(Changes(0.5), 200, 799);
    }

    [Fact]
    public void Shards_are_those_of_the_first_batches()
    {
        var order = new RowOrder(Counts, 8, 30, 0.5, 3, true);
        for (var batches = 1; batches < 2 * order.BatchesPerEpoch; batches++)
        {
            var used = Rows(order, 0, batches, 8).Select(r => r.Shard).ToHashSet();
            Assert.Subset(order.Shards(batches).ToHashSet(), used);
        }
        Assert.True(order.Shards(1).Count < 6);
        Assert.Equal(6, order.Shards(1000).Count);
    }

    private static RowPlace[] Rows(RowOrder order, long first, int batches, int size)
    {
        var rows = new RowPlace[batches * size];
        for (var t = 0; t < batches; t++) order.Batch(first + t, rows.AsSpan(t * size, size));
        return rows;
    }
}
