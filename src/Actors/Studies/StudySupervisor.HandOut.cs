using Akka.Actor;
using InterpActors.Actors.Telemetry;
using InterpActors.Actors.Work;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Studies;

/// <summary>The part of a study's supervisor that hands out units: which layer is asked, who computes what.</summary>
public sealed partial class StudySupervisor
{
    private readonly Dictionary<long, string> _running = [];
    private readonly HashSet<string> _workers = [];
    private readonly HashSet<string> _seen = [];

    /// <summary>Processes that work on the study and have not gone.</summary>
    private readonly HashSet<string> _present = [];

    /// <summary>Those of them that were slow with a unit and have not been heard since: they may be dead.</summary>
    private readonly HashSet<string> _doubtful = [];

    private readonly UnitSpans _spans = new();

    private IStudyPlan? _plan;
    private StudyTally? _tally;
    private IActorRef?[] _layers = [];
    private bool[] _dry = [];
    private int _firstOpen;

    private void ReceiveHandOut()
    {
        Command<TakeUnit>(Take);
        Command<TakeAgain>(TakeAgain);
        Command<LayerOffer>(Offer);
        Command<LayerDry>(m =>
        {
            _dry[m.Layer] = true;
            AskLayers(m.Take);
        });
        Command<LayerHasWork>(m =>
        {
            _dry[m.Layer] = false;
            _firstOpen = Math.Min(_firstOpen, m.Layer);
            if (_state.IsOpen) _services.Broker.Tell(new StudyHasWork(_id));
        });
        Command<UnitUntouched>(m =>
        {
            _running.Remove(m.Unit.Ordinal);
            _spans.End(m.Unit.Ordinal, "handed back");
            LayerOf(m.Unit.Ordinal)?.Tell(new PutBackUnit(m.Unit.Ordinal, _state.Failures(m.Unit.Ordinal), 0));
        });
        Command<UnitClaimed>(m =>
        {
            if (_state.IsSettled(m.Unit.Ordinal)) return;
            LayerOf(m.Unit.Ordinal)?.Tell(new ClaimUnit(m.Unit.Ordinal));
            _running[m.Unit.Ordinal] = Label(m.Unit.Ordinal);
        });
        Command<ProcessGone>(m =>
        {
            _workers.RemoveWhere(w => w.StartsWith(m.Process + "/", StringComparison.Ordinal));
            if (!_present.Remove(m.Process) || !m.InOrder) return;
            PersistInOrder(_state.Decide(new StudyRunCommand.EndProcess(m.Process, false, Now), _services.Settings.Retry), () => { });
        });
        Command<ProcessHeard>(m =>
        {
            if (!_doubtful.Remove(m.Process) || !_state.IsOver) return;
            PersistInOrder(_state.Decide(new StudyRunCommand.EndProcess(m.Process, false, Now), _services.Settings.Retry), () => { });
        });
        Command<BrokerReborn>(_ =>
        {
            _running.Clear();
            _spans.Clear();
            foreach (var layer in _layers) layer?.Tell(new PutBackAllUnits());
            if (_state.Study is not null && !_state.IsOver) OpenAtBroker();
        });
    }

    protected override void PreStart()
    {
        base.PreStart();
        Context.System.EventStream.Subscribe(Self, typeof(BrokerReborn));
    }

    private void StartLayers(IStudyPlan plan, StudyTally tally)
    {
        tally.CatchUp(_state.Committed, _state.GivenUp);
        _layers = new IActorRef?[plan.Layers.Count];
        _dry = new bool[plan.Layers.Count];
        var failures = _state.ToSnapshot().Attempts;
        var names = new HashSet<string>();
        for (var i = 0; i < _layers.Length; i++)
        {
            var queue = new LayerQueue(plan.Layers[i], _state.IsSettled, failures);
            _dry[i] = queue.IsDone;
            if (queue.IsDone) continue;
            var name = $"layer-{plan.Layers[i].Layer}";
            if (!names.Add(name)) name = $"{name}-{i}";
            _layers[i] = Context.ActorOf(LayerSupervisor.Props(i, plan, queue, _services.Settings.Retry, _services.Clock), name);
        }
        // Units that workers said they hold before the plan was known.
        foreach (var ordinal in _running.Keys.ToArray())
        {
            _running[ordinal] = plan[ordinal].Label;
            _layers[StudyTally.LayerIndex(plan, ordinal)]?.Tell(new ClaimUnit(ordinal));
        }
        (_plan, _tally) = (plan, tally);
    }

    private void OpenAtBroker()
    {
        StudyNeeds? needs = null;
        if (_plan is { Estimate: var estimate, Study.Execution: var execution })
            needs = new StudyNeeds(execution.DeviceKind, estimate.MemoryBytes, estimate.Dtype, execution.Threads);
        _services.Broker.Tell(new StudyOpened(_id, _state.IsOpen && _plan is not null, _state.Priority, needs));
    }

    private void Take(TakeUnit m)
    {
        See(m.Worker, m.Process);
        AskLayers(m);
    }

    /// <summary>A second worker for a unit that the first one is slow with; for the layer nothing changes.</summary>
    private void TakeAgain(TakeAgain m)
    {
        See(m.Worker, m.Process);
        if (!_state.IsOpen || _plan is null || _state.IsSettled(m.Unit.Ordinal))
        {
            _services.Broker.Tell(new NotAgain(_id, m.Worker));
            return;
        }
        _doubtful.Add(m.Holder);
        _services.Broker.Tell(new UnitOffered(m.Worker, _plan[m.Unit.Ordinal], m.Unit.Attempt, _spans.Of(m.Unit.Ordinal),
            _state.CheckpointOf(m.Unit.Ordinal)));
    }

    private void See(string worker, string process)
    {
        _doubtful.Remove(process);
        _workers.Add(worker);
        _present.Add(process);
        if (_state.IsOpen && !_state.Knows(process) && _seen.Add(process))
            PersistAllAsync(_state.Decide(new StudyRunCommand.SeeProcess(process, Now), _services.Settings.Retry), Apply);
    }

    private void AskLayers(TakeUnit m)
    {
        while (_firstOpen < _dry.Length && _dry[_firstOpen]) _firstOpen++;
        if (!_state.IsOpen || _firstOpen >= _dry.Length) _services.Broker.Tell(new NothingToTake(_id, m.Worker));
        else _layers[_firstOpen]!.Tell(m);
    }

    private void Offer(LayerOffer m)
    {
        if (!_state.IsOpen)
        {
            Sender.Tell(new PutBackUnit(m.Unit.Ordinal, m.Attempt - 1, 0));
            _services.Broker.Tell(new NothingToTake(_id, m.Take.Worker));
            return;
        }
        _running[m.Unit.Ordinal] = m.Unit.Label;
        _services.Broker.Tell(new UnitOffered(m.Take.Worker, m.Unit, m.Attempt, _spans.Begin(m.Unit, m.Attempt, m.Take.Worker),
            _state.CheckpointOf(m.Unit.Ordinal)));
    }

    /// <summary>The unit is in nobody's hands any more.</summary>
    private void Forget(long ordinal, bool settled)
    {
        _running.Remove(ordinal);
        _words.Remove(ordinal);
        _spans.End(ordinal, settled ? null : "failed");
        if (LayerOf(ordinal) is not { } layer) return;
        if (settled) layer.Tell(new SettleUnit(ordinal));
        else layer.Tell(new PutBackUnit(ordinal, _state.Failures(ordinal), _state.TroubleOf(ordinal).InARow));
    }

    private IActorRef? LayerOf(long ordinal) => _plan is null ? null : _layers[StudyTally.LayerIndex(_plan, ordinal)];

    private string Label(long ordinal) =>
        _running.GetValueOrDefault(ordinal) ?? (_plan is not null && ordinal < _plan.UnitCount ? _plan[ordinal].Label : $"unit {ordinal}");
}
