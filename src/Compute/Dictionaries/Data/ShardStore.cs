using System.Diagnostics;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>
/// The harvested shards of a machine, by key: files in one folder, each computed once however many dictionaries ask, in a cluster by one of
/// its nodes, the longest unused removed when all together exceed a budget (they are had anew when needed). Thread-safe.
/// </summary>
public sealed class ShardStore : IDisposable
{
    // Open maps cost nothing but address space; a window of a shuffle reads some tens of shards at a time.
    private const int KeptOpen = 256;

    private const int Tries = 3;

    private readonly string _folder;
    private readonly HashSet<string> _removed = [];
    private readonly LeaseCache<string, ActivationShard> _open = new(KeptOpen);
    private readonly Lock _gate = new();
    private readonly IArtifacts? _artifacts;
    private TimeSpan? _longest;

    /// <param name="folder">Made when the first shard is written.</param>
    /// <param name="budget">Bytes.</param>
    /// <param name="artifacts">Has shards from other nodes; null on a single machine.</param>
    public ShardStore(string folder, long budget, IArtifacts? artifacts = null) =>
        (_folder, Budget, _artifacts) = (Path.GetFullPath(folder), budget, artifacts);

    /// <summary>Bytes that all shards together may take.</summary>
    public long Budget { get; }

    /// <summary>How many shards this process has computed.</summary>
    public int Harvested { get; private set; }

    /// <summary>How many of them it had removed before, because the budget was used up.</summary>
    public int ComputedAgain { get; private set; }

    /// <summary>A shard, had from another node or computed if it is not there.</summary>
    internal LeaseCache<string, ActivationShard>.Lease Take(HarvestPlan plan, int shard, string key, StudySession session,
        CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return _open.Take(key, () => Open(plan, shard, key, session, cancellation));
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // Another unit was bringing it for both, and was cancelled.
            }
        }
    }

    /// <summary>Computes a shard unless it is there.</summary>
    /// <returns>Its rows.</returns>
    internal long Harvest(HarvestPlan plan, int shard, StudySession session, CancellationToken cancellation)
    {
        using var lease = Take(plan, shard, plan.Key(shard, session.Study.Execution), session, cancellation);
        return lease.Value.Rows;
    }

    private ActivationShard Open(HarvestPlan plan, int shard, string key, StudySession session, CancellationToken cancellation)
    {
        var path = Path.Combine(_folder, $"{key}.safetensors");
        for (var attempt = 1; ; attempt++)
        {
            if (File.Exists(path))
            {
                try
                {
                    var known = ActivationShard.Open(path);
                    File.SetLastAccessTimeUtc(path, DateTime.UtcNow);
                    return known;
                }
                catch (StudyException)
                {
                    // Damaged on the disk: it is had anew, and nobody else is to have this one.
                    File.Delete(path);
                }
                catch (IOException)
                {
                    // Removed by another study's store meanwhile: it is had anew.
                }
            }
            Directory.CreateDirectory(_folder);
            var isMade = Bring(plan, shard, key, path, session, cancellation);
            lock (_gate)
            {
                if (isMade) Harvested++;
                if (_removed.Remove(key) && isMade) ComputedAgain++;
                KeepBudget(path);
            }
            try
            {
                return ActivationShard.Open(path);
            }
            catch (Exception e) when (e is StudyException or IOException && attempt < Tries)
            {
                // The store of another study has removed it already.
            }
        }
    }

    /// <returns>False where another node had it.</returns>
    private bool Bring(HarvestPlan plan, int shard, string key, string path, StudySession session, CancellationToken cancellation)
    {
        TimeSpan? longest;
        lock (_gate) longest = _longest;
        if (_artifacts is not null)
            return _artifacts.Bring(new Recipe(key, Make, p => ActivationShard.Fits(p, plan, shard, session), longest), path, cancellation);
        Make(path);
        return true;

        void Make(string to)
        {
            var begun = Stopwatch.GetTimestamp();
            ActivationShard.Make(to, plan, shard, session, cancellation);
            var took = Stopwatch.GetElapsedTime(begun);
            lock (_gate) _longest = _longest > took ? _longest : took;
        }
    }

    private void KeepBudget(string newest)
    {
        var files = new DirectoryInfo(_folder).EnumerateFiles("*.safetensors").Select(f => (File: f, Bytes: Length(f)))
            .OrderBy(f => f.File.LastAccessTimeUtc).ToList();
        var total = files.Sum(f => f.Bytes);
        foreach (var (file, bytes) in files)
        {
            if (total <= Budget) return;
            if (file.FullName == Path.GetFullPath(newest)) continue;
            total -= bytes;
            // Whoever reads it just now keeps what is mapped; the disk has its room back when nobody has it open.
            file.Delete();
            var key = Path.GetFileNameWithoutExtension(file.Name);
            _open.Forget(key);
            _removed.Add(key);
        }
    }

    /// <summary>0 for one that is gone.</summary>
    private static long Length(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            return 0;
        }
    }

    public void Dispose() => _open.Dispose();
}
