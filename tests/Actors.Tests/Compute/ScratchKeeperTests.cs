using Akka.Actor;
using InterpActors.Actors.Compute;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Tests.Compute;

public sealed class ScratchKeeperTests : ActorTestKit
{
    private static readonly StudyId Over = new("over-3f2a90c1d7e4");
    private static readonly StudyId Open = new("open-3f2a90c1d7e5");
    private static readonly StudyId Strange = new("strange-3f2a90c1d7e6");

    private readonly string _folder = Directory.CreateTempSubdirectory("scratch-").FullName;

    [Fact]
    public void What_studies_left_goes_when_they_are_over_and_what_they_share_goes_last()
    {
        foreach (var study in new[] { Over, Open, Strange }) Put(Path.Combine(UnitFiles.Own(_folder, study, 7), "checkpoint-10", "state"));
        Put(Path.Combine(_folder, "harvest", "a.safetensors"));
        Put(Path.Combine(_folder, "artifacts", "b"));
        var coordinator = CreateTestProbe();
        var keeper = Sys.ActorOf(Props.Create(() => new ScratchKeeper(_folder, coordinator, TimeSpan.FromMilliseconds(100))));

        Answer(Over, RunState.Completed);
        AwaitAssert(() => Assert.Equal([Open, Strange], Studies()));
        Assert.True(File.Exists(Path.Combine(_folder, "harvest", "a.safetensors")));

        // Nobody knows it, but it was changed a moment ago.
        Directory.SetLastWriteTimeUtc(Path.Combine(_folder, "training", Strange.Value), DateTime.UtcNow.AddDays(-2));
        AwaitAssert(() =>
        {
            Answer(Open, RunState.Cancelled);
            Assert.Empty(Studies());
        });
        AwaitAssert(() => Assert.Empty(Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories)));

        // Answers every question that waits, and says of one study that it is over.
        void Answer(StudyId study, RunState state)
        {
            coordinator.ExpectMsg<GetProgress>();
            keeper.Tell(new ProgressReply(Progress(study, state)));
            keeper.Tell(new ProgressReply(Progress(study == Over ? Open : Over, RunState.Running)));
            keeper.Tell(new StudyRefused(Strange, "not known"));
        }
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_folder, recursive: true);
    }

    private static StudyProgress Progress(StudyId study, RunState state) => new(study, state, 1, 0, 0, 0, [], [], [], [], 0, null);

    private IEnumerable<StudyId> Studies() => UnitFiles.Studies(_folder).Select(s => s.Study).OrderBy(s => s.Value, StringComparer.Ordinal);

    private static void Put(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "x");
    }
}
