using System.Text.Json;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Weights;

/// <summary>
/// The JSON header of a safetensors file, checked: each entry has a known dtype, a shape of non-negative sizes whose bytes are those of
/// its offsets, names are unique, and the tensors cover the data section without gap, overlap or rest, as the format demands.
/// </summary>
internal sealed class SafetensorsHeader
{
    private const int MostDimensions = 64;

    private readonly string _file;
    private readonly long _dataLength;

    private SafetensorsHeader(string file, long dataLength)
    {
        _file = file;
        _dataLength = dataLength;
    }

    /// <param name="Begin">First byte in the data section.</param>
    public sealed record Entry(string Name, SafetensorsType Type, IReadOnlyList<long> Shape, long Begin, long End);

    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, Entry> Entries { get; } = new(StringComparer.Ordinal);

    /// <param name="dataLength">Bytes in the file after the header.</param>
    public static SafetensorsHeader Read(string file, ReadOnlySpan<byte> json, long dataLength)
    {
        var header = new SafetensorsHeader(file, dataLength);
        try
        {
            header.Parse(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new StudyException($"its header is not valid JSON ({e.Message.TrimEnd('.')})", file,
                "the file is damaged or no safetensors file", e);
        }
        header.CheckCover();
        return header;
    }

    private void Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw Bad("its header is not a JSON object");
        var sawMetadata = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name == "__metadata__")
            {
                if (sawMetadata) throw Bad("the key '__metadata__' stands in the header twice");
                sawMetadata = true;
                ReadMetadata(ref reader);
            }
            else if (!Entries.TryAdd(name, ReadEntry(ref reader, name))) throw Bad("it stands in the header twice", name);
        }
        // Reads on to the end: anything after the object is an error of the reader.
        while (reader.Read()) { }
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Bad("'__metadata__' is not an object of texts");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String) throw Bad($"the metadata key '{key}' is not a text");
            if (!Metadata.TryAdd(key, reader.GetString()!)) throw Bad($"the metadata key '{key}' stands in the header twice");
        }
    }

    private Entry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Bad("its entry is not an object", name);
        string? dtype = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            switch (key)
            {
                case "dtype" when dtype is null && reader.TokenType == JsonTokenType.String: dtype = reader.GetString(); break;
                case "shape" when shape is null: shape = ReadSizes(ref reader, name, "shape", MostDimensions); break;
                case "data_offsets" when offsets is null: offsets = ReadSizes(ref reader, name, "data_offsets", 2); break;
                case "dtype" or "shape" or "data_offsets": throw Bad($"its '{key}' is given twice or is of the wrong kind", name);
                default: reader.Skip(); break;
            }
        }
        if (dtype is null) throw Bad("its entry has no 'dtype'", name);
        if (shape is null) throw Bad("its entry has no 'shape'", name);
        if (offsets is not [var begin, var end]) throw Bad("its entry has no 'data_offsets' of two numbers", name);
        var type = SafetensorsType.Find(dtype) ?? throw new StudyException(
            $"its dtype '{dtype}' is not known", $"{_file} tensor {name}",
            "known are " + string.Join(", ", SafetensorsType.All.Select(t => t.Name)));
        if (end < begin) throw Bad($"its data_offsets [{begin}, {end}] end before they begin", name);
        if (end > _dataLength)
            throw new StudyException($"its data_offsets [{begin}, {end}] end beyond the {_dataLength} bytes of data",
                $"{_file} tensor {name}",
                "the file is cut short or damaged: fetch it again");
        var bytes = shape.Aggregate((Int128)type.Bytes, (product, size) => product > long.MaxValue ? product : product * size);
        if (shape.Contains(0)) bytes = 0;
        if (bytes != end - begin)
        {
            var taken = bytes > long.MaxValue ? "more than 2^63" : bytes.ToString();
            throw Bad($"shape [{string.Join(", ", shape)}] of {dtype} takes {taken} bytes, its data_offsets give {end - begin}", name);
        }
        return new Entry(name, type, shape, begin, end);
    }

    private List<long> ReadSizes(ref Utf8JsonReader reader, string name, string key, int most)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Bad($"its '{key}' is not an array", name);
        var sizes = new List<long>(4);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var size) || size < 0)
                throw Bad($"its '{key}' holds something that is not a whole number from 0 to 2^63 - 1", name);
            if (sizes.Count == most) throw Bad($"its '{key}' has more than {most} numbers", name);
            sizes.Add(size);
        }
        return sizes;
    }

    private void CheckCover()
    {
        long free = 0;
        foreach (var entry in Entries.Values.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (entry.Begin < free) throw Bad($"its data_offsets [{entry.Begin}, {entry.End}] overlap another tensor", entry.Name);
            if (entry.Begin > free) throw Bad($"the bytes {free} to {entry.Begin} before it belong to no tensor", entry.Name);
            free = entry.End;
        }
        if (free != _dataLength) throw Bad($"{_dataLength - free} bytes at its end belong to no tensor");
    }

    private StudyException Bad(string problem, string? tensor = null) =>
        new(problem, tensor is null ? _file : $"{_file} tensor {tensor}", "the file is damaged");
}
