using System.Buffers.Binary;

namespace InterpActors.Compute.Sweeps;

/// <summary>
/// The result of a baseline unit: the metric of a shard's prompts without intervention. Little-endian: <c>'B' version hasCorrupted
/// parameters:i64 prompts:i32</c>, then <c>clean:f64[prompts]</c>, <c>corrupted:f64[prompts]</c> where there is one, and a byte per prompt,
/// 1 where the clean run is right.
/// </summary>
/// <param name="Parameters">Number of the model's parameters.</param>
/// <param name="Right">Whether the right answer beats the wrong one (or is the most likely token) in the clean run.</param>
public sealed record BaselinePayload(long Parameters, double[] Clean, double[]? Corrupted, bool[] Right)
{
    private const byte Kind = (byte)'B';
    private const byte Version = 1;
    private const int HeaderBytes = 15;

    public byte[] ToBytes()
    {
        var n = Clean.Length;
        var bytes = new byte[HeaderBytes + n * (Corrupted is null ? 9 : 17)];
        bytes[0] = Kind;
        bytes[1] = Version;
        bytes[2] = (byte)(Corrupted is null ? 0 : 1);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(3), Parameters);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(11), n);
        var at = bytes.AsSpan(HeaderBytes);
        foreach (var values in new[] { Clean, Corrupted })
        {
            if (values is null) continue;
            foreach (var v in values)
            {
                BinaryPrimitives.WriteDoubleLittleEndian(at, v);
                at = at[8..];
            }
        }
        for (var i = 0; i < n; i++) at[i] = (byte)(Right[i] ? 1 : 0);
        return bytes;
    }

    /// <exception cref="InvalidDataException">The bytes are of another kind or version, or cut short.</exception>
    public static BaselinePayload Parse(byte[] bytes)
    {
        if (bytes.Length < HeaderBytes || bytes[0] != Kind || bytes[1] != Version)
            throw new InvalidDataException("not the result of a baseline unit that this program reads");
        var n = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(11));
        var corrupted = bytes[2] == 1;
        if (n < 0 || bytes.Length != HeaderBytes + (long)n * (corrupted ? 17 : 9))
            throw new InvalidDataException("result of a baseline unit is cut short");
        var at = HeaderBytes;
        double[] Take()
        {
            var values = new double[n];
            for (var i = 0; i < n; i++, at += 8) values[i] = BinaryPrimitives.ReadDoubleLittleEndian(bytes.AsSpan(at));
            return values;
        }
        return new BaselinePayload(BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(3)), Take(), corrupted ? Take() : null,
            [.. bytes.AsSpan(at, n).ToArray().Select(b => b == 1)]);
    }
}
