using System.Buffers.Binary;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Weights;

/// <summary>
/// A safetensors file, memory-mapped: 8 bytes of header length, a JSON header, raw little-endian data. Everything the header says is
/// checked on opening (<see cref="SafetensorsHeader"/>); the data is touched when a tensor is read.
/// </summary>
public sealed class SafetensorsFile : IWeightSource
{
    /// <summary>A header of this size describes more than half a million tensors.</summary>
    private const long LargestHeader = 32L << 20;

    private readonly MappedFile _file;

    private SafetensorsFile(MappedFile file, SafetensorsHeader header, long dataStart)
    {
        _file = file;
        Metadata = header.Metadata;
        Tensors = header.Entries.Values.ToDictionary(
            e => e.Name, StoredTensor (e) => new SafetensorsTensor(file, dataStart + e.Begin, e.Type, e.Name, e.Shape, e.End - e.Begin),
            StringComparer.Ordinal);
    }

    /// <summary>The file's <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <summary>Names in the header's order.</summary>
    public IEnumerable<string> Names => Tensors.Keys;

    /// <inheritdoc/>
    public string Where => _file.Path;

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => [_file.Path];

    /// <inheritdoc/>
    public long FileBytes => _file.Length;

    /// <exception cref="StudyException">The file is missing, damaged or cut short; the message names file and tensor.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = MappedFile.Open(Path.GetFullPath(path));
        try
        {
            if (file.Length < 8)
                throw new StudyException($"a safetensors file has at least 8 bytes, this one {file.Length}", file.Path, "fetch it again");
            using var lengthWindow = file.Map(0, 8);
            var length = BinaryPrimitives.ReadUInt64LittleEndian(lengthWindow.Bytes);
            if (length > (ulong)(file.Length - 8))
                throw new StudyException($"it announces a header of {length} bytes, but has only {file.Length} bytes", file.Path,
                    "the file is cut short, damaged or no safetensors file");
            if (length > LargestHeader)
                throw new StudyException($"its header of {length} bytes is larger than the {LargestHeader} that are read", file.Path);
            using var header = file.Map(8, (int)length);
            return new SafetensorsFile(file, SafetensorsHeader.Read(file.Path, header.Bytes, file.Length - 8 - (long)length),
                8 + (long)length);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads a whole tensor in its own type (<see cref="SafetensorsType.Torch"/>), or converted to <paramref name="type"/>. It is of the
    /// caller's dispose scope.
    /// </summary>
    /// <exception cref="StudyException">There is no such tensor.</exception>
    public Tensor Read(string name, ScalarType? type = null)
    {
        if (!Tensors.TryGetValue(name, out var stored)) throw new StudyException($"there is no tensor '{name}'", _file.Path);
        var tensor = ((SafetensorsTensor)stored).ReadTensor();
        return type is { } wanted && wanted != tensor.dtype ? tensor.to_type(wanted, disposeAfter: true) : tensor;
    }

    /// <summary>Where a tensor's bytes are, for readers that want only some of them.</summary>
    internal (MappedFile File, long Start, SafetensorsTensor Tensor) Locate(string name)
    {
        var tensor = (SafetensorsTensor)Tensors[name];
        return (_file, tensor.Start, tensor);
    }

    public void Dispose() => _file.Dispose();
}
