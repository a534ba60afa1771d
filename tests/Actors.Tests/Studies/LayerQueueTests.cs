using InterpActors.Actors.Studies;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Tests.Studies;

public class LayerQueueTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static LayerQueue Queue(long first, long count, long[]? settled = null, params UnitAttempts[] failures) =>
        new(new LayerUnits(0, first, count), o => settled?.Contains(o) == true, failures);

    [Fact]
    public void Gives_each_open_unit_once_in_order()
    {
        var queue = Queue(100, 5, [101, 104]);
        Assert.Equal([100L, 102L, 103L], Drain(queue, Start));
        Assert.Null(queue.Take(Start));
        Assert.False(queue.IsDone);
        foreach (var o in new[] { 100L, 102, 103 }) queue.Settle(o);
        Assert.True(queue.IsDone);
    }

    [Fact]
    public void A_failed_unit_comes_back_when_it_is_due_with_the_next_attempt()
    {
        var queue = Queue(0, 2);
        queue.Take(Start);
        queue.PutBack(0, Start.AddSeconds(3), 1);
        Assert.Equal((1L, 1), queue.Take(Start));
        Assert.Null(queue.Take(Start.AddSeconds(2)));
        Assert.Equal(Start.AddSeconds(3), queue.NextDue());
        Assert.Equal((0L, 2), queue.Take(Start.AddSeconds(3)));
        Assert.Null(queue.NextDue());
    }

    [Fact]
    public void Failures_of_earlier_processes_count()
    {
        var queue = Queue(0, 3, null, new UnitAttempts(2, 4), new UnitAttempts(77, 1));
        Assert.Equal((2L, 5), queue.Take(Start));
        Assert.Equal([0L, 1L], Drain(queue, Start));
    }

    [Fact]
    public void A_claimed_unit_is_not_handed_out()
    {
        var queue = Queue(0, 3);
        queue.Claim(1);
        Assert.Equal([0L, 2L], Drain(queue, Start));
        queue.PutBackAll();
        Assert.Equal([0L, 1L, 2L], Drain(queue, Start).Order());
    }

    [Fact]
    public void A_settled_unit_never_comes_back()
    {
        var queue = Queue(0, 2);
        queue.Take(Start);
        queue.Settle(0);
        queue.PutBack(0, Start, 1);
        queue.Claim(0);
        Assert.Equal([1L], Drain(queue, Start));
        Assert.Null(queue.NextDue());
    }

    private static List<long> Drain(LayerQueue queue, DateTimeOffset now)
    {
        var taken = new List<long>();
        while (queue.Take(now) is { } next) taken.Add(next.Ordinal);
        return taken;
    }
}
