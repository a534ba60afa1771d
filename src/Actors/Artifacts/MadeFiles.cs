using System.Security.Cryptography;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Cluster;

namespace InterpActors.Actors.Artifacts;

/// <summary>
/// By recipe, the files that a node has made or fetched, and those that it wants or is making: what it tells other nodes. Thread-safe.
/// </summary>
internal sealed class MadeFiles(ArtifactStore store)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, MadeFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Turn>> _turns = new(StringComparer.Ordinal);

    /// <summary>A file whose content is asked for when somebody wants it.</summary>
    public void Offer(string recipe, string path)
    {
        lock (_lock) _files[recipe] = new MadeFile(path);
    }

    /// <summary>A file that was just written: its content is noted now, so that what becomes of it on the disk is found out.</summary>
    public void OfferNew(string recipe, string path)
    {
        var file = new MadeFile(path);
        lock (_lock) _files[recipe] = file;
        Read(recipe, file);
    }

    /// <summary>Begins to want a file; until it is disposed.</summary>
    public Turn Take(string recipe)
    {
        var turn = new Turn(this, recipe);
        lock (_lock)
        {
            if (!_turns.TryGetValue(recipe, out var turns)) _turns[recipe] = turns = [];
            turns.Add(turn);
        }
        return turn;
    }

    /// <summary>What somebody who wants a file is told.</summary>
    /// <param name="turn">Of who asks.</param>
    /// <param name="busy">As many nodes are being served as there may be.</param>
    public IWireMessage Answer(string recipe, long turn, bool busy)
    {
        lock (_lock)
        {
            if (_files.TryGetValue(recipe, out var file) && Has(recipe, file) is { } answer)
                return answer is RecipeMade made ? made with { Busy = busy } : answer;
            if (!_turns.TryGetValue(recipe, out var turns)) return new RecipeUnknown(recipe);
            if (turns.Exists(t => t.IsBegun || t.Number < turn)) return new RecipeBegun(recipe);
            foreach (var later in turns.Where(t => t.Number > turn)) later.HasYielded = true;
            return new RecipeUnknown(recipe);
        }
    }

    /// <summary>Under the lock. Null where the file is gone, e.g. to make room for others, or has changed.</summary>
    private IWireMessage? Has(string recipe, MadeFile file)
    {
        var now = new FileInfo(file.Path);
        if (!now.Exists || (file.Content is not null && file.Of != (now.Length, now.LastWriteTimeUtc)))
        {
            _files.Remove(recipe);
            return null;
        }
        if (file.Content is { } content)
        {
            store.Offer(content, file.Path);
            return new RecipeMade(recipe, content, now.Length, false);
        }
        if (!file.IsBeingRead)
        {
            file.IsBeingRead = true;
            Task.Run(() => Read(recipe, file));
        }
        return new RecipeBegun(recipe);
    }

    private void Read(string recipe, MadeFile file)
    {
        try
        {
            var now = new FileInfo(file.Path);
            var of = (now.Length, now.LastWriteTimeUtc);
            using var stream = new FileStream(
                file.Path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 20, FileOptions.SequentialScan);
            var content = ArtifactId.Of(SHA256.HashData(stream));
            lock (_lock) (file.Content, file.Of, file.IsBeingRead) = (content, of, false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Removed meanwhile, or not readable: nobody can have it from here.
            lock (_lock)
                if (_files.TryGetValue(recipe, out var known) && ReferenceEquals(known, file)) _files.Remove(recipe);
        }
    }

    private sealed class MadeFile(string path)
    {
        public string Path { get; } = path;
        public ArtifactId? Content { get; set; }

        /// <summary>Length and time of change that it had then.</summary>
        public (long, DateTime) Of { get; set; }

        public bool IsBeingRead { get; set; }
    }

    /// <summary>
    /// Somebody here wants a file. Of several in a cluster who find that nobody has it, the one with the lowest number makes it: the others
    /// are told so when they ask, or, where they had asked before, begin no more and ask again.
    /// </summary>
    internal sealed class Turn(MadeFiles owner, string recipe) : IDisposable
    {
        public long Number { get; } = Random.Shared.NextInt64();

        /// <summary>Under the owner's lock.</summary>
        internal bool IsBegun { get; private set; }

        /// <summary>Under the owner's lock: somebody whose turn is earlier was told that nobody here makes it.</summary>
        internal bool HasYielded { get; set; }

        /// <summary>Before asking others.</summary>
        public void Ask()
        {
            lock (owner._lock) HasYielded = false;
        }

        /// <summary>From now on others are told that it is being made here.</summary>
        /// <param name="force">Whoever else may make it too.</param>
        /// <returns>False where somebody with an earlier turn has asked since: it may be making it.</returns>
        public bool Begin(bool force = false)
        {
            lock (owner._lock) return IsBegun = force || !HasYielded;
        }

        public void Dispose()
        {
            lock (owner._lock)
                if (owner._turns.TryGetValue(recipe, out var turns) && turns.Remove(this) && turns.Count == 0) owner._turns.Remove(recipe);
        }
    }
}
