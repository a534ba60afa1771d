using InterpActors.Compute.Statistics;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>A row of a data set.</summary>
public readonly record struct RowPlace(int Shard, int Row);

/// <summary>
/// Which rows make up batch t: a pure function of seed and t, so that a run resumed anywhere sees what it would have seen, without a
/// buffer that would have to be saved. Two levels: every epoch puts the shards into a new order and joins them to windows; a window's rows
/// are put into an order of their own, and a fraction of them is held back and mixed into the next window. Each row is served once an
/// epoch; what does not fill a last batch is left out. Thread-safe.
/// </summary>
public sealed class RowOrder
{
    private readonly long[] _counts;
    private readonly long _rows;
    private readonly int _batch;
    private readonly long _window;
    private readonly double _mix;
    private readonly long _seed;
    private readonly bool _shuffled;
    private volatile Epoch? _last;

    /// <param name="counts">Rows of each shard.</param>
    /// <param name="batch">Rows of a batch.</param>
    /// <param name="window">Rows that are mixed together, at least.</param>
    /// <param name="mix">Fraction of a window that is held back for the next, in [0, 1).</param>
    /// <param name="shuffled">False for the order of the data itself.</param>
    public RowOrder(IReadOnlyList<long> counts, int batch, long window, double mix, long seed, bool shuffled)
    {
        (_counts, _batch, _window, _mix, _seed, _shuffled) = ([.. counts], batch, Math.Max(1, window), mix, seed, shuffled);
        _rows = _counts.Sum();
        BatchesPerEpoch = _rows / batch;
    }

    /// <summary>0 where there are fewer rows than a batch takes.</summary>
    public long BatchesPerEpoch { get; }

    /// <summary>The rows of a batch, in order.</summary>
    /// <param name="index">From 0; beyond the first epoch it goes on with the next.</param>
    public void Batch(long index, Span<RowPlace> rows)
    {
        var epoch = Of(index / BatchesPerEpoch);
        var place = index % BatchesPerEpoch * _batch;
        for (var i = 0; i < rows.Length; i++) rows[i] = epoch[place + i];
    }

    /// <summary>The shards that the first batches read, in the order of their first use.</summary>
    public IReadOnlyList<int> Shards(long batches)
    {
        var used = new List<int>();
        var seen = new HashSet<int>();
        for (long e = 0; batches > 0 && seen.Count < _counts.Length; e++)
        {
            var places = Math.Min(batches, BatchesPerEpoch) * _batch;
            used.AddRange(Of(e).ShardsOf(places).Where(seen.Add));
            batches -= BatchesPerEpoch;
        }
        return used;
    }

    private Epoch Of(long number)
    {
        if (_last is { } known && known.Number == number) return known;
        return _last = new Epoch(this, number);
    }

    /// <summary>One pass over the data.</summary>
    private sealed class Epoch
    {
        private readonly RowOrder _order;
        private readonly int[] _shards;
        private readonly long[] _shardStarts;
        private readonly List<Window> _windows = [];
        private readonly long[] _served;

        public Epoch(RowOrder order, long number)
        {
            (_order, Number) = (order, number);
            _shards = [.. Enumerable.Range(0, order._counts.Length).Where(s => order._counts[s] > 0)];
            if (order._shuffled) _shards = new SeededRandom(order._seed, number).Sample(_shards, _shards.Length);
            _shardStarts = new long[_shards.Length];
            long start = 0, rows = 0, served = 0, carried = 0;
            for (var i = 0; i < _shards.Length; i++)
            {
                _shardStarts[i] = start + rows;
                rows += order._counts[_shards[i]];
                var isLast = i == _shards.Length - 1;
                if (rows < order._window && !isLast) continue;
                var held = isLast || !order._shuffled ? 0 : (long)(rows * order._mix);
                var w = new Window(start, rows, held, served, carried, i + 1,
                    new KeyedPermutation(rows, order._seed, 1, number, _windows.Count),
                    new KeyedPermutation(rows - held + carried, order._seed, 2, number, _windows.Count));
                _windows.Add(w);
                (start, served, carried, rows) = (start + rows, served + rows - held + carried, held, 0);
            }
            _served = [.. _windows.Select(w => w.Served)];
        }

        public long Number { get; }

        public RowPlace this[long place]
        {
            get
            {
                if (!_order._shuffled) return Row(place);
                var at = Search(_served, place);
                var window = _windows[at];
                var own = window.Rows - window.Held;
                var c = window.Mixed[place - window.Served];
                if (c < own) return Row(window.Start + window.Inner[c]);
                var before = _windows[at - 1];
                return Row(before.Start + before.Inner[before.Rows - before.Held + (c - own)]);
            }
        }

        /// <summary>Shards of all windows that the first places read.</summary>
        public IEnumerable<int> ShardsOf(long places)
        {
            if (places == 0) return [];
            return _shards.Take(_order._shuffled
                ? _windows[Search(_served, places - 1)].EndShard : Search(_shardStarts, places - 1) + 1);
        }

        private RowPlace Row(long number)
        {
            var i = Search(_shardStarts, number);
            return new RowPlace(_shards[i], (int)(number - _shardStarts[i]));
        }

        /// <summary>The last item that begins at or before a place.</summary>
        private static int Search(long[] starts, long place)
        {
            var at = Array.BinarySearch(starts, place);
            return at >= 0 ? at : ~at - 1;
        }
    }

    /// <param name="Start">First row, counted in the epoch's order of shards.</param>
    /// <param name="Held">Rows kept for the next window: the last ones of <paramref name="Inner"/>.</param>
    /// <param name="Served">Places served before this window.</param>
    /// <param name="Carried">Rows that came from the window before.</param>
    /// <param name="EndShard">Shards of the epoch up to the window's end.</param>
    /// <param name="Inner">Order of the window's own rows.</param>
    /// <param name="Mixed">Order in which own and carried rows are served.</param>
    private sealed record Window(long Start, long Rows, long Held, long Served, long Carried, int EndShard, KeyedPermutation Inner,
        KeyedPermutation Mixed);
}
