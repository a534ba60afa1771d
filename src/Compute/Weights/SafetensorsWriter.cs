using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Weights;

/// <summary>
/// Writes safetensors files: tensors by falling element size, then by name, so that every one is aligned; the header padded with spaces
/// to 8 bytes; data streamed from the tensors' own memory. The file appears under its name only when it is complete and on disk.
/// </summary>
public static class SafetensorsWriter
{
    private const int ChunkBytes = 1 << 22;

    /// <param name="path">Replaced if it exists.</param>
    /// <param name="tensors">Any shape, device and layout; types that the format has.</param>
    /// <exception cref="ArgumentException">Two tensors of one name, or a type that the format lacks.</exception>
    /// <exception cref="IOException">The disk is full or the folder cannot be written; what was written is removed.</exception>
    public static void Write(string path, IEnumerable<(string Name, Tensor Tensor)> tensors,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        var list = InOrder(tensors);
        var temporary = path + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                WriteHeader(stream, list, metadata);
                foreach (var (_, tensor, _) in list) WriteData(stream, tensor);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>The whole file in memory, for small ones.</summary>
    /// <exception cref="ArgumentException">Two tensors of one name, or a type that the format lacks.</exception>
    public static byte[] ToBytes(IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var list = InOrder(tensors);
        using var stream = new MemoryStream();
        WriteHeader(stream, list, metadata);
        foreach (var (_, tensor, _) in list) WriteData(stream, tensor);
        return stream.ToArray();
    }

    private static List<(string Name, Tensor Tensor, SafetensorsType Type)> InOrder(IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        var list = tensors
            .Select(t => (t.Name, t.Tensor, Type: SafetensorsType.Of(t.Tensor.dtype)))
            .OrderByDescending(t => t.Type.Bytes).ThenBy(t => t.Name, StringComparer.Ordinal).ToList();
        var twice = list.GroupBy(t => t.Name).FirstOrDefault(g => g.Count() > 1 || g.Key == "__metadata__");
        return twice is null ? list : throw new ArgumentException($"the name '{twice.Key}' is taken", nameof(tensors));
    }

    private static void WriteHeader(Stream stream, IReadOnlyList<(string Name, Tensor Tensor, SafetensorsType Type)> tensors,
        IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (var (name, tensor, type) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", type.Name);
                json.WriteStartArray("shape");
                foreach (var size in tensor.shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset += tensor.NumberOfElements * type.Bytes;
                json.WriteNumberValue(offset);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
        {
            buffer.Position = buffer.Length;
            buffer.WriteByte((byte)' ');
        }
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, buffer.Length);
        stream.Write(length);
        stream.Write(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    private static void WriteData(Stream stream, Tensor tensor)
    {
        using var scope = torch.NewDisposeScope();
        var plain = tensor.detach().cpu().contiguous();
        var bytes = plain.NumberOfElements * plain.ElementSize;
        for (long done = 0; done < bytes; done += ChunkBytes)
            stream.Write(TensorMemory.Bytes(plain, done, (int)Math.Min(ChunkBytes, bytes - done)));
    }
}
