using System.Globalization;
using System.Text.RegularExpressions;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>Opens files that hold nothing but token ids: <c>.bin</c>, <c>.npy</c> and safetensors.</summary>
internal static partial class TokenFiles
{
    /// <summary>The endings of files that are opened here.</summary>
    public static IReadOnlyList<string> Endings { get; } = [".bin", ".npy", ".safetensors"];

    /// <param name="tensor">Which tensor of a safetensors file; null for its only one.</param>
    /// <param name="binWidth">How a <c>.bin</c> file stores ids; the others say it themselves.</param>
    /// <exception cref="StudyException">The file is missing, damaged, or holds no token ids.</exception>
    public static TokenArray Open(string path, string? tensor, TokenWidth binWidth) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".bin" => OpenFlat(path, binWidth),
        ".npy" => OpenNumPy(path),
        _ => OpenTensor(path, tensor),
    };

    private static TokenArray OpenFlat(string path, TokenWidth width)
    {
        var file = MappedFile.Open(Path.GetFullPath(path));
        var size = TokenArray.Bytes(width);
        if (file.Length % size == 0) return new TokenArray(file, file, path, 0, width, file.Length / size, null);
        file.Dispose();
        throw new StudyException($"its {file.Length} bytes are no whole number of {8 * size}-bit token ids", path,
            size == 4 ? "write ids = u16 if it holds 16-bit ids, or fetch the file again" : "the file is cut short: fetch it again");
    }

    private static TokenArray OpenTensor(string path, string? tensor)
    {
        var file = SafetensorsFile.Open(path);
        try
        {
            var name = tensor ?? (file.Tensors.Count == 1 ? file.Names.First()
                : throw new StudyException($"it holds {file.Tensors.Count} tensors", path,
                    $"name one: tensor = {file.Names.FirstOrDefault()}"));
            if (!file.Tensors.ContainsKey(name))
                throw new StudyException($"there is no tensor '{name}'", path, StudySection.Nearest(name, [.. file.Names]));
            var (mapped, start, stored) = file.Locate(name);
            TokenWidth? width = stored.TypeName switch
            {
                "U8" => TokenWidth.U8,
                "U16" => TokenWidth.U16,
                "U32" => TokenWidth.U32,
                "I16" => TokenWidth.I16,
                "I32" => TokenWidth.I32,
                "I64" => TokenWidth.I64,
                _ => null,
            };
            if (width is null)
                throw new StudyException($"tensor {name} holds {stored.TypeName}, not token ids", path,
                    "token ids are whole numbers: I64, I32, U16 …");
            if (stored.Shape.Count is not (1 or 2))
                throw new StudyException($"tensor {name} has shape [{string.Join(", ", stored.Shape)}]", path,
                    "give [tokens] or [rows, context]");
            return new TokenArray(mapped, file, $"{path} tensor {name}", start, width.Value, stored.Count, stored.Shape.Count == 2
                ? stored.Shape[1] : null);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>NumPy's format: <c>\x93NUMPY</c>, version, header length, a Python dict of descr, fortran_order and shape, then the
    /// data.</summary>
    private static TokenArray OpenNumPy(string path)
    {
        var file = MappedFile.Open(Path.GetFullPath(path));
        try
        {
            using var window = file.Map(0, (int)Math.Min(file.Length, 1 << 16));
            var bytes = window.Bytes;
            if (bytes.Length < 12 || !bytes.StartsWith(Magic) || bytes[6] is < 1 or > 3)
                throw new StudyException("it is no NumPy array", path, "write it with numpy.save");
            var (at, length) = bytes[6] == 1 ? (10, bytes[8] | (bytes[9] << 8))
                : (12, (int)Math.Min(int.MaxValue, BitConverter.ToUInt32(bytes[8..])));
            if (length > bytes.Length - at) throw new StudyException("its header is cut short", path, "fetch it again");
            var header = System.Text.Encoding.UTF8.GetString(bytes.Slice(at, length));
            var (descr, order, shape) = (Descr().Match(header), Order().Match(header), Shape().Match(header));
            if (!descr.Success || !order.Success || !shape.Success) throw new StudyException("its header is not understood", path,
                "write it with numpy.save");
            TokenWidth? width = descr.Groups[1].Value.TrimStart('<', '|', '=') switch
            {
                "u1" => TokenWidth.U8,
                "u2" => TokenWidth.U16,
                "u4" => TokenWidth.U32,
                "i2" => TokenWidth.I16,
                "i4" => TokenWidth.I32,
                "i8" or "u8" => TokenWidth.I64,
                _ => null,
            };
            if (width is null)
                throw new StudyException($"it holds {descr.Groups[1].Value}, not token ids", path,
                    "save whole numbers: uint16, int32, int64 …");
            var sizes = shape.Groups[1].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(s => long.Parse(s, CultureInfo.InvariantCulture)).ToArray();
            if (sizes.Length is not (1 or 2)) throw new StudyException($"its shape is ({shape.Groups[1].Value})", path,
                "save [tokens] or [rows, context]");
            if (order.Groups[1].Value == "True" && sizes.Length == 2) throw new StudyException("it is in Fortran order", path,
                "save it in C order");
            var count = sizes.Aggregate((Int128)1, (a, b) => a * b);
            var start = at + length;
            if (count * TokenArray.Bytes(width.Value) != file.Length - start)
                throw new StudyException($"shape ({shape.Groups[1].Value}) does not fit its {file.Length - start} bytes of data", path,
                    "fetch it again");
            return new TokenArray(file, file, path, start, width.Value, (long)count, sizes.Length == 2 ? sizes[1] : null);
        }
        catch (Exception e)
        {
            file.Dispose();
            if (e is OverflowException or FormatException) throw new StudyException("its header is not understood", path,
                "write it with numpy.save", e);
            throw;
        }
    }

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    [GeneratedRegex("'descr'\\s*:\\s*'([^']+)'", RegexOptions.CultureInvariant)]
    private static partial Regex Descr();

    [GeneratedRegex("'fortran_order'\\s*:\\s*(True|False)", RegexOptions.CultureInvariant)]
    private static partial Regex Order();

    [GeneratedRegex("'shape'\\s*:\\s*\\(([0-9, ]*)\\)", RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}
