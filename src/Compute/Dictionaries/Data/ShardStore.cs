using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>
/// The harvested shards of a machine, by key: files in one folder, each computed once however many dictionaries ask, the longest unused
/// removed when all together exceed a budget (they are computed again when needed). Thread-safe.
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

    /// <param name="folder">Made when the first shard is written.</param>
    /// <param name="budget">Bytes.</param>
    public ShardStore(string folder, long budget) => (_folder, Budget) = (folder, budget);

    /// <summary>Bytes that all shards together may take.</summary>
    public long Budget { get; }

    /// <summary>How many shards this process has computed.</summary>
    public int Harvested { get; private set; }

    /// <summary>How many of them it had removed before, because the budget was used up.</summary>
    public int ComputedAgain { get; private set; }

    /// <summary>A shard, computed if it is not there.</summary>
    internal LeaseCache<string, ActivationShard>.Lease Take(HarvestPlan plan, int shard, string key, StudySession session,
        CancellationToken cancellation) => _open.Take(key, () => Open(plan, shard, key, session, cancellation));

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
                catch (Exception e) when (e is StudyException or IOException)
                {
                    // Damaged on the disk, or removed by another study's store meanwhile: it is made again.
                }
            }
            Directory.CreateDirectory(_folder);
            ActivationShard.Make(path, plan, shard, session, cancellation);
            lock (_gate)
            {
                Harvested++;
                if (_removed.Remove(key)) ComputedAgain++;
                KeepBudget(path);
            }
            try
            {
                return ActivationShard.Open(path);
            }
            catch (IOException) when (attempt < Tries)
            {
                // The store of another study has removed it already.
            }
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
