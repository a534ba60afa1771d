using System.Text;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Messages.Tests.Serialization;

/// <summary>
/// Fields that came later under the same manifest: they survive the wire, and what was written without them is still read.
/// </summary>
public class OptionalFieldsTests
{
    private static readonly StudyId Id = new("s-3f2a90c1d7e4");
    private static readonly Study Study = new(Id, "s", "k", "{}", "", "/", new ExecutionSettings(2, "torch", "cuda"));

    private static T Through<T>(T message) where T : IWireMessage =>
        (T)WireFormat.Read(WireFormat.Write(message), WireFormat.ManifestOf(typeof(T)));

    private static T Golden<T>() where T : IWireMessage
    {
        var manifest = WireFormat.ManifestOf(typeof(T));
        return (T)WireFormat.Read(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", manifest + ".json")), manifest);
    }

    [Fact]
    public void What_a_worker_can_and_holds()
    {
        var can = new WorkerCapabilities("cuda", 5L << 32, ["fp32"], 4);
        var registration = Through(new RegisterWorker("w", "p", "cuda:0", [], null, 2, can));
        Assert.Equal(("cuda", 5L << 32, 4), (registration.Can!.DeviceKind, registration.Can.MemoryBytes, registration.Can.Threads));
        Assert.Equal(["fp32"], registration.Can.Dtypes);
        Assert.Equal(7, Through(new RequestWork("w", "e", 4, [new UnitTry(Id, 7, 1)])).Holding!.Single().Ordinal);
        Assert.Null(Golden<RegisterWorker>().Can);
        Assert.Null(Golden<RequestWork>().Holding);
    }

    [Fact]
    public void The_device_and_the_priority_of_a_study()
    {
        Assert.Equal("cuda", Through(new StudySubmitted(Study, default)).Study.Execution.DeviceKind);
        Assert.Equal("cpu", Golden<StudySubmitted>().Study.Execution.DeviceKind);
        Assert.Equal(-3, Through(new SubmitStudy(Study, null, -3)).Priority);
        Assert.Null(Golden<SubmitStudy>().Priority);
        Assert.Null(Golden<StudySnapshot>().Priority);
        var progress = new StudyProgress(Id, RunState.Running, 1, 0, 0, 0, [], [], [], [], 0, null, 2, "no worker");
        var read = Through(new ProgressReply(progress)).Progress;
        Assert.Equal((2, "no worker"), (read.Priority, read.Waiting));
    }

    [Fact]
    public void What_was_put_right()
    {
        var history = new RunHistory(RunState.Running, 1, 0, [], [], ["damaged"]);
        Assert.Equal(["damaged"], Through(new HistoryReply(history)).History.Warnings);
        var progress = new StudyProgress(Id, RunState.Running, 1, 0, 0, 0, [], [], [], [], 0, null, Warnings: ["damaged"]);
        Assert.Equal(["damaged"], Through(new ProgressReply(progress)).Progress.Warnings);
        Assert.Null(Golden<HistoryReply>().History.Warnings);
        Assert.Null(Golden<ProgressReply>().Progress.Warnings);
        Assert.Null(Golden<StudySnapshot>().Warnings);
    }

    [Fact]
    public void Which_failures_were_deaths()
    {
        Assert.True(Through(new UnitFailed(3, 1, "p", UnitFailureKind.Transient, "died", true)).WorkerDied);
        Assert.Null(Golden<UnitFailed>().WorkerDied);
        var tried = new UnitAttempts(4, 9, 1, 2);
        Assert.Equal(tried, Through(Golden<StudySnapshot>() with { Attempts = [tried] }).Attempts[0]);
        Assert.Equal(new UnitAttempts(4, 3), Golden<StudySnapshot>().Attempts[0]);
    }

    [Fact]
    public void How_far_the_parts_of_a_study_were_at_its_end()
    {
        var reached = new StudyReach([new LayerProgress(-1, 1, 0, 2)], [new TrackProgress("z", 1, 2, 3, 6)]);
        foreach (var read in (StudyReach[])[
            Through(new StudyCompleted(default, false, reached)).Reached!, Through(new StudyCancelled(default, reached)).Reached!,
            Through(Golden<StudySnapshot>() with { Reached = reached }).Reached!])
        {
            Assert.Equal(reached.Layers, read.Layers);
            Assert.Equal(reached.Tracks, read.Tracks);
        }
        Assert.Null(Golden<StudyCompleted>().Reached);
        Assert.Null(Golden<StudyCancelled>().Reached);
        Assert.Null(Golden<StudySnapshot>().Reached);
    }

    [Fact]
    public void Progress_of_a_node_that_knows_no_priorities()
    {
        var old = Encoding.UTF8.GetString(WireFormat.Write(Golden<ProgressReply>()))
            .Replace(",\"priority\":0", "", StringComparison.Ordinal);
        Assert.Equal(0, ((ProgressReply)WireFormat.Read(Encoding.UTF8.GetBytes(old), "r-progress.1")).Progress.Priority);
    }

    [Fact]
    public void A_worker_that_is_set_aside_and_a_unit_that_found_no_memory()
    {
        var view = new WorkerView("w", "p", "", "cpu", [], default, "the disk is full");
        Assert.Equal("the disk is full", Through(new WorkersReply([view])).Workers.Single().SetAside);
        var failure = new UnitFailure("w", "p", new UnitTry(Id, 1, 1), UnitFailureKind.OutOfMemory, "no memory");
        Assert.Equal(UnitFailureKind.OutOfMemory, Through(failure).Kind);
    }

    [Fact]
    public void The_checkpoint_a_unit_goes_on_from()
    {
        var checkpoint = new UnitCheckpoint(1000, new ArtifactId(new string('a', 64)), 812, [new UnitMetric("loss", 0.5)]);
        var assign = Golden<Assign>();
        Assert.Null(assign.From);
        Assert.Equal(1000, Through(assign with { From = checkpoint }).From!.Step);
        Assert.Null(Golden<WorkerBeat>().Words);
        Assert.Equal("step 3", Through(Golden<WorkerBeat>() with { Words = "step 3" }).Words);
        Assert.Null(Golden<StudySnapshot>().Checkpoints);
        var written = Golden<StudySnapshot>() with { Checkpoints = [new OpenCheckpoint(7, checkpoint)] };
        Assert.Equal("loss", Through(written).Checkpoints![0].Last.Metrics[0].Name);
    }
}
