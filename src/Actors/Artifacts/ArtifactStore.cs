using System.Security.Cryptography;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Artifacts;

/// <summary>
/// A node's files by content: <c>ab/cdef…</c>, written beside and moved into place when the hash is right, checked again on first use in a
/// process. Holds at most so many bytes; what was used least recently makes room, unless somebody holds it. Thread-safe; belongs to one
/// process.
/// </summary>
public sealed class ArtifactStore
{
    private static readonly TimeSpan PartialsKept = TimeSpan.FromDays(1);
    private static readonly TimeSpan UseNoted = TimeSpan.FromMinutes(1);

    private readonly string _root;
    private readonly Lock _lock = new();
    private readonly Dictionary<ArtifactId, Entry> _entries = [];
    private readonly Dictionary<ArtifactId, long> _partials = [];
    private readonly Dictionary<ArtifactId, (string Path, long Bytes, DateTime Changed)> _offered = [];
    private readonly Dictionary<ArtifactId, int> _holds = [];
    private readonly HashSet<ArtifactId> _writing = [];
    private long _limit;

    /// <param name="root">Made unless it is there.</param>
    /// <param name="limit">Bytes; <see cref="Limit"/>.</param>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public ArtifactStore(string root, long limit = long.MaxValue)
    {
        _root = Path.GetFullPath(root);
        _limit = limit;
        Directory.CreateDirectory(Incoming);
        Directory.CreateDirectory(Kept);
        // Made again when they are asked for; what they pointed to may be gone.
        if (Directory.Exists(Folders)) Directory.Delete(Folders, recursive: true);
        Scan();
    }

    /// <summary>Bytes that the store may hold, files on their way included, those that never go not.</summary>
    public long Limit
    {
        get { lock (_lock) return _limit; }
        set { lock (_lock) _limit = value; }
    }

    /// <summary>Bytes that the store holds, files on their way included.</summary>
    public long Used
    {
        get { lock (_lock) return Total(); }
    }

    internal string Folders => Path.Combine(_root, "folders");

    private string Incoming => Path.Combine(_root, "incoming");

    /// <summary>Holds an empty file for every artifact that never goes.</summary>
    private string Kept => Path.Combine(_root, "kept");

    /// <summary>
    /// The path of a file of the store that is what its name says; null where there is none. Reads the whole file on first use.
    /// </summary>
    public string? Find(ArtifactId artifact)
    {
        Entry? entry;
        lock (_lock) _entries.TryGetValue(artifact, out entry);
        return entry is not null && Check(artifact, entry) ? PathOf(artifact) : null;
    }

    /// <summary>The length of a file that can be sent on, from the store or from where it was offered; null where there is none.</summary>
    public long? LengthOf(ArtifactId artifact)
    {
        Entry? entry;
        lock (_lock)
        {
            if (!_entries.TryGetValue(artifact, out entry)) return Offered(artifact)?.Length;
        }
        return IsAsChecked(artifact, entry) || Check(artifact, entry) ? entry.Bytes : null;
    }

    /// <summary>
    /// Opens a file for sending it on; null where there is none. Checked only where it has changed since: whoever receives it checks.
    /// </summary>
    public FileStream? OpenRead(ArtifactId artifact)
    {
        string? path;
        Entry? entry;
        lock (_lock) path = _entries.TryGetValue(artifact, out entry) ? PathOf(artifact) : Offered(artifact)?.FullName;
        if (entry is not null && !IsAsChecked(artifact, entry) && !Check(artifact, entry)) return null;
        try
        {
            return path is null ? null : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Bytes of a file that began to arrive and did not end; 0 where there are none.</summary>
    public long PartialLength(ArtifactId artifact)
    {
        lock (_lock) return _partials.GetValueOrDefault(artifact);
    }

    /// <summary>Keeps files, whether they are here yet or not, until it is disposed.</summary>
    public IDisposable Hold(IEnumerable<ArtifactId> artifacts)
    {
        var held = artifacts.Distinct().ToArray();
        lock (_lock)
            foreach (var artifact in held) _holds[artifact] = _holds.GetValueOrDefault(artifact) + 1;
        return new Holding(this, held);
    }

    /// <summary>Keeps a file that is here for good, also in later processes, and no longer counts it against the limit.</summary>
    /// <exception cref="IOException">That cannot be noted.</exception>
    public void KeepForGood(ArtifactId artifact)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(artifact, out var entry) || entry.IsKept) return;
            File.WriteAllBytes(Path.Combine(Kept, artifact.Value), []);
            entry.IsKept = true;
        }
    }

    /// <summary>Begins to write a file, or goes on where an earlier writer was interrupted. One writer at a time.</summary>
    /// <returns>Null where somebody else is writing the file, or it is here by now.</returns>
    /// <exception cref="ArtifactException">There is no room for it.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public ArtifactWriter? BeginWrite(ArtifactId artifact, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        lock (_lock)
        {
            if (_entries.ContainsKey(artifact) || !_writing.Add(artifact)) return null;
            try
            {
                MakeRoom(artifact, bytes);
                // The whole is reserved from the beginning.
                _partials[artifact] = bytes;
            }
            catch
            {
                _writing.Remove(artifact);
                throw;
            }
        }
        try
        {
            return new ArtifactWriter(this, artifact, PartialPath(artifact), bytes);
        }
        catch
        {
            Ended(artifact);
            throw;
        }
    }

    /// <summary>Takes a copy of a file of this machine.</summary>
    /// <returns>False where the content is not what the name says, or somebody else is writing it just now.</returns>
    /// <exception cref="ArtifactException">There is no room for it.</exception>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public bool Adopt(ArtifactId artifact, string path)
    {
        if (Find(artifact) is not null) return true;
        using var source = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0);
        using var writer = BeginWrite(artifact, source.Length);
        if (writer is null) return false;
        writer.Restart();
        var buffer = new byte[1 << 20];
        for (int read; (read = source.Read(buffer)) > 0;)
        {
            if (writer.Offset + read > writer.Bytes) return false;
            writer.Write(buffer.AsSpan(0, read));
        }
        return writer.Complete();
    }

    /// <summary>Takes a copy of a file that was offered.</summary>
    /// <returns>False where none was, or it has changed.</returns>
    /// <exception cref="ArtifactException">There is no room for it.</exception>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public bool AdoptOffered(ArtifactId artifact)
    {
        string? path;
        lock (_lock) path = Offered(artifact)?.FullName;
        return path is not null && Adopt(artifact, path);
    }

    /// <summary>Moves a file to where it belongs to somebody else and takes no room of the store.</summary>
    /// <param name="path">Outside the store; has the whole file or none.</param>
    /// <returns>False where it is not here any more, or is held.</returns>
    /// <exception cref="IOException">It cannot be moved.</exception>
    public bool TakeOut(ArtifactId artifact, string path)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(artifact, out var entry) || entry.IsKept || _holds.ContainsKey(artifact)) return false;
            // To another disk this is a copy.
            var arriving = $"{path}.{Guid.NewGuid():N}";
            File.Move(PathOf(artifact), arriving);
            _entries.Remove(artifact);
            File.Move(arriving, path, overwrite: true);
            return true;
        }
    }

    /// <summary>A file outside the store holds an artifact, to be sent on from there. Its content has just been checked.</summary>
    public void Offer(ArtifactId artifact, string path)
    {
        var file = new FileInfo(path);
        lock (_lock) _offered[artifact] = (path, file.Length, file.LastWriteTimeUtc);
    }

    internal string PathOf(ArtifactId artifact) => Path.Combine(_root, artifact.Value[..2], artifact.Value[2..]);

    internal string PartialPath(ArtifactId artifact) => Path.Combine(Incoming, artifact.Value + ".part");

    /// <summary>A writer's file is whole and right: it becomes the artifact.</summary>
    internal void Commit(ArtifactId artifact, string partial)
    {
        var path = PathOf(artifact);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        lock (_lock)
        {
            File.Move(partial, path, overwrite: true);
            var file = new FileInfo(path);
            _entries[artifact] = new Entry(file.Length) { Checked = (file.Length, file.LastWriteTimeUtc), LastUse = DateTime.UtcNow };
            _partials.Remove(artifact);
        }
    }

    /// <summary>A writer is done, one way or the other.</summary>
    internal void Ended(ArtifactId artifact)
    {
        lock (_lock)
        {
            _writing.Remove(artifact);
            var left = new FileInfo(PartialPath(artifact));
            if (left.Exists) _partials[artifact] = left.Length;
            else _partials.Remove(artifact);
        }
    }

    /// <summary>A file outside the store that has not changed since it was offered. Under the lock.</summary>
    private FileInfo? Offered(ArtifactId artifact)
    {
        if (!_offered.TryGetValue(artifact, out var offer)) return null;
        var file = new FileInfo(offer.Path);
        if (file.Exists && (file.Length, file.LastWriteTimeUtc) == (offer.Bytes, offer.Changed)) return file;
        _offered.Remove(artifact);
        return null;
    }

    /// <summary>False where a file of the store was written to after its content had been checked.</summary>
    private bool IsAsChecked(ArtifactId artifact, Entry entry)
    {
        var file = new FileInfo(PathOf(artifact));
        return file.Exists && (entry.Checked is not { } then || then == (file.Length, file.LastWriteTimeUtc));
    }

    private bool Check(ArtifactId artifact, Entry entry)
    {
        var path = PathOf(artifact);
        lock (entry)
        {
            var file = new FileInfo(path);
            if (file.Exists && entry.Checked == (file.Length, file.LastWriteTimeUtc))
            {
                NoteUse(entry, path);
                return true;
            }
            try
            {
                if (file.Exists)
                {
                    using var stream = new FileStream(
                        path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 20, FileOptions.SequentialScan);
                    if (ArtifactId.Of(SHA256.HashData(stream)) == artifact)
                    {
                        entry.Checked = (file.Length, file.LastWriteTimeUtc);
                        NoteUse(entry, path);
                        return true;
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // What cannot be read is as good as not there.
            }
        }
        // Damaged on the disk, or removed by hand: it is had anew from another node.
        lock (_lock)
            if (_entries.TryGetValue(artifact, out var now) && ReferenceEquals(now, entry)) Remove(artifact);
        return false;
    }

    private static void NoteUse(Entry entry, string path)
    {
        var now = DateTime.UtcNow;
        if (now - entry.LastUse < UseNoted) return;
        entry.LastUse = now;
        try
        {
            // Also where the file system does not note it by itself; the next process goes by it.
            File.SetLastAccessTimeUtc(path, now);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A use that is not noted only makes the file go sooner.
        }
    }

    private void Scan()
    {
        foreach (var folder in Directory.EnumerateDirectories(_root))
            foreach (var file in new DirectoryInfo(folder).EnumerateFiles())
                if (ArtifactId.IsValid(Path.GetFileName(folder) + file.Name))
                    _entries[new ArtifactId(Path.GetFileName(folder) + file.Name)] =
                        new Entry(file.Length) { LastUse = file.LastAccessTimeUtc };
        foreach (var file in new DirectoryInfo(Kept).EnumerateFiles())
            if (ArtifactId.IsValid(file.Name) && _entries.TryGetValue(new ArtifactId(file.Name), out var entry)) entry.IsKept = true;
        foreach (var file in new DirectoryInfo(Incoming).EnumerateFiles())
        {
            var name = Path.GetFileNameWithoutExtension(file.Name);
            if (!ArtifactId.IsValid(name) || DateTime.UtcNow - file.LastWriteTimeUtc > PartialsKept) file.Delete();
            else _partials[new ArtifactId(name)] = file.Length;
        }
    }

    private long Total() => _entries.Values.Where(e => !e.IsKept).Sum(e => e.Bytes) + _partials.Values.Sum();

    private void MakeRoom(ArtifactId artifact, long bytes)
    {
        if (bytes > _limit)
            throw new ArtifactException(
                $"a file of {bytes} bytes does not fit into the store's {_limit} bytes; raise interp.artifacts.cache-limit");
        var free = _limit - Total() + _partials.GetValueOrDefault(artifact);
        foreach (var old in _partials.Keys.Where(p => p != artifact && !_writing.Contains(p)).ToArray())
        {
            if (free >= bytes) return;
            free += _partials[old];
            File.Delete(PartialPath(old));
            _partials.Remove(old);
        }
        var unused = _entries.Where(e => !e.Value.IsKept && !_holds.ContainsKey(e.Key)).OrderBy(e => e.Value.LastUse).ToArray();
        foreach (var (old, entry) in unused)
        {
            if (free >= bytes) return;
            free += entry.Bytes;
            Remove(old);
        }
        if (free < bytes)
            throw new ArtifactException(
                $"no room for a file of {bytes} bytes: studies that are not over use {Total()} of the store's {_limit} bytes; "
                + "wait for them, or raise interp.artifacts.cache-limit");
    }

    private void Remove(ArtifactId artifact)
    {
        _entries.Remove(artifact);
        try
        {
            File.Delete(PathOf(artifact));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Counted again by the next process.
        }
    }

    private void Release(ArtifactId[] artifacts)
    {
        lock (_lock)
            foreach (var artifact in artifacts)
                if (--_holds[artifact] == 0) _holds.Remove(artifact);
    }

    private sealed class Entry(long bytes)
    {
        public long Bytes { get; } = bytes;
        public DateTime LastUse { get; set; }
        public bool IsKept { get; set; }

        /// <summary>Length and time of change that the content was checked with in this process.</summary>
        public (long, DateTime)? Checked { get; set; }
    }

    private sealed class Holding(ArtifactStore store, ArtifactId[] artifacts) : IDisposable
    {
        private int _ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0) store.Release(artifacts);
        }
    }
}
