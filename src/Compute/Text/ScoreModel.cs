namespace InterpActors.Compute.Text;

/// <summary>
/// SentencePiece's BPE as GGUF files keep it: no list of merges, but a score for every piece. Neighbours whose union is a piece are
/// merged, the highest score first, the leftmost first among equals; characters that are no piece become bytes. O(n log n).
/// </summary>
/// <param name="scores">By token id.</param>
/// <param name="unknown">The id for what has neither piece nor bytes; null drops it.</param>
internal sealed class ScoreModel(Vocabulary vocabulary, float[] scores, ByteFallback bytes, int? unknown) : ITokenModel
{
    public void Encode(string piece, List<int> output)
    {
        // A symbol is the stretch of text from its start up to the start of the next one.
        var starts = new List<int>(piece.Length + 1);
        for (var at = 0; at < piece.Length; at += char.IsHighSurrogate(piece[at]) && at + 1 < piece.Length ? 2 : 1) starts.Add(at);
        var count = starts.Count;
        starts.Add(piece.Length);
        var (previous, next, alive) = (new int[count], new int[count], new bool[count]);
        for (var i = 0; i < count; i++) (previous[i], next[i], alive[i]) = (i - 1, i + 1, true);

        var queue = new PriorityQueue<(int Left, int Right, int End), (float Score, int Left)>(Order);
        for (var i = 0; i + 1 < count; i++) Offer(i, i + 1);
        while (queue.TryDequeue(out var merge, out _))
        {
            var (left, right, end) = merge;
            if (!alive[left] || !alive[right] || next[left] != right || starts[next[right]] != end) continue;
            alive[right] = false;
            next[left] = next[right];
            if (next[left] < count) previous[next[left]] = left;
            if (previous[left] >= 0) Offer(previous[left], left);
            if (next[left] < count) Offer(left, next[left]);
        }
        for (var i = 0; i < count; i = next[i])
        {
            var text = piece.AsSpan(starts[i], starts[next[i]] - starts[i]);
            if (vocabulary.Lookup.TryGetValue(text, out var id)) output.Add(id);
            else if (!bytes.TryAppend(text, output) && unknown is not null) output.Add(unknown.Value);
        }

        void Offer(int left, int right)
        {
            var end = starts[next[right]];
            if (vocabulary.Lookup.TryGetValue(piece.AsSpan(starts[left], end - starts[left]), out var id))
                queue.Enqueue((left, right, end), (scores[id], left));
        }
    }

    private static readonly Comparer<(float Score, int Left)> Order = Comparer<(float Score, int Left)>.Create((a, b) =>
        a.Score != b.Score ? b.Score.CompareTo(a.Score) : a.Left.CompareTo(b.Left));
}
