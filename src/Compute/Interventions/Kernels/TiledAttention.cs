using System.Buffers;

namespace InterpActors.Compute.Interventions.Kernels;

/// <content>The way of long prompts: a head's keys and values are laid out once for all queries; both products are matmul tiles.</content>
internal readonly unsafe partial struct RaggedAttention<T>
{
    private void RunTiled(ReadOnlySpan<int> positions, nint[] queries, nint[] keys, nint[] values, int keyCount, nint[] output,
        int queryStart, int outputStart, PatternEdit? edit)
    {
        var (rows, width) = (MatmulTile<T>.Rows, MatmulTile<T>.Width);
        var keyEnd = edit is null ? positions[^1] + 1 : keyCount;
        var keyStart = edit is null ? First(positions[0]) / width * width : 0;
        var stride = (keyCount + width - 1) / width * width;
        var valuePanels = (headWidth + width - 1) / width;
        var keyBuffer = ArrayPool<T>.Shared.Rent(stride * headWidth);
        var valueBuffer = ArrayPool<T>.Shared.Rent(valuePanels * keyCount * width);
        T[] scoreBuffer = ArrayPool<T>.Shared.Rent(rows * stride), queryBuffer = ArrayPool<T>.Shared.Rent(rows * headWidth);
        T[] zBuffer = ArrayPool<T>.Shared.Rent(rows * width);
        fixed (T* k = keyBuffer, v = valueBuffer, scores = scoreBuffer, q = queryBuffer, z = zBuffer)
            for (var shared = 0; shared < keyValueHeads; shared++)
            {
                LayOut(keys, values, shared * headWidth, keyStart, keyEnd, keyCount, k, v);
                for (var head = shared * (heads / keyValueHeads); head < (shared + 1) * (heads / keyValueHeads); head++)
                    for (var begin = 0; begin < positions.Length; begin += rows)
                    {
                        var count = Math.Min(rows, positions.Length - begin);
                        var low = edit is null ? First(positions[begin]) / width * width : 0;
                        var high = edit is null ? positions[begin + count - 1] + 1 : keyCount;
                        for (var r = 0; r < rows; r++)
                        {
                            var from = (T*)queries[queryStart + begin + Math.Min(r, count - 1)] + head * headWidth;
                            RowArithmetic<T>.Copy(from, q + r * headWidth, headWidth);
                        }
                        for (var key = low; key < high; key += width)
                            MatmulTile<T>.Multiply(q, headWidth, k + (long)key * headWidth, headWidth, scores + key, stride, false);
                        for (var r = 0; r < rows; r++)
                        {
                            // An incomplete tile repeats its last query.
                            var query = positions[begin + Math.Min(r, count - 1)];
                            var row = scores + (long)r * stride;
                            PatternRow<T>.Scale(row, First(query), query + 1, _scale);
                            PatternRow<T>.Softmax(row, low, First(query), query + 1, high);
                            if (r < count) edit?.Invoke(query, head, new Span<T>(row, keyCount));
                        }
                        for (var panel = 0; panel < valuePanels; panel++)
                        {
                            var column = v + ((long)panel * keyCount + low) * width;
                            MatmulTile<T>.Multiply(scores + low, stride, column, high - low, z, width, false);
                            for (var r = 0; r < count; r++)
                            {
                                var to = (T*)output[outputStart + begin + r] + head * headWidth + panel * width;
                                RowArithmetic<T>.Copy(z + r * width, to, Math.Min(width, headWidth - panel * width));
                            }
                        }
                    }
            }
        foreach (var buffer in new[] { keyBuffer, valueBuffer, scoreBuffer, queryBuffer, zBuffer }) ArrayPool<T>.Shared.Return(buffer);
    }

    private int First(int query) => window > 0 ? Math.Max(0, query - window + 1) : 0;

    /// <summary>Keys to panels [key panel, d_head, keys of the panel], values to panels [d_head panel, key, d_head of the panel].</summary>
    private void LayOut(nint[] keys, nint[] values, int offset, int start, int end, int keyCount, T* k, T* v)
    {
        var width = MatmulTile<T>.Width;
        for (var key = start; key < end; key++)
        {
            var from = (T*)keys[key] + offset;
            var to = k + (long)(key / width) * width * headWidth + key % width;
            for (var i = 0; i < headWidth; i++) to[(long)i * width] = from[i];
            from = (T*)values[key] + offset;
            for (var panel = 0; panel * width < headWidth; panel++)
                RowArithmetic<T>.Copy(from + panel * width, v + ((long)panel * keyCount + key) * width,
                    Math.Min(width, headWidth - panel * width));
        }
    }
}
