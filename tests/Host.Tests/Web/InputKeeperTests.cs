using InterpActors.Compute.Studies;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Tests.Web;

/// <summary>A coordinator, also one that stands by, holds the files of the studies that are not over, and of no others.</summary>
public sealed class InputKeeperTests
{
    [Fact]
    public async Task Files_are_held_from_when_a_study_is_seen_until_it_is_over()
    {
        using var engine = new StudyEngine();
        var desk = new FakeDesk(engine, engine);
        var source = WebFixture.Source();
        var study = StudyCompiler.Compile(StudyFile.Parse(source, "s.conf"), source, ".", 1);
        await desk.SubmitAsync(study);
        var files = new CountedFiles();
        using var stopping = new CancellationTokenSource();
        var keeper = new InputKeeper(desk, () => desk.ListAsync(), new StudyIntake(files)) { Beat = TimeSpan.FromMilliseconds(20) };
        var running = keeper.RunAsync(stopping.Token);

        await Until(() => files.Opened.Count == 1);
        Assert.Equal(study.Inputs, Assert.Single(files.Opened));
        Assert.Equal(0, files.Disposed);
        // One that was accepted here a moment ago is not held twice, and not let go before it was seen.
        var accepted = new CountedFiles();
        keeper.Keep(study.Id, accepted.Open("", null, default));
        Assert.Equal(1, accepted.Disposed);
        keeper.Keep(new StudyId("new-0123456789ab"), accepted.Open("", null, default));

        desk.Put(study.Id, p => p with { State = RunState.Completed });
        await Until(() => files.Disposed == 1);
        Assert.Equal(1, accepted.Disposed);
        desk.Trouble = "the coordinator does not answer";
        await Task.Delay(100);
        await stopping.CancelAsync();
        await running;
        Assert.Equal(2, accepted.Disposed);
    }

    private static async Task Until(Func<bool> reached)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!reached()) await Task.Delay(10, limit.Token);
    }

    private sealed class CountedFiles : IStudyFiles
    {
        public List<IReadOnlyList<StudyInput>?> Opened { get; } = [];
        public int Disposed;

        public IStudyFilesHeld Open(string root, IReadOnlyList<StudyInput>? inputs, CancellationToken cancellation)
        {
            Opened.Add(inputs);
            return new Held(this);
        }

        private sealed class Held(CountedFiles owner) : IStudyFilesHeld
        {
            public StudyFolder Folder() => new(".");

            public string InUsersWords(string message) => message;

            public void Dispose() => Interlocked.Increment(ref owner.Disposed);
        }
    }
}
