using InterpActors.Compute.Statistics;

namespace InterpActors.Compute.Tests.Statistics;

public class SeededRandomTests
{
    [Fact]
    public void TheNumbersOfASeedNeverChange()
    {
        var random = new SeededRandom(1);
        Assert.Equal([12966619160104079557UL, 9600361134598540522UL, 10590380919521690900UL],
            [random.NextBits(), random.NextBits(), random.NextBits()]);
    }

    [Fact]
    public void StreamsOfOneSeedDiffer()
    {
        ulong[] bits =
        [
            new SeededRandom(5).NextBits(), new SeededRandom(5, 0).NextBits(), new SeededRandom(5, 1).NextBits(),
            new SeededRandom(5, 0, 1).NextBits(),
        ];
        Assert.Equal(4, bits.Distinct().Count());
        Assert.Equal(new SeededRandom(5, 3, 4).NextBits(), new SeededRandom(5, 3, 4).NextBits());
    }

    [Fact]
    public void WholeNumbersCoverTheirRangeEvenly()
    {
        var random = new SeededRandom(2);
        var counts = new int[7];
        for (var i = 0; i < 70_000; i++) counts[random.Next(7)]++;
        Assert.All(counts, c => Assert.InRange(c, 9_500, 10_500));
    }

    [Fact]
    public void NormalNumbersHaveMeanZeroAndVarianceOne()
    {
        var random = new SeededRandom(3);
        var x = Enumerable.Range(0, 100_000).Select(_ => random.NextNormal()).ToArray();
        Assert.InRange(x.Average(), -0.02, 0.02);
        Assert.InRange(x.Average(v => v * v), 0.97, 1.03);
    }

    [Fact]
    public void ASampleHoldsEachItemOnce()
    {
        var random = new SeededRandom(4);
        var items = Enumerable.Range(0, 50).ToArray();
        var firsts = new int[50];
        for (var i = 0; i < 20_000; i++)
        {
            var sample = random.Sample(items, 10);
            Assert.Equal(10, sample.Distinct().Count());
            firsts[sample[9]]++;
        }
        Assert.All(firsts, c => Assert.InRange(c, 300, 500));
        Assert.Equal(items, random.Sample(items, 50).Order());
        Assert.Throws<ArgumentOutOfRangeException>(() => random.Sample(items, 51));
    }
}
