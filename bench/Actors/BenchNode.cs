using System.Diagnostics;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Bench.Actors;

/// <summary>A local node on a journal of its own in a temporary folder, which goes with it.</summary>
internal sealed class BenchNode(LocalNode node, string folder) : IAsyncDisposable
{
    public static async Task<BenchNode> StartAsync(int workers, IStudyPlanner planner, IUnitRunner runner)
    {
        var folder = Directory.CreateTempSubdirectory("interp-bench-").FullName;
        var options = new LocalNodeOptions(Path.Combine(folder, "journal.db"), workers, planner, runner);
        return new BenchNode(await LocalNode.StartAsync(options), folder);
    }

    /// <summary>Runs a study to its end; seconds from the submission to the journal's last entry.</summary>
    public async Task<double> RunAsync(Study study)
    {
        var clock = Stopwatch.StartNew();
        await node.SubmitAsync(study);
        while (true)
        {
            var progress = await node.ProgressAsync();
            if (progress.Error is not null) throw new InvalidOperationException(progress.Error);
            if (progress.State == RunState.Completed) return clock.Elapsed.TotalSeconds;
            await Task.Delay(5);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await node.DisposeAsync();
        Directory.Delete(folder, true);
    }
}
