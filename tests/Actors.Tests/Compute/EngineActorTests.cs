using System.Collections.Concurrent;
using Akka.Actor;
using InterpActors.Actors.Compute;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Actors.Tests.Compute;

/// <summary>Whatever a runner does, the engine answers and lives on.</summary>
public class EngineActorTests : ActorTestKit, IComputedLedger
{
    private static readonly Study Study = FakePlanner.Study();

    private readonly FakeRunner _runner = new();
    private readonly ConcurrentQueue<long> _noted = new();
    private Exception? _ledgerFailure;

    long IComputedLedger.Append(StudyId study, string process, long ordinal, int attempt)
    {
        if (_ledgerFailure is not null) throw _ledgerFailure;
        _noted.Enqueue(ordinal);
        return _noted.Count;
    }

    IReadOnlyDictionary<string, long> IComputedLedger.Count(StudyId study) => new Dictionary<string, long>();

    IReadOnlyList<StudyId> IComputedLedger.Studies() => [];

    private IActorRef Engine(EngineKind kind) =>
        Sys.ActorOf(Engines.Props(kind, new ComputeServices("p", ActorRefs.Nobody, _runner, this, Settings, Engines.Props))!);

    private static ComputeUnit Unit(long ordinal, CancellationToken cancellation = default) =>
        new(Study, new Assign(new WorkUnit(Study.Id, ordinal, 0, 0, EngineKind.Patching, 1, "u"), 1, 15), "cpu", cancellation);

    [Theory]
    [InlineData(EngineKind.Ablation)]
    [InlineData(EngineKind.Patching)]
    public void Gives_the_result_and_notes_it_first(EngineKind kind)
    {
        Engine(kind).Tell(Unit(5));
        Assert.Equal(FakeRunner.Payload(5), ExpectMsg<EngineDone>().Output.Payload);
        Assert.Equal([5L], _noted);
    }

    [Fact]
    public void Every_exception_becomes_a_message_and_the_engine_lives_on()
    {
        var engine = Engine(EngineKind.Patching);
        (Exception Thrown, UnitFailureKind Kind, string Error)[] cases =
        [
            (new UnitException(UnitFailureKind.Permanent, "NaN"), UnitFailureKind.Permanent, "NaN"),
            (new UnitException(UnitFailureKind.Transient, "lost device"), UnitFailureKind.Transient, "lost device"),
            (new OutOfMemoryException("no\nmemory"), UnitFailureKind.Transient, "OutOfMemoryException: no memory"),
            (new OperationCanceledException("not ours"), UnitFailureKind.Transient, "OperationCanceledException: not ours"),
        ];
        foreach (var (thrown, kind, error) in cases)
        {
            _runner.Work = (_, _) => throw thrown;
            engine.Tell(Unit(1));
            var failed = ExpectMsg<EngineFailed>();
            Assert.Equal((kind, error), (failed.Kind, failed.Error));
        }
        _runner.Work = null;
        engine.Tell(Unit(2));
        ExpectMsg<EngineDone>();
        Assert.Equal([2L], _noted);
    }

    [Fact]
    public void A_cancelled_unit_is_stopped_not_failed()
    {
        using var cancel = new CancellationTokenSource();
        _runner.Work = (_, c) =>
        {
            cancel.Cancel();
            c.Cancellation.ThrowIfCancellationRequested();
        };
        Engine(EngineKind.Patching).Tell(Unit(1, cancel.Token));
        ExpectMsg<EngineStopped>();
    }

    [Fact]
    public void A_ledger_that_cannot_be_written_is_fatal()
    {
        _ledgerFailure = new LedgerException("computed.log: disk full");
        Engine(EngineKind.Patching).Tell(Unit(1));
        Assert.Equal(UnitFailureKind.Fatal, ExpectMsg<EngineFailed>().Kind);
    }

    [Fact]
    public void Reports_progress_while_it_computes()
    {
        _runner.Work = (_, c) => c.Progress(0.5);
        Engine(EngineKind.Patching).Tell(Unit(1));
        Assert.Equal(0.5, ExpectMsg<EngineProgress>().Fraction);
        ExpectMsg<EngineDone>();
    }

    [Fact]
    public void Each_engine_has_a_thread_of_its_own()
    {
        var threads = new ConcurrentDictionary<int, bool>();
        using var together = new Barrier(3);
        _runner.Work = (_, _) =>
        {
            threads.TryAdd(Environment.CurrentManagedThreadId, Thread.CurrentThread.IsThreadPoolThread);
            Assert.True(together.SignalAndWait(TimeSpan.FromSeconds(10)));
        };
        foreach (var engine in Enumerable.Range(0, 3).Select(_ => Engine(EngineKind.Patching))) engine.Tell(Unit(1));
        for (var i = 0; i < 3; i++) ExpectMsg<EngineDone>();
        Assert.Equal(3, threads.Count);
        Assert.DoesNotContain(true, threads.Values);
    }
}
