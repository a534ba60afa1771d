namespace InterpActors.Compute.Studies;

/// <summary>
/// Shared, expensive things by key, disposed if they can be: each is made once however many threads ask, lives while anyone holds a lease,
/// and the most recently used few live on while idle. A making that fails is forgotten, so that the next asker tries again.
/// </summary>
/// <param name="idle">How many unused values are kept.</param>
internal sealed class LeaseCache<TKey, TValue>(int idle) : IDisposable
    where TKey : notnull
    where TValue : class
{
    private readonly Dictionary<TKey, Entry> _entries = [];
    private readonly Lock _lock = new();
    private long _clock;
    private bool _closed;

    public Lease Take(TKey key, Func<TValue> make)
    {
        Entry? entry;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (!_entries.TryGetValue(key, out entry)) _entries[key] = entry = new Entry(new Lazy<TValue>(make));
            entry.Users++;
        }
        try
        {
            return new Lease(this, key, entry.Value.Value);
        }
        catch
        {
            lock (_lock)
            {
                entry.Users--;
                if (_entries.TryGetValue(key, out var now) && ReferenceEquals(now, entry)) _entries.Remove(key);
            }
            throw;
        }
    }

    /// <summary>A lease on what is there already; null where it would have to be made first.</summary>
    public Lease? TakeReady(TKey key)
    {
        lock (_lock)
        {
            if (_closed || !_entries.TryGetValue(key, out var entry) || !entry.Value.IsValueCreated) return null;
            entry.Users++;
            return new Lease(this, key, entry.Value.Value);
        }
    }

    /// <summary>Drops a value that nobody holds, so that the next asker makes it anew.</summary>
    public void Forget(TKey key)
    {
        Entry? entry;
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out entry) || entry.Users > 0) return;
            _entries.Remove(key);
        }
        Dispose(entry);
    }

    /// <summary>Disposes what is idle.</summary>
    public void Clear() => Trim(0);

    /// <summary>Disposes what is idle, and the rest when its last lease ends.</summary>
    public void Dispose()
    {
        lock (_lock) _closed = true;
        Trim(0);
    }

    private void Release(TKey key)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var entry)) return;
            entry.Users--;
            entry.LastUse = ++_clock;
        }
        Trim(idle);
    }

    private void Trim(int most)
    {
        Entry[] old;
        lock (_lock)
        {
            var keep = _closed ? 0 : most;
            var unused = _entries.Where(e => e.Value.Users == 0).OrderByDescending(e => e.Value.LastUse).Skip(keep).ToArray();
            foreach (var (key, _) in unused) _entries.Remove(key);
            old = [.. unused.Select(e => e.Value)];
        }
        foreach (var entry in old) Dispose(entry);
    }

    private static void Dispose(Entry entry)
    {
        if (entry.Value.IsValueCreated) (entry.Value.Value as IDisposable)?.Dispose();
    }

    private sealed class Entry(Lazy<TValue> value)
    {
        public Lazy<TValue> Value { get; } = value;
        public int Users;
        public long LastUse;
    }

    /// <summary>The right to use a value until disposed.</summary>
    public sealed class Lease(LeaseCache<TKey, TValue> owner, TKey key, TValue value) : IDisposable
    {
        private int _ended;

        public TValue Value { get; } = value;

        /// <inheritdoc/>
        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0) owner.Release(key);
        }
    }
}
