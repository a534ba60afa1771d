using System.Numerics;
using InterpActors.Compute.Interventions.Kernels;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Work;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>
/// The forward of some rows together, computed for dirty ∩ needed tokens only. A token is dirty where its activation may differ from the
/// base run's: from its edit on, unchanged through norms and MLPs, and through attention at every later query that sees a dirty key. It
/// is needed where the metric can still see it (<see cref="RowState{T}.Needs(int, int)"/>). All that is not dirty is read from the base
/// run.
/// </summary>
/// <remarks>
/// Rows run on the concatenation of their tokens; each joins at the layer of its first edit that changes something. The order of edits,
/// layers and tokens is fixed by the rows, so bits are too.
/// </remarks>
internal sealed unsafe class ChunkForward<T>(BlockMath<T> math, BaseRun run, IReadOnlyList<RowState<T>> rows, CancellationToken ct)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Dictionary<(int Layer, Component Component), List<(int Row, PreparedEdit Edit)>> _edits = Index(rows);
    private int _layer;

    /// <summary>The residual stream after the last layer at the answer positions of the rows that differ there from the base run.</summary>
    public TokenRows Run(Action<double>? progress)
    {
        var x = TokenRows.None(rows.Count);
        for (_layer = 0; _layer < math.Config.Layers; _layer++)
        {
            ct.ThrowIfCancellationRequested();
            if (x.Count == 0 && !_edits.Keys.Any(k => k.Layer == _layer)) continue;
            using var scope = NewDisposeScope();
            var before = x.Packed;
            x = Block(x);
            if (x.Count > 0) x.Pack(math.Config.ModelWidth, math.Weights.Type).MoveToOuterDisposeScope();
            before?.Dispose();
            progress?.Invoke((_layer + 1.0) / math.Config.Layers);
        }
        return x;
    }

    private TokenRows Block(TokenRows x)
    {
        var block = math.Weights.Blocks[_layer];
        var (width, type) = (math.Config.ModelWidth, math.Weights.Type);
        x = Overwrite(x, Component.ResidPre);

        var z = Overwrite(Attend(x), Component.Z);
        var attention = z.Count == 0 ? z : z.With(math.Linear(z.Pack(math.QueryWidth, type), block.Output, block.OutputBias));
        var mid = AddResidual(Overwrite(attention, Component.AttnOut), x, Component.ResidPre);
        if (!math.Config.HasMlp) return Overwrite(mid, Component.ResidPost);

        mid = Overwrite(mid, Component.ResidMid);
        var hidden = mid;
        if (mid.Count > 0)
            hidden = mid.With(math.Hidden(math.Normalise(mid.Pack(width, type), block.NormMlp, block.NormMlpBias, t => Fail(mid, t)),
                _layer));
        hidden = Overwrite(hidden, Component.MlpPost);
        var mlp = hidden.Count == 0 ? hidden
            : hidden.With(math.Linear(hidden.Pack(math.Config.MlpWidth, type), block.MlpOut!, block.MlpOutBias));
        return Overwrite(AddResidual(Overwrite(mlp, Component.MlpOut), mid, Component.ResidMid), Component.ResidPost);
    }

    /// <summary>z of every query that is dirty and needed.</summary>
    private TokenRows Attend(TokenRows x)
    {
        var (q, k, v) = Projections(x);
        q = Overwrite(q, Component.Q);
        k = Overwrite(k, Component.K);
        v = Overwrite(v, Component.V);
        math.Rotate(q.Pointers, q.AllPositions, math.Config.Heads);
        math.Rotate(k.Pointers, k.AllPositions, math.Config.KeyValueHeads);

        var patterns = PatternEdits.For(rows, _edits.GetValueOrDefault((_layer, Component.Pattern)), run);
        var builder = new TokenRows.Builder(rows.Count);
        var window = math.Window(_layer);
        for (var r = 0; r < rows.Count; r++)
        {
            DirtyQueries(builder, rows[r], q.Positions(r), k.Positions(r), v.Positions(r), window, patterns?[r]);
            builder.EndRow();
        }
        var computed = builder.Build();
        for (var r = 0; r < rows.Count; r++) patterns?[r]?.NoteOthers(computed.Positions(r), run);
        if (builder.Count == 0) return computed;
        var z = computed.With(empty([builder.Count, math.QueryWidth], math.Weights.Type));

        var baseQueries = run.Rows(BaseTensor.QueryKeyValue, _layer);
        var baseKeys = run.Rows(BaseTensor.QueryKeyValue, _layer, math.QueryWidth);
        var baseValues = run.Rows(BaseTensor.QueryKeyValue, _layer, math.QueryWidth + math.KeyWidth);
        var attention = math.Attention(_layer);
        BlockMath<T>.ForEach(rows.Count, r =>
        {
            var positions = z.Positions(r);
            if (positions.Length == 0) return;
            var (row, edits) = (rows[r], patterns?[r]);
            var queries = new nint[positions.Length];
            for (var i = 0; i < queries.Length; i++)
                queries[i] = q.Find(r, positions[i]) is var found and not 0 ? found : baseQueries.At(row.Prompt, positions[i]);
            attention.Run(positions, queries, Mixed(k, r, baseKeys, row), Mixed(v, r, baseValues, row), row.Length,
                z.Pointers, 0, z.Start(r), edits is null ? null : edits.Apply);
        });
        return z;
    }

    private static nint[] Mixed(TokenRows dirty, int r, BaseRows clean, RowState<T> row)
    {
        var pointers = new nint[row.Length];
        for (var t = 0; t < pointers.Length; t++) pointers[t] = clean.At(row.Prompt, t);
        var positions = dirty.Positions(r);
        for (var i = 0; i < positions.Length; i++) pointers[positions[i]] = dirty.Pointers[dirty.Start(r) + i];
        return pointers;
    }

    /// <summary>q, k, v before rotary: k and v of every token, q where the query is needed.</summary>
    private (TokenRows Q, TokenRows K, TokenRows V) Projections(TokenRows x)
    {
        if (x.Count == 0) return (x, x, x);
        var block = math.Weights.Blocks[_layer];
        var normalised = math.Normalise(x.Pack(math.Config.ModelWidth, math.Weights.Type), block.NormAttention, block.NormAttentionBias,
            t => Fail(x, t));
        var (queryWidth, keyWidth) = (math.QueryWidth, math.KeyWidth);
        var tokens = x.With(normalised);
        var needed = new TokenRows.Builder(rows.Count);
        for (var r = 0; r < rows.Count; r++)
        {
            for (var t = x.Start(r); t < x.Start(r + 1); t++)
                if (rows[r].Needs(_layer + 1, x.Position(t))) needed.Add(x.Position(t), tokens.Pointers[t]);
            needed.EndRow();
        }
        if (needed.Count == x.Count)
        {
            var all = math.Project(normalised, _layer, 0, queryWidth + 2 * keyWidth);
            return (x.Columns(all, 0), x.Columns(all, queryWidth), x.Columns(all, queryWidth + keyWidth));
        }
        var shared = math.Project(normalised, _layer, queryWidth, 2 * keyWidth);
        var q = needed.Build();
        if (q.Count > 0) q = q.With(math.Project(q.Pack(math.Config.ModelWidth, math.Weights.Type), _layer, 0, queryWidth));
        return (q, x.Columns(shared, 0), x.Columns(shared, keyWidth));
    }

    /// <summary>Queries whose own q is dirty, that see a dirty key or value, or whose pattern an edit changes.</summary>
    private void DirtyQueries(TokenRows.Builder builder, RowState<T> row, ReadOnlySpan<int> q, ReadOnlySpan<int> k, ReadOnlySpan<int> v,
        int window, PatternEdits? patterns)
    {
        var (low, high) = row.Needs(_layer + 1);
        int iq = 0, ik = 0, iv = 0, lastKey = -1;
        for (var p = 0; p <= high; p++)
        {
            while (ik < k.Length && k[ik] <= p) lastKey = Math.Max(lastKey, k[ik++]);
            while (iv < v.Length && v[iv] <= p) lastKey = Math.Max(lastKey, v[iv++]);
            while (iq < q.Length && q[iq] < p) iq++;
            if (p < low) continue;
            var sees = lastKey >= 0 && (window == 0 || p - lastKey < window);
            if (sees || (iq < q.Length && q[iq] == p) || patterns?.Changes(p, k.Length + v.Length > 0) == true) builder.Add(p, 0);
        }
    }

    /// <summary>Adds the residual stream, dirty or from the base run, to what a sublayer wrote.</summary>
    private TokenRows AddResidual(TokenRows written, TokenRows dirty, Component clean)
    {
        if (written.Count == 0) return written;
        var (width, residuals) = (math.Config.ModelWidth, new nint[written.Count]);
        BaseRows? baseRows = null;
        for (var r = 0; r < rows.Count; r++)
            for (var t = written.Start(r); t < written.Start(r + 1); t++)
                residuals[t] = dirty.Find(r, written.Position(t)) is var found and not 0
                    ? found : (baseRows ??= run.Rows(clean, _layer)).At(rows[r].Prompt, written.Position(t));
        BlockMath<T>.ForEach(written.Count, t => RowArithmetic<T>.Add((T*)written.Pointers[t], (T*)residuals[t], width));
        return written;
    }

    /// <summary>
    /// Applies this layer's edits of a component: in place at tokens that are computed anyway, as new tokens where they change a needed
    /// one of the base run. A residual token that an edit sets back to the base run's value is clean again and leaves.
    /// </summary>
    private TokenRows Overwrite(TokenRows tokens, Component component)
    {
        if (!_edits.TryGetValue((_layer, component), out var edits)) return tokens;
        var boundary = component is Component.ResidPre or Component.K or Component.V ? _layer : _layer + 1;
        var restorable = component is Component.ResidPre or Component.ResidMid or Component.ResidPost;
        var width = edits[0].Edit.FullWidth;
        var fresh = empty([edits.Sum(e => e.Edit.Positions.Length), width], math.Weights.Type);
        var (next, baseRows) = (TensorMemory.Address(fresh), run.Rows(component, _layer));
        var builder = new TokenRows.Builder(rows.Count);
        var e = 0;
        for (var r = 0; r < rows.Count; r++)
        {
            var row = rows[r];
            if (e >= edits.Count || edits[e].Row != r)
            {
                for (var t = tokens.Start(r); t < tokens.Start(r + 1); t++) builder.Add(tokens.Position(t), tokens.Pointers[t]);
                builder.EndRow();
                continue;
            }
            var places = new nint[row.Length];
            for (var t = tokens.Start(r); t < tokens.Start(r + 1); t++) places[tokens.Position(t)] = tokens.Pointers[t];
            for (; e < edits.Count && edits[e].Row == r; e++)
            {
                var edit = edits[e].Edit;
                for (var i = 0; i < edit.Positions.Length; i++)
                {
                    var position = edit.Positions[i];
                    var (clean, offset) = (baseRows.At(row.Prompt, position), (nint)(edit.Offset * sizeof(T)));
                    var current = places[position] == 0 ? clean : places[position];
                    row.Note(RowState<T>.Difference(edit, i, current + offset));
                    if (places[position] == 0)
                    {
                        if (!row.Needs(boundary, position) || RowState<T>.Same(edit, i, clean + offset)) continue;
                        if (edit.Width < width) RowArithmetic<T>.Copy((T*)clean, (T*)next, width);
                        places[position] = next;
                        next += (nint)(width * sizeof(T));
                    }
                    RowArithmetic<T>.Copy((T*)edit.Value<T>(i), (T*)(places[position] + offset), edit.Width);
                    if (restorable && RowState<T>.Same(edit, i, clean)) places[position] = 0;
                }
            }
            for (var p = 0; p < places.Length; p++)
                if (places[p] != 0) builder.Add(p, places[p]);
            builder.EndRow();
        }
        return builder.Build(tokens.Packed, fresh);
    }

    private void Fail(TokenRows tokens, int token) => throw NotFinite(rows[tokens.RowOf(token)], $"at layer {_layer}");

    /// <summary>Says which row is not finite.</summary>
    public static UnitException NotFinite(RowState<T> row, string where)
    {
        var sites = string.Join(", ", row.Edits.Select(e =>
            e.Site.Head is { } h ? $"{e.Site.HookName} head {h}" : e.Site.HookName).Distinct().Take(4));
        return new(UnitFailureKind.Permanent, $"row {row.Index} (prompt {row.Prompt}, edited at {sites}) is not finite {where}");
    }

    private static Dictionary<(int, Component), List<(int, PreparedEdit)>> Index(IReadOnlyList<RowState<T>> rows)
    {
        var index = new Dictionary<(int, Component), List<(int, PreparedEdit)>>();
        for (var r = 0; r < rows.Count; r++)
            foreach (var edit in rows[r].Edits)
            {
                var key = (edit.Site.Layer, edit.Site.Component);
                if (!index.TryGetValue(key, out var list)) index[key] = list = [];
                list.Add((r, edit));
            }
        return index;
    }

    /// <summary>The pattern edits of one row at one layer.</summary>
    private sealed class PatternEdits(RowState<T> row)
    {
        private readonly List<PreparedEdit> _edits = [];
        private readonly HashSet<int> _changed = [];

        /// <summary>One entry a row (null where it has none); null where no row has any.</summary>
        public static PatternEdits?[]? For(IReadOnlyList<RowState<T>> rows, List<(int Row, PreparedEdit Edit)>? edits, BaseRun run)
        {
            if (edits is null) return null;
            var all = new PatternEdits?[rows.Count];
            foreach (var (r, edit) in edits)
            {
                var mine = all[r] ??= new PatternEdits(rows[r]);
                mine._edits.Add(edit);
                for (var i = 0; i < edit.Positions.Length; i++)
                    if (!RowState<T>.Same(edit, i, rows[r].BaseValue(edit, i, run))) mine._changed.Add(edit.Positions[i]);
            }
            return all;
        }

        /// <summary>Whether a query's z must be computed because of these edits.</summary>
        /// <param name="dirtyKeys">True where the row has dirty keys or values, which an edited pattern may see wherever they are.</param>
        public bool Changes(int query, bool dirtyKeys) =>
            _changed.Contains(query) || (dirtyKeys && _edits.Any(e => Array.BinarySearch(e.Positions, query) >= 0));

        public void Apply(int query, int head, Span<T> pattern)
        {
            foreach (var edit in _edits)
            {
                if (edit.Site.Head != head || Array.BinarySearch(edit.Positions, query) is not (var i and >= 0)) continue;
                fixed (T* current = pattern) row.Note(RowState<T>.Difference(edit, i, (nint)current));
                new ReadOnlySpan<T>((void*)edit.Value<T>(i), edit.Width).CopyTo(pattern);
            }
        }

        /// <summary>Notes what the edits change at queries that are not computed.</summary>
        public void NoteOthers(ReadOnlySpan<int> computed, BaseRun run)
        {
            foreach (var edit in _edits)
                for (var i = 0; i < edit.Positions.Length; i++)
                    if (computed.BinarySearch(edit.Positions[i]) < 0)
                        row.Note(RowState<T>.Difference(edit, i, row.BaseValue(edit, i, run)));
        }
    }
}
