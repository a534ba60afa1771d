using System.Numerics;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>Which positive pre-activations become codes.</summary>
/// <param name="PerRow">The largest of each row.</param>
/// <param name="PerBatch">The largest of the batch: so many a row on average. Neither: all.</param>
internal readonly record struct SelectionRule(int? PerRow, double? PerBatch);

/// <summary>
/// A step's forward and backward over the pairs of row and latent that are active: one dense matmul, to find them. Results are those of
/// the dense formulas; rescaling by decoder norms carries no net gradient, because what a code gains by its norm it loses when decoded.
/// </summary>
internal sealed unsafe class SparsePass<T> : FastPass<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Part of the last bound at which the next row's candidates begin; it costs time where it is wrong, nothing else.</summary>
    private const double RowMargin = 0.95;

    /// <summary>The same from step to step, for a whole batch; and from a chunk to the whole batch.</summary>
    private const double BatchMargin = 0.98, FirstMargin = 0.9;

    /// <summary>By what a bound that proved too high for a row is lowered, and down to which part of it before 0.</summary>
    private static readonly T Step = T.CreateChecked(0.9), Lowest = T.CreateChecked(0.5);

    private const int ChunkRows = BatchRows<T>.ChunkRows;

    private readonly NativeRows<T>[] _preActivations;
    private readonly NativeRows<T>[] _scratch, _among;
    private readonly NativeList<T> _all = new();
    private readonly List<int[]> _counts = [];
    private readonly List<ChunkPairs<T>> _chunks = [], _deadChunks = [];
    private readonly LatentOrder<T> _order, _deadOrder;
    private readonly int _hStride;
    private int[] _dead = [];
    private SelectionRule _rule;
    private double _bound;
    private volatile bool _sawNaN;

    public SparsePass(FastParameters<T> parameters, BatchRows<T> rows, bool subtractsDecoderBias, int threads)
        : base(parameters, rows, subtractsDecoderBias, threads)
    {
        _hStride = parameters.PaddedLatents + 4 * System.Runtime.Intrinsics.Vector512<T>.Count;
        _preActivations = [.. Enumerable.Range(0, threads).Select(_ => new NativeRows<T>(ChunkRows, parameters.PaddedLatents, _hStride))];
        _scratch = [.. Enumerable.Range(0, threads).Select(_ => new NativeRows<T>(1, parameters.PaddedLatents))];
        _among = [.. Enumerable.Range(0, threads).Select(_ => new NativeRows<T>(1, parameters.PaddedLatents))];
        (_order, _deadOrder) = (new LatentOrder<T>(parameters.Latents), new LatentOrder<T>(parameters.Latents));
    }

    /// <param name="rule">Which pre-activations become codes.</param>
    /// <param name="dead">Numbers of dead latents, rising.</param>
    /// <param name="deadWeight">Weight of the auxiliary loss, its scale for few dead latents included.</param>
    /// <param name="perCode">Weight of the sparsity loss over the number of rows.</param>
    /// <returns>Null where a pre-activation is NaN.</returns>
    public PassResult? Run(SelectionRule rule, int[] dead, double deadWeight, double perCode)
    {
        (_rule, _dead) = (rule, dead);
        while (_chunks.Count < Rows.Chunks)
        {
            _chunks.Add(new ChunkPairs<T>(ChunkRows));
            _deadChunks.Add(new ChunkPairs<T>(ChunkRows));
        }
        var chunks = _chunks.GetRange(0, Rows.Chunks);
        _sawNaN = false;
        var smallest = _rule.PerBatch is { } k ? SelectOfBatch(chunks, (long)(k * Rows.Rows)) : SelectOfRows();
        if (_sawNaN) return null;
        Workers.Run(Rows.Chunks, Threads, (_, chunk) => Decode(chunk, deadWeight));
        _order.Sort(chunks, ChunkRows, Threads);
        if (dead.Length > 0) _deadOrder.Sort(_deadChunks.GetRange(0, Rows.Chunks), ChunkRows, Threads);
        Workers.Run(LatentBlocks, Threads, (_, block) => Gradients(block, dead.Length > 0, perCode));
        var sparsity = FinishAll();
        return new PassResult(Rows.Sum(Rows.Errors), dead.Length > 0 ? Rows.Sum(Rows.DeadErrors) : 0, sparsity,
            chunks.Sum(c => c.Count), smallest);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        foreach (var rows in _preActivations.Concat(_scratch).Concat(_among)) rows.Dispose();
        foreach (var chunk in _chunks.Concat(_deadChunks)) chunk.Dispose();
        _order.Dispose();
        _deadOrder.Dispose();
        _all.Dispose();
    }

    private double? SelectOfRows()
    {
        Workers.Run(Rows.Chunks, Threads, (worker, chunk) => Encode(worker, chunk, T.Zero));
        return null;
    }

    /// <summary>Candidates above a guess, then exactly the largest of all; the guess is lowered where it was too high.</summary>
    private double? SelectOfBatch(List<ChunkPairs<T>> chunks, long wanted)
    {
        if (_bound <= 0)
        {
            Encode(0, 0, T.Zero);
            var (first, share) = (chunks[0], wanted * Rows.RowsOf(0) / Rows.Rows);
            if (!_sawNaN && share > 0 && share <= first.Count) _bound = FirstMargin * double.CreateChecked(NthOf([first], share, T.Zero));
        }
        var bound = T.Zero;
        foreach (var guess in new[] { _bound, _bound * FirstMargin, 0 })
        {
            bound = T.CreateChecked(guess);
            Workers.Run(Rows.Chunks, Threads, (worker, chunk) => Encode(worker, chunk, bound));
            if (_sawNaN || chunks.Sum(c => c.Count) >= wanted) break;
        }
        var found = chunks.Sum(c => c.Count);
        if (_sawNaN || found == 0 || wanted == 0)
        {
            foreach (var chunk in chunks) chunk.Clear();
            return null;
        }
        var last = NthOf(chunks, Math.Min(wanted, found), bound);
        _bound = BatchMargin * double.CreateChecked(last);
        if (found > wanted)
            Cut(chunks, wanted, last);
        return double.CreateChecked(last);
    }

    /// <summary>Of those that equal the last, the first of the batch are kept.</summary>
    private void Cut(List<ChunkPairs<T>> chunks, long wanted, T last)
    {
        var (above, equal) = (new long[chunks.Count], new long[chunks.Count]);
        Workers.Run(chunks.Count, Threads, (_, c) =>
            (above[c], equal[c]) = TopSelection<T>.Count(chunks[c].Values, chunks[c].Count, last));
        var ties = wanted - above.Sum();
        for (var c = 0; c < chunks.Count; c++)
        {
            equal[c] = Math.Min(equal[c], ties);
            ties -= equal[c];
        }
        Workers.Run(chunks.Count, Threads, (_, c) => chunks[c].Cut(last, equal[c]));
    }

    /// <summary>
    /// The n-th largest of all candidates: they are counted by equal steps from the lowest to the highest, and only those of the step in
    /// which the n-th lies are looked at one by one.
    /// </summary>
    /// <param name="bound">What all candidates are above.</param>
    private T NthOf(List<ChunkPairs<T>> chunks, long n, T bound)
    {
        while (_counts.Count < chunks.Count) _counts.Add(new int[TopSelection<T>.Steps]);
        var highest = new T[chunks.Count];
        Workers.Run(chunks.Count, Threads, (_, c) => highest[c] = TopSelection<T>.Highest(chunks[c].Values, chunks[c].Count, bound));
        var perStep = TopSelection<T>.StepsPerUnit(bound, highest.Max());
        Workers.Run(chunks.Count, Threads, (_, c) =>
            TopSelection<T>.CountSteps(chunks[c].Values, chunks[c].Count, bound, perStep, _counts[c]));
        var (step, above) = (TopSelection<T>.Steps, 0L);
        for (var here = 0L; above + here < n;)
        {
            (above, here) = (above + here, 0);
            step--;
            for (var c = 0; c < chunks.Count; c++) here += _counts[c][step];
        }
        var (starts, total) = (new long[chunks.Count], 0L);
        for (var c = 0; c < chunks.Count; c++)
        {
            starts[c] = total;
            total += _counts[c][step];
        }
        _all.Reserve(total);
        Workers.Run(chunks.Count, Threads, (_, c) =>
            TopSelection<T>.CopyStep(chunks[c].Values, chunks[c].Count, bound, perStep, step, _all.Data + starts[c]));
        return TopSelection<T>.NthLargest(_all.Data, total, n - above);
    }

    /// <summary>A chunk's pre-activations and of each row the candidates: not ≤ a bound, and no more than a row may have.</summary>
    private void Encode(int worker, int chunk, T bound)
    {
        var (h, pairs, rows) = (_preActivations[worker], _chunks[chunk], Rows.RowsOf(chunk));
        for (var panel = 0; panel < Parameters.Panels; panel++)
            Parameters.Encode(panel, Rows.Inputs.Row((long)chunk * ChunkRows), ChunkRows, h.Data, _hStride);
        pairs.Clear();
        _deadChunks[chunk].Clear();
        var (guess, deadGuess) = (bound, T.NegativeInfinity);
        for (var row = 0; row < rows; row++)
        {
            var values = h.Row(row);
            pairs.Room(Parameters.PaddedLatents, out var latents, out var found);
            var count = TopSelection<T>.Above(values, Parameters.PaddedLatents, guess, latents, found);
            if (_rule.PerRow is { } k)
            {
                for (var lower = guess; count < k && lower > T.Zero;)
                {
                    lower = lower > guess * Lowest ? lower * Step : T.Zero;
                    count = TopSelection<T>.Above(values, Parameters.PaddedLatents, lower, latents, found);
                }
                if (TopSelection<T>.HasNaN(found, count)) _sawNaN = true;
                else if (count > k)
                {
                    count = KeepLargest(worker, latents, found, count, k, out var last);
                    guess = last * T.CreateChecked(RowMargin);
                }
            }
            else if (TopSelection<T>.HasNaN(found, count)) _sawNaN = true;
            if (_sawNaN) return;
            pairs.Append(row, count);
            if (_dead.Length > 0) SelectDead(worker, chunk, row, values, ref deadGuess);
        }
    }

    private int KeepLargest(int worker, int* latents, T* values, int count, int k, out T last)
    {
        var scratch = _scratch[worker].Data;
        new ReadOnlySpan<T>(values, count).CopyTo(new Span<T>(scratch, count));
        last = TopSelection<T>.NthLargest(scratch, count, k);
        var ties = k - TopSelection<T>.Count(values, count, last).Above;
        return TopSelection<T>.Keep(latents, values, count, last, ref ties);
    }

    /// <summary>The d_in / 2 largest pre-activations among the dead, negative ones too.</summary>
    private void SelectDead(int worker, int chunk, int row, T* values, ref T guess)
    {
        _deadChunks[chunk].Room(_dead.Length, out var latents, out var found);
        var among = _among[worker].Data;
        for (var i = 0; i < _dead.Length; i++) among[i] = values[_dead[i]];
        var (padded, most) = (NativeRows<T>.Padded(_dead.Length), Parameters.Inputs / 2);
        new Span<T>(among + _dead.Length, padded - _dead.Length).Fill(T.NegativeInfinity);
        var count = TopSelection<T>.Above(among, padded, guess, latents, found);
        if (count < most) count = TopSelection<T>.Above(among, padded, T.NegativeInfinity, latents, found);
        if (TopSelection<T>.HasNaN(found, count))
        {
            _sawNaN = true;
            return;
        }
        if (count > most)
        {
            count = KeepLargest(worker, latents, found, count, most, out var last);
            guess = last - T.Abs(last) * T.CreateChecked(1 - RowMargin);
        }
        for (var i = 0; i < count; i++) latents[i] = _dead[latents[i]];
        _deadChunks[chunk].Append(row, count);
    }

    /// <summary>A chunk's codes, errors and their gradients.</summary>
    private void Decode(int chunk, double deadWeight)
    {
        var (pairs, dead) = (_chunks[chunk], _deadChunks[chunk]);
        Unscale(pairs);
        Unscale(dead);
        var decoder = Parameters.Decoder.Values.Data;
        var stride = Parameters.Stride;
        var deadFactor = T.CreateChecked(2 * deadWeight / Rows.Rows);
        long at = 0, deadAt = 0;
        for (var row = 0; row < Rows.RowsOf(chunk); row++)
        {
            var number = chunk * ChunkRows + row;
            var error = Rows.Gradients.Row(number);
            BeginError(number);
            PairKernels<T>.Decode(error, pairs.Latents + at, pairs.Values + at, pairs.Counts[row], decoder, stride, stride);
            at += pairs.Counts[row];
            if (_dead.Length > 0)
            {
                var rest = Rows.DeadGradients.Row(number);
                new ReadOnlySpan<T>(error, stride).CopyTo(new Span<T>(rest, stride));
                PairKernels<T>.Decode(rest, dead.Latents + deadAt, dead.Values + deadAt, dead.Counts[row], decoder, stride, stride);
                deadAt += dead.Counts[row];
                Rows.DeadErrors[number] = double.CreateChecked(PaddedVectors<T>.SquaredNorm(rest, stride));
                PaddedVectors<T>.Scale(rest, deadFactor, rest, stride);
            }
            Rows.FinishRow(number);
        }
        Rows.SumChunk(chunk);
    }

    /// <summary>Pre-activations become codes.</summary>
    private void Unscale(ChunkPairs<T> pairs)
    {
        var scale = Parameters.Scale.Data;
        for (long i = 0; i < pairs.Count; i++) pairs.Values[i] /= scale[pairs.Latents[i]];
    }

    private void Gradients(int block, bool withDead, double perCode)
    {
        var (decoder, encoder, stride) = (Parameters.Decoder, Parameters.Encoder, Parameters.Stride);
        for (var latent = block * LatentBlock; latent < Math.Min(Parameters.Latents, (block + 1) * LatentBlock); latent++)
        {
            T* forDecoder = decoder.Gradient.Row(latent), forEncoder = encoder.Gradient.Row(latent), weights = decoder.Values.Row(latent);
            new Span<T>(forDecoder, stride).Clear();
            new Span<T>(forEncoder, stride).Clear();
            var codes = _order.CodesOf(latent);
            var count = _order.CountOf(latent);
            var change = T.CreateChecked(perCode) * Parameters.Norms.Data[latent];
            var bias = PairKernels<T>.Gradients(_order.RowsOf(latent), codes, count, Rows.Gradients.Data, Rows.Inputs.Data, stride, stride,
                weights, change, forDecoder, forEncoder);
            if (withDead)
                bias += PairKernels<T>.Gradients(_deadOrder.RowsOf(latent), _deadOrder.CodesOf(latent), _deadOrder.CountOf(latent),
                    Rows.DeadGradients.Data, Rows.Inputs.Data, stride, stride, weights, T.Zero, forDecoder, forEncoder);
            Parameters.EncoderBias.Gradient.Data[latent] = bias;
            Fired[latent] = count;
            var sum = 0.0;
            if (perCode != 0)
                for (var i = 0; i < count; i++) sum += double.CreateChecked(codes[i]);
            CodeSums[latent] = sum;
        }
        FinishBlock(block, perCode);
    }
}
