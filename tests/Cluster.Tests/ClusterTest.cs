using InterpActors.Actors.Journal;
using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Cluster.Tests;

/// <summary>What tests of nodes as processes share: a folder, an engine for members in the test's own process, waiting, and the check of
/// what came out.</summary>
public abstract class ClusterTest(SmallStudy small) : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("cluster-").FullName;

    protected StudyEngine Engine { get; } = new();

    protected SmallStudy Small { get; } = small;

    public void Dispose()
    {
        Engine.Dispose();
        Directory.Delete(_root, recursive: true);
        GC.SuppressFinalize(this);
    }

    protected static async Task Members(IStudyDesk desk, Predicate<IReadOnlyList<MemberView>> reached)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!reached((await desk.MembersAsync()).Members)) await Task.Delay(200, limit.Token);
    }

    protected Task<NodeProcess> Compute(string name, string seed, params string[] more) =>
        NodeProcess.StartAsync(["--roles", "compute", "--data", At(name), "--workers", "1", "--seed-node", seed, .. more]);

    protected string At(string name) => Path.Combine(_root, name);

    /// <param name="mayStumble">The study's journal may be out of reach for a while.</param>
    protected async Task Until(IStudyDesk desk, Func<StudyProgress, bool> reached, bool mayStumble = false)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (true)
        {
            var progress = await desk.ProgressAsync(Small.Study.Id);
            Assert.NotNull(progress);
            if (!mayStumble) Assert.Null(progress.Error);
            if (reached(progress)) return;
            await Task.Delay(50, limit.Token);
        }
    }

    /// <summary>The bytes of a run on one machine, and every unit in the journal exactly once.</summary>
    protected async Task CheckResults(IStudyDesk desk, JournalLocation journal)
    {
        var id = Small.Study.Id;
        var reduction = new Reduction(Engine.Plan(Small.Study), await desk.PayloadsAsync(id), await desk.HistoryAsync(id));
        Engine.Reduce(reduction, At("results"));
        Assert.Equal(await Small.LocalResults(), await File.ReadAllBytesAsync(At("results/results.csv")));

        using var reader = new JournalReader(journal);
        var committed = new List<long>();
        reader.Read(
            "SELECT message, manifest FROM journal WHERE manifest = @p0", () => [WireFormat.ManifestOf(typeof(UnitCompleted))],
            row => committed.Add(((UnitCompleted)WireFormat.Read(row.GetFieldValue<byte[]>(0), row.GetString(1))).Ordinal));
        Assert.Equal(Enumerable.Range(0, (int)reduction.Plan.UnitCount).Select(i => (long)i), committed.Order());
    }

    protected Task CheckResults(IStudyDesk desk, string journal) => CheckResults(desk, new JournalFile(journal));
}
