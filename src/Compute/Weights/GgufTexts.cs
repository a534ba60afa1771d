using System.Buffers.Binary;
using System.Text;

namespace InterpActors.Compute.Weights;

/// <summary>
/// An array of texts as it stands in a GGUF file, each with its length in front, already checked. Reading a model's weights does not
/// need its vocabulary, so the strings are made on demand.
/// </summary>
internal sealed class GgufTexts
{
    private readonly Lazy<string[]> _strings;

    public GgufTexts(byte[] bytes, int count)
    {
        _strings = new(() =>
        {
            var strings = new string[count];
            var at = 0;
            for (var i = 0; i < count; i++)
            {
                var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
                strings[i] = Encoding.UTF8.GetString(bytes, at + 8, length);
                at += 8 + length;
            }
            return strings;
        });
    }

    public string[] Strings => _strings.Value;
}
