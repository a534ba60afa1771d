using InterpActors.Compute.Studies;

namespace InterpActors.Compute.Tests.Studies;

public sealed class LeaseCacheTests
{
    [Fact]
    public void Many_threads_share_one_value()
    {
        using var cache = new LeaseCache<string, Thing>(1);
        var made = 0;
        Parallel.For(0, 32, _ =>
        {
            using var lease = cache.Take("a", () =>
            {
                Interlocked.Increment(ref made);
                Thread.Sleep(20);
                return new Thing();
            });
            Assert.False(lease.Value.Disposed);
        });

        Assert.Equal(1, made);
    }

    [Fact]
    public void The_least_recently_used_idle_value_goes_first()
    {
        using var cache = new LeaseCache<string, Thing>(1);
        var a = new Thing();
        var b = new Thing();
        var leaseA = cache.Take("a", () => a);
        using (cache.Take("b", () => b)) { }
        Assert.False(b.Disposed);

        leaseA.Dispose();

        Assert.True(b.Disposed);
        Assert.False(a.Disposed);
    }

    [Fact]
    public void A_leased_value_outlives_the_cache()
    {
        var cache = new LeaseCache<string, Thing>(1);
        var lease = cache.Take("a", () => new Thing());
        cache.Dispose();
        Assert.False(lease.Value.Disposed);

        lease.Dispose();

        Assert.True(lease.Value.Disposed);
    }

    [Fact]
    public void A_failed_making_is_tried_again()
    {
        using var cache = new LeaseCache<string, Thing>(1);
        Assert.Throws<IOException>(() => cache.Take("a", () => throw new IOException("disk")));

        using var lease = cache.Take("a", () => new Thing());

        Assert.False(lease.Value.Disposed);
    }

    private sealed class Thing : IDisposable
    {
        public bool Disposed { get; private set; }

        public void Dispose() => Disposed = true;
    }
}
