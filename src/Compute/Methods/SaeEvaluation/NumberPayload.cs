using System.Buffers.Binary;
using System.Text;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>
/// A unit's result as named arrays. Little-endian: <c>'N' version</c>, then per array <c>name:u8+utf8 form:u8 length:i32</c> and the
/// values: form 0 f64 each; form 1 whole numbers that are not negative, seven bits a byte, the highest bit set where more follow (counts
/// of latents are mostly small, and there are many).
/// </summary>
internal sealed class NumberPayload
{
    private const byte Kind = (byte)'N';
    private const byte Version = 1;

    private readonly List<(string Name, double[] Values)> _arrays = [];

    public double[] this[string name] => _arrays.First(a => a.Name == name).Values;

    public IEnumerable<string> Names => _arrays.Select(a => a.Name);

    public NumberPayload Add(string name, params double[] values)
    {
        _arrays.Add((name, values));
        return this;
    }

    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        stream.WriteByte(Kind);
        stream.WriteByte(Version);
        Span<byte> number = stackalloc byte[8];
        foreach (var (name, values) in _arrays)
        {
            var text = Encoding.UTF8.GetBytes(name);
            stream.WriteByte(checked((byte)text.Length));
            stream.Write(text);
            // Minus zero is no whole number here: its sign would be lost.
            var whole = Array.TrueForAll(values, v => v is >= 0 and < 1L << 53 && v == Math.Floor(v) && !double.IsNegative(v));
            stream.WriteByte((byte)(whole ? 1 : 0));
            BinaryPrimitives.WriteInt32LittleEndian(number, values.Length);
            stream.Write(number[..4]);
            foreach (var value in values)
            {
                if (!whole)
                {
                    BinaryPrimitives.WriteDoubleLittleEndian(number, value);
                    stream.Write(number);
                    continue;
                }
                var rest = (ulong)value;
                for (; rest >= 0x80; rest >>= 7) stream.WriteByte((byte)(rest | 0x80));
                stream.WriteByte((byte)rest);
            }
        }
        return stream.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are of another kind or version, or cut short.</exception>
    public static NumberPayload Parse(byte[] bytes)
    {
        if (bytes.Length < 2 || bytes[0] != Kind || bytes[1] != Version)
            throw new InvalidDataException("not a result that this program reads");
        var payload = new NumberPayload();
        try
        {
            for (var at = 2; at < bytes.Length;)
            {
                var name = Encoding.UTF8.GetString(bytes, at + 1, bytes[at]);
                at += 1 + bytes[at];
                var whole = bytes[at++] == 1;
                var values = new double[BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at, 4))];
                at += 4;
                for (var i = 0; i < values.Length; i++)
                {
                    if (!whole)
                    {
                        values[i] = BinaryPrimitives.ReadDoubleLittleEndian(bytes.AsSpan(at, 8));
                        at += 8;
                        continue;
                    }
                    ulong value = 0;
                    for (var shift = 0; ; shift += 7)
                    {
                        value |= (ulong)(bytes[at] & 0x7F) << shift;
                        if (bytes[at++] < 0x80) break;
                    }
                    values[i] = value;
                }
                payload.Add(name, values);
            }
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            throw new InvalidDataException("a result is cut short", e);
        }
        return payload;
    }
}
