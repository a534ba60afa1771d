using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Models;

/// <summary>
/// Reads stored tensors straight into the memory of their destination, in parallel by runs of rows. Besides the destinations it needs a
/// few MiB per processor, whatever the model's size. Every value is checked to be finite.
/// </summary>
internal sealed class WeightFiller
{
    private const long ChunkElements = 1 << 18;

    private readonly List<Job> _jobs = [];

    private sealed record Job(StoredTensor Stored, WeightPart Part, Tensor Destination, long FirstElement, long FirstRow, int Rows);

    /// <summary>Plans the reading of a weight.</summary>
    /// <param name="destination">Contiguous, on the CPU, fp32 or fp64, of the slot's shape.</param>
    public void Add(IWeightSource source, WeightSlot slot, Tensor destination)
    {
        long first = 0;
        foreach (var part in slot.Parts)
        {
            var stored = source.Tensors[part.Name];
            var chunk = Math.Max(1, ChunkElements / Math.Max(1, stored.RowLength));
            for (long row = 0; row < stored.Rows; row += chunk)
                _jobs.Add(new Job(stored, part, destination, first, row, (int)Math.Min(chunk, stored.Rows - row)));
            first += part.Count;
        }
    }

    /// <exception cref="StudyException">A value is NaN, infinite or too large for the run's type.</exception>
    public void Run()
    {
        var failures = new StudyException?[_jobs.Count];
        Parallel.For(0, _jobs.Count, new ParallelOptions { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, 16) }, (i, loop) =>
        {
            try
            {
                if (_jobs[i].Destination.dtype == ScalarType.Float64) Read<double>(_jobs[i]);
                else Read<float>(_jobs[i]);
            }
            catch (StudyException e)
            {
                failures[i] = e;
                // Lower jobs still run, so that the same file always gives the same message.
                loop.Break();
            }
        });
        if (failures.FirstOrDefault(f => f is not null) is { } failure) throw failure;
        _jobs.Clear();
    }

    private static unsafe void Read<T>(Job job) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var (stored, part, _, first, firstRow, rows) = job;
        var count = checked((int)(rows * stored.RowLength));
        var destination = (T*)TensorMemory.Address(job.Destination) + first;
        if (part.Order == StoredOrder.Same)
        {
            var values = new Span<T>(destination + firstRow * stored.RowLength, count);
            ReadRows(stored, firstRow, rows, values);
            CheckFinite<T>(job, values);
        }
        else
        {
            using var scratch = new ScratchBuffer<T>(count);
            ReadRows(stored, firstRow, rows, scratch.Span);
            CheckFinite<T>(job, scratch.Span);
            if (part.Order == StoredOrder.Transposed) Transpose(scratch.Span, destination, part, firstRow, rows);
            else Separate(scratch.Span, destination, part, firstRow);
        }
        GC.KeepAlive(job.Destination);
    }

    /// <summary>Rows of [in, out] become columns of [out, in].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Transpose<T>(ReadOnlySpan<T> values, T* destination, WeightPart part, long firstRow, int rows)
        where T : unmanaged
    {
        long inputs = part.Shape[0];
        var outputs = (int)part.Shape[1];
        for (var output = 0; output < outputs; output++)
        {
            var column = destination + output * inputs + firstRow;
            for (var row = 0; row < rows; row++) column[row] = values[row * outputs + output];
        }
    }

    /// <summary>Row 2i + j of a head goes to row i + j·d_head/2 of it. A vector's elements are its rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Separate<T>(ReadOnlySpan<T> values, T* destination, WeightPart part, long firstRow) where T : unmanaged
    {
        var length = part.Shape.Count == 1 ? 1 : (int)part.Shape[1];
        var head = part.Shape[0] / part.Heads;
        for (var row = 0; row < values.Length / length; row++)
        {
            var (h, within) = Math.DivRem(firstRow + row, head);
            var target = h * head + within / 2 + within % 2 * (head / 2);
            values.Slice(row * length, length).CopyTo(new Span<T>(destination + target * length, length));
        }
    }

    private static void ReadRows<T>(StoredTensor stored, long firstRow, int rows, Span<T> values) where T : unmanaged
    {
        if (typeof(T) == typeof(double)) stored.ReadRows(firstRow, rows, MemoryMarshal.Cast<T, double>(values));
        else stored.ReadRows(firstRow, rows, MemoryMarshal.Cast<T, float>(values));
    }

    private static void CheckFinite<T>(Job job, ReadOnlySpan<T> values) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (ElementConversion.AllFinite(values)) return;
        var at = 0;
        while (T.IsFinite(values[at])) at++;
        var (row, column) = Math.DivRem(job.FirstRow * job.Stored.RowLength + at, job.Stored.RowLength);
        var place = job.Stored.Shape.Count < 2 ? $"[{column}]" : $"[{row}, {column}]";
        var tooLarge = job.Stored.TypeName == "F64" && typeof(T) == typeof(float);
        throw new StudyException(
            $"its element {place} is {(T.IsNaN(values[at]) ? "NaN" : tooLarge ? "infinite in fp32" : "infinite")}", job.Stored.Where,
            tooLarge ? "run with dtype fp64, or mend the file" : "no result can come of such weights: fetch the file again or train anew");
    }
}
