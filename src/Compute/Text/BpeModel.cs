namespace InterpActors.Compute.Text;

/// <summary>What a BPE model does besides merging.</summary>
/// <param name="Unknown">The id for characters without a token; null drops them.</param>
/// <param name="FuseUnknown">Neighbouring unknown characters make one unknown token.</param>
/// <param name="Bytes">Byte tokens for characters without one; null without byte fallback.</param>
/// <param name="IgnoreMerges">A piece that is in the vocabulary is one token, whatever the merges make of it.</param>
/// <param name="ContinuingPrefix">Put before every character but a piece's first.</param>
/// <param name="EndSuffix">Put after a piece's last character.</param>
internal sealed record BpeOptions(
    int? Unknown, bool FuseUnknown, ByteFallback? Bytes, bool IgnoreMerges, string ContinuingPrefix, string EndSuffix);

/// <summary>
/// Byte-pair encoding: a piece's characters, then again and again the neighbours with the best-ranked merge, the leftmost first among
/// equals (Sennrich et al. 2016). O(n log n) in the length of a piece.
/// </summary>
/// <param name="merges">Rank and result by the two ids merged, packed by <see cref="Pair"/>.</param>
internal sealed class BpeModel(Vocabulary vocabulary, Dictionary<long, (int Rank, int Id)> merges, BpeOptions options) : ITokenModel
{
    internal static long Pair(int left, int right) => ((long)left << 32) | (uint)right;

    public void Encode(string piece, List<int> output)
    {
        if (options.IgnoreMerges && vocabulary.IdOf(piece) is { } whole)
        {
            output.Add(whole);
            return;
        }
        var ids = Characters(piece);
        if (ids.Count > 1) Merge(ids, output);
        else output.AddRange(ids);
    }

    private List<int> Characters(string piece)
    {
        var ids = new List<int>(piece.Length);
        var pending = false;
        for (var at = 0; at < piece.Length;)
        {
            var length = char.IsHighSurrogate(piece[at]) && at + 1 < piece.Length ? 2 : 1;
            if (IdOf(piece, at, length) is { } id)
            {
                if (pending) ids.Add(options.Unknown!.Value);
                pending = false;
                ids.Add(id);
            }
            else if (options.Bytes?.TryAppend(piece.AsSpan(at, length), ids) != true && options.Unknown is not null)
            {
                if (pending && !options.FuseUnknown) ids.Add(options.Unknown.Value);
                pending = true;
            }
            at += length;
        }
        if (pending) ids.Add(options.Unknown!.Value);
        return ids;
    }

    private int? IdOf(string piece, int at, int length)
    {
        var continues = at > 0 && options.ContinuingPrefix.Length > 0;
        var ends = at + length == piece.Length && options.EndSuffix.Length > 0;
        if (!continues && !ends) return vocabulary.Lookup.TryGetValue(piece.AsSpan(at, length), out var id) ? id : null;
        var text = piece.Substring(at, length);
        if (continues) text = options.ContinuingPrefix + text;
        if (ends) text += options.EndSuffix;
        return vocabulary.IdOf(text);
    }

    private void Merge(List<int> ids, List<int> output)
    {
        var count = ids.Count;
        var symbols = ids.ToArray();
        var (previous, next) = (new int[count], new int[count]);
        for (var i = 0; i < count; i++) (previous[i], next[i]) = (i - 1, i + 1 < count ? i + 1 : -1);
        var queue = new PriorityQueue<(int Left, int Result), long>();
        for (var i = 0; i + 1 < count; i++) Offer(i, i + 1);

        while (queue.TryDequeue(out var merge, out _))
        {
            var left = merge.Left;
            var right = symbols[left] < 0 ? -1 : next[left];
            // An entry is stale when either of its symbols has been merged with another since.
            if (right < 0 || !merges.TryGetValue(Pair(symbols[left], symbols[right]), out var now) || now.Id != merge.Result) continue;
            symbols[left] = merge.Result;
            symbols[right] = -1;
            next[left] = next[right];
            if (next[right] >= 0) previous[next[right]] = left;
            if (previous[left] >= 0) Offer(previous[left], left);
            if (next[left] >= 0) Offer(left, next[left]);
        }
        foreach (var symbol in symbols) if (symbol >= 0) output.Add(symbol);

        void Offer(int left, int right)
        {
            if (merges.TryGetValue(Pair(symbols[left], symbols[right]), out var merge))
                queue.Enqueue((left, merge.Id), ((long)merge.Rank << 32) | (uint)left);
        }
    }
}
