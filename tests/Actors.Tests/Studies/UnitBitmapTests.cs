using InterpActors.Actors.Studies;

namespace InterpActors.Actors.Tests.Studies;

public class UnitBitmapTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1000)]
    public void Agrees_with_a_plain_set(int length)
    {
        var random = new Random(length);
        var bitmap = new UnitBitmap(length);
        var set = new SortedSet<long>();
        for (var i = 0; i < length; i++)
        {
            var ordinal = random.Next(length);
            Assert.Equal(set.Add(ordinal), bitmap.Add(ordinal));
        }
        Assert.Equal(set.Count, bitmap.Count);
        Assert.Equal(set, bitmap.Members());
        for (var first = 0; first < length; first += 7)
        {
            var count = Math.Min(70, length - first);
            Assert.Equal(set.Count(o => o >= first && o < first + count), bitmap.CountIn(first, count));
            var absent = Enumerable.Range(first, length - first).Select(i => (long?)i).FirstOrDefault(i => !set.Contains(i!.Value));
            Assert.Equal(absent, bitmap.NextAbsent(first));
        }
        var copy = UnitBitmap.FromBytes(bitmap.ToBytes(), length);
        Assert.Equal(bitmap.Members(), copy.Members());
        Assert.Equal(bitmap.Count, copy.Count);
    }

    [Fact]
    public void Refuses_what_does_not_belong()
    {
        var bitmap = new UnitBitmap(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.Add(10));
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.Add(-1));
        Assert.False(bitmap[10]);
        Assert.False(bitmap[-1]);
        Assert.Throws<ArgumentException>(() => UnitBitmap.FromBytes([1], 10));
    }

    [Fact]
    public void A_copy_stays_as_it_was()
    {
        var bitmap = new UnitBitmap(10);
        bitmap.Add(1);
        var copy = bitmap.Copy();
        bitmap.Add(2);
        Assert.Equal([1L], copy.Members());
    }
}
