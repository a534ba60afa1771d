using System.IO.MemoryMappedFiles;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Weights;

/// <summary>
/// A read-only memory-mapped file. Only windows of it are in the address space at a time: closing a window unmaps its pages, so a
/// process that reads a whole model does not count the file in its resident memory. Thread-safe.
/// </summary>
internal sealed class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _map;

    private MappedFile(string path, long length, MemoryMappedFile? map)
    {
        Path = path;
        Length = length;
        _map = map;
    }

    public string Path { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>The file's name for messages.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <exception cref="StudyException">The file is missing or cannot be read.</exception>
    public static MappedFile Open(string path)
    {
        try
        {
            if (Directory.Exists(path)) throw new StudyException("this is a folder; a file is needed", path);
            // The stream's length is that of a link's target, unlike FileInfo's.
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
            var length = stream.Length;
            if (length == 0) return new MappedFile(path, 0, null);
            var map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None,
                leaveOpen: false);
            return new MappedFile(path, length, map);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StudyException("the file does not exist", path, inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new StudyException($"the file cannot be read ({e.Message.TrimEnd('.')})", path, inner: e);
        }
    }

    /// <summary>Maps a range that is inside the file.</summary>
    public FileWindow Map(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_map is null && length > 0, this);
        return new FileWindow(length == 0 ? null : _map!.CreateViewAccessor(offset, length, MemoryMappedFileAccess.Read), length);
    }

    public void Dispose() => _map?.Dispose();
}

/// <summary>A mapped range of a file; disposing it unmaps the pages.</summary>
internal sealed unsafe class FileWindow : IDisposable
{
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _start;
    private readonly int _length;

    internal FileWindow(MemoryMappedViewAccessor? view, int length)
    {
        _view = view;
        _length = length;
        if (view is null) return;
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        _start = pointer + view.PointerOffset;
    }

    public ReadOnlySpan<byte> Bytes => new(_start, _length);

    public void Dispose()
    {
        _view?.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
    }
}
