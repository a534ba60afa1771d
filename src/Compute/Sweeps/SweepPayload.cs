using System.Buffers.Binary;

namespace InterpActors.Compute.Sweeps;

/// <summary>
/// The result of a sweep's unit: for each cell the metric of every prompt of its shard under the intervention, and how much the
/// intervention changed. Little-endian: <c>'S' version cells:i32 prompts:i32</c>, then per cell <c>changed:i64 largest:f64
/// metric:f64[prompts]</c>, then <c>extra</c> bytes of the method's own.
/// </summary>
public sealed record SweepPayload(int Prompts, IReadOnlyList<CellReading> Cells, byte[] Extra)
{
    private const byte Kind = (byte)'S';
    private const byte Version = 1;
    private const int HeaderBytes = 10;

    public byte[] ToBytes()
    {
        var stride = 16 + 8 * Prompts;
        var bytes = new byte[HeaderBytes + Cells.Count * stride + Extra.Length];
        bytes[0] = Kind;
        bytes[1] = Version;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(2), Cells.Count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(6), Prompts);
        var at = bytes.AsSpan(HeaderBytes);
        foreach (var cell in Cells)
        {
            BinaryPrimitives.WriteInt64LittleEndian(at, cell.Changed);
            BinaryPrimitives.WriteDoubleLittleEndian(at[8..], cell.Largest);
            for (var p = 0; p < Prompts; p++) BinaryPrimitives.WriteDoubleLittleEndian(at[(16 + 8 * p)..], cell.Metric[p]);
            at = at[stride..];
        }
        Extra.CopyTo(at);
        return bytes;
    }

    /// <exception cref="InvalidDataException">The bytes are of another kind or version, or cut short.</exception>
    public static SweepPayload Parse(byte[] bytes)
    {
        if (bytes.Length < HeaderBytes || bytes[0] != Kind) throw new InvalidDataException("not the result of a sweep's unit");
        if (bytes[1] != Version)
            throw new InvalidDataException($"result of a sweep's unit in version {bytes[1]}, this program reads {Version}");
        var count = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(2));
        var prompts = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(6));
        if (count < 0 || prompts < 0 || HeaderBytes + (long)count * (16 + 8L * prompts) > bytes.Length)
            throw new InvalidDataException("result of a sweep's unit is cut short");
        var cells = new CellReading[count];
        var at = (ReadOnlySpan<byte>)bytes.AsSpan(HeaderBytes);
        for (var c = 0; c < count; c++)
        {
            var metric = new double[prompts];
            for (var p = 0; p < prompts; p++) metric[p] = BinaryPrimitives.ReadDoubleLittleEndian(at[(16 + 8 * p)..]);
            var changed = BinaryPrimitives.ReadInt64LittleEndian(at);
            cells[c] = new CellReading(changed, BinaryPrimitives.ReadDoubleLittleEndian(at[8..]), metric);
            at = at[(16 + 8 * prompts)..];
        }
        return new SweepPayload(prompts, cells, at.ToArray());
    }
}

/// <summary>One cell over some prompts.</summary>
/// <param name="Changed">Activation elements that the intervention changed, over all prompts.</param>
/// <param name="Largest">The largest absolute change of one element.</param>
/// <param name="Metric">Per prompt.</param>
public sealed record CellReading(long Changed, double Largest, double[] Metric);
