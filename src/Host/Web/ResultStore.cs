using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Web;

/// <summary>
/// Run folders for downloads, folded from the journal when first asked for. They are a cache: a new process begins with none, and only
/// the latest few are kept.
/// </summary>
/// <param name="dataFolder">The node's own; its folder <c>downloads</c> is emptied.</param>
/// <param name="artifacts">Where large results of units are; null where there are none.</param>
internal sealed class ResultStore(
    IStudyDesk desk, IStudyPlanner planner, IStudyReducer reducer, string dataFolder, IArtifacts? artifacts = null)
{
    private const int Kept = 16;
    private readonly string _root = Path.Combine(Path.GetFullPath(dataFolder), "downloads");
    private readonly ConcurrentDictionary<StudyId, (ResultListing Listing, string Folder)> _ready = new();
    private readonly Queue<StudyId> _order = new();
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>The files of a study that is over.</summary>
    public async Task<(ResultListing Listing, string Folder)> GetAsync(StudyId study, CancellationToken cancellation)
    {
        if (_ready.TryGetValue(study, out var ready)) return ready;
        // One at a time: a reduction holds a whole result in memory.
        await _turn.WaitAsync(cancellation);
        try
        {
            if (_ready.TryGetValue(study, out ready)) return ready;
            var definition = await desk.DefinitionAsync(study) ?? throw new StudyException($"study {study} is not known");
            var history = await desk.HistoryAsync(study);
            var payloads = await desk.PayloadsAsync(study);
            // It may wait for files that other nodes have, so not on a thread of the pool.
            ready = await Task.Factory.StartNew(
                () => Write(definition, history, payloads), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            _ready[study] = ready;
            _order.Enqueue(study);
            while (_order.Count > Kept) Forget(_order.Dequeue());
            return ready;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The run folder of a study that is over as one file, and the hash of that; made when first asked for.</summary>
    public async Task<(string Path, string Sha256)> ZipAsync(ResultListing listing, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            if (!_ready.TryGetValue(listing.Study, out var ready)) throw new StudyException("the results were put away", null, "ask again");
            var path = ready.Folder + ".zip";
            if (!File.Exists(path)) await Task.Run(() => Pack(listing, ready.Folder, path), cancellation);
            return (path, Hash(path));
        }
        finally
        {
            _turn.Release();
        }
    }

    private static void Pack(ResultListing listing, string folder, string path)
    {
        var partial = path + ".partial";
        using (var packed = new FileStream(partial, FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        using (var zip = new ZipArchive(packed, ZipArchiveMode.Create))
        {
            foreach (var file in listing.Files)
            {
                // The same bytes whenever it is made, so that an interrupted download can be gone on with.
                var entry = zip.CreateEntry($"{listing.Study}/{file.Name}", CompressionLevel.Fastest);
                entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
                using var content = File.OpenRead(Path.Combine(folder, file.Name));
                using var target = entry.Open();
                content.CopyTo(target);
            }
        }
        File.Move(partial, path, overwrite: true);
    }

    /// <summary>The path of a large result by its content, among the folders that are at hand; null where there is none.</summary>
    public string? ArtifactPath(ArtifactId artifact) =>
        _ready.Values.Select(r => Path.Combine(r.Folder, "artifacts", artifact.Value)).FirstOrDefault(File.Exists);

    private (ResultListing, string) Write(Study study, RunHistory history, Func<long, byte[]?> payloads)
    {
        var folder = Path.Combine(_root, study.Id.Value);
        Directory.CreateDirectory(folder);
        File.Delete(folder + ".zip");
        var outcome = reducer.Reduce(new Reduction(planner.Plan(study), payloads, history) { Artifacts = artifacts }, folder);
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => new ResultFile(Path.GetRelativePath(folder, f).Replace('\\', '/'), new FileInfo(f).Length, Hash(f)));
        var failed = outcome.Failed || history.State != RunState.Completed;
        return (new ResultListing(study.Id, history.State, outcome.Sentence, outcome.Warnings, failed, [.. files]), folder);
    }

    private void Forget(StudyId study)
    {
        if (!_ready.TryRemove(study, out var old)) return;
        if (Directory.Exists(old.Folder)) Directory.Delete(old.Folder, recursive: true);
        File.Delete(old.Folder + ".zip");
    }

    private static string Hash(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
