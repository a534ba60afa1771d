using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>
/// Causal attention of some queries of one prompt over keys and values that may lie anywhere in memory: recomputed ones beside cached
/// ones, without padding and without repeating key/value heads.
/// </summary>
/// <param name="window">How many keys a query sees including itself; 0 for all.</param>
internal readonly unsafe partial struct RaggedAttention<T>(int heads, int keyValueHeads, int headWidth, double scale, int window)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Prompts of so many tokens take the tiled way. The prompt decides, not the queries of a row, so that rows and base runs of
    /// a prompt are summed alike.</summary>
    private const int TiledFrom = 32;

    /// <summary>Queries handled together, so that a key or a value is loaded once for all of them.</summary>
    private const int Block = 4;

    private readonly T _scale = T.CreateChecked(scale);

    /// <summary>Replaces a pattern row: the pattern [keys] of a head at a query.</summary>
    public delegate void PatternEdit(int query, int head, Span<T> pattern);

    /// <summary>Computes z of every head for each query.</summary>
    /// <param name="positions">[queries]: where each query stands, ascending.</param>
    /// <param name="queries">From <paramref name="queryStart"/>, pointers to q [heads · d_head], rotated.</param>
    /// <param name="keys">[keyCount] pointers to k [kv_heads · d_head], rotated.</param>
    /// <param name="values">[keyCount] pointers to v [kv_heads · d_head].</param>
    /// <param name="keyCount">Tokens of the prompt.</param>
    /// <param name="output">From <paramref name="outputStart"/>, pointers to z [heads · d_head].</param>
    /// <param name="edit">Called with every pattern row; null where none is edited. It may look at keys beyond the query.</param>
    public void Run(ReadOnlySpan<int> positions, nint[] queries, nint[] keys, nint[] values, int keyCount, nint[] output,
        int queryStart, int outputStart, PatternEdit? edit)
    {
        if (positions.Length == 0) return;
        if (keyCount >= TiledFrom)
        {
            RunTiled(positions, queries, keys, values, keyCount, output, queryStart, outputStart, edit);
            return;
        }
        var scores = new T[Block * keyCount];
        Span<int> first = stackalloc int[Block];
        fixed (T* s = scores)
        fixed (nint* k = keys, v = values)
            for (var begin = 0; begin < positions.Length; begin += Block)
            {
                var count = Math.Min(Block, positions.Length - begin);
                var (low, high) = (int.MaxValue, edit is null ? positions[begin + count - 1] + 1 : keyCount);
                for (var b = 0; b < count; b++)
                {
                    first[b] = window > 0 ? Math.Max(0, positions[begin + b] - window + 1) : 0;
                    low = Math.Min(low, edit is null ? first[b] : 0);
                }
                for (var head = 0; head < heads; head++)
                {
                    var shared = head / (heads / keyValueHeads) * headWidth;
                    Scores(queries, queryStart + begin, count, head * headWidth, k, shared, low, high, s, keyCount);
                    for (var b = 0; b < count; b++)
                    {
                        var row = s + b * keyCount;
                        PatternRow<T>.Softmax(row, low, first[b], positions[begin + b] + 1, high);
                        edit?.Invoke(positions[begin + b], head, new Span<T>(row, keyCount));
                    }
                    Mix(s, keyCount, count, v, shared, low, high, output, outputStart + begin, head * headWidth);
                }
            }
    }

    /// <summary>The pattern of every head at every query of a prompt, with the bits that <see cref="Run"/> works with.</summary>
    /// <param name="output">[heads, length, length]</param>
    public void Pattern(nint[] queries, nint[] keys, nint[] values, int length, T* output)
    {
        var z = new T[(long)length * heads * headWidth];
        var to = (nint)output;
        fixed (T* start = z)
        {
            var rows = new nint[length];
            for (var i = 0; i < length; i++) rows[i] = (nint)(start + (long)i * heads * headWidth);
            Run([.. Enumerable.Range(0, length)], queries, keys, values, length, rows, 0, 0,
                (query, head, pattern) => pattern.CopyTo(new Span<T>((T*)to + ((long)head * length + query) * length, length)));
        }
    }

    /// <summary>scores[b, key] = scale · q_b · k for low ≤ key &lt; high.</summary>
    private void Scores(nint[] queries, int begin, int count, int queryOffset, nint* keys, int keyOffset, int low, int high, T* scores,
        int stride)
    {
        // A last, incomplete block repeats its last query, so that each product is summed in one and the same order.
        var q0 = (T*)queries[begin] + queryOffset;
        var q1 = (T*)queries[begin + Math.Min(1, count - 1)] + queryOffset;
        var q2 = (T*)queries[begin + Math.Min(2, count - 1)] + queryOffset;
        var q3 = (T*)queries[begin + Math.Min(3, count - 1)] + queryOffset;
        for (var key = low; key < high; key++)
        {
            var k = (T*)keys[key] + keyOffset;
            Vector512<T> a0 = Vector512<T>.Zero, a1 = a0, a2 = a0, a3 = a0;
            var i = 0;
            for (; i <= headWidth - Vector512<T>.Count; i += Vector512<T>.Count)
            {
                var x = Vector512.Load(k + i);
                a0 = Lanes.Fma(Vector512.Load(q0 + i), x, a0);
                a1 = Lanes.Fma(Vector512.Load(q1 + i), x, a1);
                a2 = Lanes.Fma(Vector512.Load(q2 + i), x, a2);
                a3 = Lanes.Fma(Vector512.Load(q3 + i), x, a3);
            }
            T s0 = Vector512.Sum(a0), s1 = Vector512.Sum(a1), s2 = Vector512.Sum(a2), s3 = Vector512.Sum(a3);
            for (; i < headWidth; i++)
            {
                s0 = T.FusedMultiplyAdd(q0[i], k[i], s0);
                s1 = T.FusedMultiplyAdd(q1[i], k[i], s1);
                s2 = T.FusedMultiplyAdd(q2[i], k[i], s2);
                s3 = T.FusedMultiplyAdd(q3[i], k[i], s3);
            }
            scores[key] = s0 * _scale;
            if (count > 1) scores[stride + key] = s1 * _scale;
            if (count > 2) scores[2 * stride + key] = s2 * _scale;
            if (count > 3) scores[3 * stride + key] = s3 * _scale;
        }
    }

    /// <summary>z_b = Σ pattern[b, key] · v over low ≤ key &lt; high.</summary>
    private void Mix(T* pattern, int stride, int count, nint* values, int valueOffset, int low, int high, nint[] output, int outputBegin,
        int outputOffset)
    {
        var p0 = pattern;
        var p1 = pattern + Math.Min(1, count - 1) * stride;
        var p2 = pattern + Math.Min(2, count - 1) * stride;
        var p3 = pattern + Math.Min(3, count - 1) * stride;
        var i = 0;
        for (; i <= headWidth - Vector512<T>.Count; i += Vector512<T>.Count)
        {
            Vector512<T> a0 = Vector512<T>.Zero, a1 = a0, a2 = a0, a3 = a0;
            for (var key = low; key < high; key++)
            {
                var x = Vector512.Load((T*)values[key] + valueOffset + i);
                a0 = Lanes.Fma(Vector512.Create(p0[key]), x, a0);
                a1 = Lanes.Fma(Vector512.Create(p1[key]), x, a1);
                a2 = Lanes.Fma(Vector512.Create(p2[key]), x, a2);
                a3 = Lanes.Fma(Vector512.Create(p3[key]), x, a3);
            }
            a0.Store(Out(0) + i);
            if (count > 1) a1.Store(Out(1) + i);
            if (count > 2) a2.Store(Out(2) + i);
            if (count > 3) a3.Store(Out(3) + i);
        }
        for (; i < headWidth; i++)
            for (var b = 0; b < count; b++)
            {
                var sum = T.Zero;
                for (var key = low; key < high; key++)
                    sum = T.FusedMultiplyAdd(pattern[b * stride + key], ((T*)values[key])[valueOffset + i], sum);
                Out(b)[i] = sum;
            }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        T* Out(int b) => (T*)output[outputBegin + b] + outputOffset;
    }
}
