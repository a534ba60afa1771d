using InterpActors.Actors.Studies;

namespace InterpActors.Actors.Tests.Studies;

public class SnapshotPaceTests
{
    /// <summary>How many unit events come before the next snapshot.</summary>
    private static int Next(SnapshotPace pace, long units)
    {
        for (var events = 1; events <= 100_000; events++)
            if (pace.IsDue(units)) return events;
        return int.MaxValue;
    }

    [Theory]
    [InlineData(1_000, 1000)]
    [InlineData(100_000, 1000)]
    [InlineData(1_000_000, 10_000)]
    [InlineData(100_000_000, 20_000)]
    public void A_hundred_in_a_long_study_and_never_too_close_or_too_far(long units, int interval)
    {
        var pace = new SnapshotPace(1000);
        Assert.Equal(interval, Next(pace, units));
        pace.Ended();
        Assert.Equal(interval, Next(pace, units));
    }

    [Fact]
    public void None_while_one_is_being_written()
    {
        var pace = new SnapshotPace(10);
        Assert.Equal(10, Next(pace, 100));
        Assert.Equal(int.MaxValue, Next(pace, 100));
        pace.Ended();
        Assert.Equal(1, Next(pace, 100));
    }

    [Fact]
    public void Events_that_were_read_back_count()
    {
        var pace = new SnapshotPace(10);
        for (var i = 0; i < 7; i++) pace.Recovered();
        Assert.Equal(3, Next(pace, 100));
    }
}
