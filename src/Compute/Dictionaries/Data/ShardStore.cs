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

    private readonly string _folder;
    private readonly long _budget;
    private readonly LeaseCache<string, ActivationShard> _open = new(KeptOpen);
    private readonly Lock _gate = new();

    /// <param name="folder">Made when the first shard is written.</param>
    /// <param name="budget">Bytes.</param>
    public ShardStore(string folder, long budget) => (_folder, _budget) = (folder, budget);

    /// <summary>How many shards this process has computed.</summary>
    public int Harvested { get; private set; }

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
                // Damaged on the disk: it is made again.
            }
        }
        Directory.CreateDirectory(_folder);
        ActivationShard.Make(path, plan, shard, session, cancellation);
        lock (_gate)
        {
            Harvested++;
            KeepBudget(path);
        }
        return ActivationShard.Open(path);
    }

    private void KeepBudget(string newest)
    {
        var files = new DirectoryInfo(_folder).GetFiles("*.safetensors").OrderBy(f => f.LastAccessTimeUtc).ToList();
        var total = files.Sum(f => f.Length);
        foreach (var file in files)
        {
            if (total <= _budget) return;
            if (file.FullName == Path.GetFullPath(newest)) continue;
            total -= file.Length;
            // Who has it open keeps what is mapped.
            file.Delete();
        }
    }

    public void Dispose() => _open.Dispose();
}
