using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Messages.Tests.Serialization;

/// <summary>One message of every wire type, with values that are hard to write: NaN, infinity, quotes, other scripts.</summary>
internal static class WireSamples
{
    private static readonly StudyId Id = new("ioi-patching-3f2a90c1d7e4");
    private static readonly DateTimeOffset At = new(2026, 3, 14, 15, 9, 26, 535, TimeSpan.Zero);
    private static readonly UnitTry Try = new(Id, 1234567890123, 2);
    private static readonly byte[] Bytes = [0, 1, 127, 128, 255];
    private static readonly UnitPreview Preview = new("resid_pre 17 @ S2 (\" John\")", double.NaN);
    private static readonly Study Study = new(
        Id, "ioi-patching", "activation-patching", "{\"seed\":0}", "study { name = \"ïoi\" }\n", "/data/studies",
        new ExecutionSettings(2, "auto"));

    private static readonly StudyProgress Progress = new(
        Id, RunState.Running, 10, 4, 1, 2, [new LayerProgress(-1, 1, 0, 1)], [new TrackProgress("z", 4, 10, 12, 30)], ["z layer 3"],
        [new UnitPreview("z 9.7", double.NegativeInfinity)], 2, null);

    private static readonly RunHistory History = new(
        RunState.CompletedWithErrors, 10, 9, [new ProcessHistory("p1", At, null, 5, 4), new ProcessHistory("p2", At, At, 5, 5)],
        [new UnitDefeat(7, "z layer 3", 5, "out of memory")]);

    private static readonly ArtifactId File = new(string.Concat(Enumerable.Repeat("0123456789abcdef", 4)));

    private static readonly UnitCheckpoint Checkpoint =
        new(20_000, File, 812, [new UnitMetric("loss", 0.25), new UnitMetric("l0", double.NaN)]);

    public static IReadOnlyList<IWireMessage> All { get; } =
    [
        new RegisterWorker("p1/cpu-0", "p1", "cpu", [Try]),
        new GetWorkers(),
        new NodeLoad("10.0.0.2:4053", 7.5, 8, 1 << 30, [new DeviceLoad("cuda:0", 1L << 33, 1L << 36)]),
        new GetLoads(),
        new LoadsReply([new NodeLoad("10.0.0.2:4053", 0, 8, 1 << 30, [])]),
        new WorkersReply(
            [new WorkerView("p1/cpu-0", "p1", "10.0.0.2:4053", "cpu", [new LeaseView(Id, 3, 1, "resid_pre layer 2", 0.5)], At)]),
        new ListStudies(),
        new KnownStudies([Id]),
        new RequestWork("p1/cpu-0", "e1", 1),
        new UnitResult("p1/cpu-0", "p1", Try, Bytes, Preview),
        new UnitCheckpointed("p1/cpu-0", "p1", Try, Checkpoint),
        new UnitWarning("p1/cpu-0", "p1", Try, "checkpoint-10 of topk is damaged"),
        new UnitFailure("p1/cpu-0", "p1", Try, UnitFailureKind.Transient, "out of memory"),
        new UnitReturned("p1/cpu-0", Try),
        new WorkerBeat("p1/cpu-0", "e1", Try, 0.25),
        new WorkerLeaving("p1/cpu-0"),
        new DescribeStudy(Id),
        new Registered("e1"),
        new Assign(new WorkUnit(Id, 1234567890123, -1, 0, EngineKind.Ablation, 9, "baseline"), 2, 15),
        new ResultAck(Id, 3),
        new DropUnit(Id, 3),
        new StudyDescription(Study),
        new SubmitStudy(
            Study with
            {
                Inputs =
                [
                    new StudyInput("../modèles/x", "config.json", File, 1_000_000_000_000),
                    new StudyInput("pairs.jsonl", null, File, 7),
                ],
            },
            "p1"),
        new PauseStudy(Id),
        new ResumeStudy(Id),
        new CancelStudy(Id),
        new EndProcess(Id, "p1", true),
        new ReportComputed(Id, [new ProcessCount("p1", 7)]),
        new GetProgress(Id),
        new GetHistory(Id),
        new ProgressReply(Progress),
        new HistoryReply(History),
        new StudyRefused(Id, "layer 40 is out of range; 0 to 29"),
        new FindArtifact(File),
        new ArtifactFound(File, 1_000_000_000_000, true),
        new ArtifactMissing(File),
        new ReadArtifact(File, 1_000_000_000, 131_072),
        new ArtifactChunk(File, 1_000_000_000, Bytes),
        new KeepArtifact(File, 1_000_000_000_000, true),
        new ArtifactKept(File),
        new ArtifactNotKept(File, "no room"),
        new SeekRecipe(File.Value, -9_000_000_000_000_000_000),
        new RecipeMade(File.Value, File, 1_000_000_000_000, true),
        new RecipeBegun(File.Value),
        new RecipeUnknown(File.Value),
        new StudyRegistered(Id, At),
        new CoordinatorStarted("10.0.0.1:4053", At),
        new StudySubmitted(Study, At),
        new StudyPlanned(1_000_000, 9_000_000),
        new StudyPrioritised(3, At),
        new ProcessStarted("p1", At),
        new ProcessEnded("p1", At),
        new UnitCompleted(3, 1, "p1", Bytes, Preview),
        new CheckpointWritten(3, "p1", 20_000, File, 812, Checkpoint.Metrics),
        new UnitsComputed("p1", 7),
        new UnitWarned(3, "p1", "checkpoint-10 of topk is damaged"),
        new UnitFailed(3, 1, "p1", UnitFailureKind.Permanent, "NaN in the logits"),
        new UnitGivenUp(3, "z layer 3", 5, "NaN in the logits"),
        new StudyPaused(At),
        new StudyResumed(At),
        new StudyCancelled(At),
        new StudyCompleted(At, true),
        new StudySnapshot(
            Study, RunState.Paused, 10, 30, [0b0000_1101, 0], [0b0000_0010, 0],
            [new UnitDefeat(1, "z layer 0", 5, "bug")], [new UnitAttempts(4, 3)],
            [new ProcessRecord("p1", At, null, 3)], [Preview]),
    ];
}
