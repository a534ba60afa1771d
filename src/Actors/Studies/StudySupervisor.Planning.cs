using Akka.Actor;
using InterpActors.Actors.Work;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Studies;

/// <summary>The part of a study's supervisor that has it planned: at first, and again wherever it goes on.</summary>
public sealed partial class StudySupervisor
{
    private sealed record PlanReady(IStudyPlan Plan, StudyTally Tally);

    private sealed record PlanFailed(Exception Cause);

    private sealed record PlanAgain;

    private bool _planning;

    private void ReceivePlans()
    {
        Command<PlanReady>(Planned);
        Command<PlanFailed>(Unplanned);
        Command<PlanAgain>(_ =>
        {
            if (!_state.IsOver) Plan();
        });
    }

    private void Plan()
    {
        if (_plan is not null)
        {
            Answer();
            OpenAtBroker();
            return;
        }
        if (_planning) return;
        _planning = true;
        _services.Broker.Tell(new StudyOpened(_id, false));
        var (study, planner, committed, givenUp) = (_state.Study!, _services.Planner, _state.Committed.Copy(), _state.GivenUp.Copy());
        Task.Factory.StartNew(
            () =>
            {
                var plan = planner.Plan(study);
                // A journal without a plan has no units yet; one with another plan is refused.
                var nothing = new UnitBitmap(0);
                var fits = plan.UnitCount == committed.Length;
                return new PlanReady(plan, fits ? new StudyTally(plan, committed, givenUp) : new StudyTally(plan, nothing, nothing));
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .PipeTo(Self, success: r => r, failure: e => new PlanFailed(e));
    }

    private void Planned(PlanReady m)
    {
        IReadOnlyList<IStudyEvent> events;
        try
        {
            events = _state.Decide(new StudyRunCommand.Plan(m.Plan.UnitCount, m.Plan.CellCount), _services.Settings.Retry);
        }
        catch (StudyException e)
        {
            Refuse(e);
            return;
        }
        PersistInOrder(events, () =>
        {
            _planning = false;
            (_error, _heldUp) = (null, null);
            StartLayers(m.Plan, m.Tally);
            Answer();
            if (_state.IsOver) _services.Broker.Tell(new StudyClosed(_id));
            else OpenAtBroker();
            CheckDone();
        });
    }

    /// <summary>
    /// Whoever submits hears at once that a file is nowhere to be had. Where nobody does, a coordinator that has it may come back, or the
    /// study be submitted again: until then it waits, and what workers hold of it is taken.
    /// </summary>
    private void Unplanned(PlanFailed m)
    {
        var isGone = false;
        for (var cause = m.Cause; cause is not null; cause = cause.InnerException) isGone |= cause is ArtifactException;
        if (!isGone || _waiting.Count > 0 || _services.Settings.ReviveAfter <= TimeSpan.Zero)
        {
            Refuse(m.Cause);
            return;
        }
        _planning = false;
        _heldUp = WordsOf(m.Cause);
        Timers.StartSingleTimer("plan", new PlanAgain(), _services.Settings.PlanAgain);
    }

    private void Refuse(Exception cause)
    {
        _planning = false;
        _error = WordsOf(cause);
        _services.Broker.Tell(new StudyClosed(_id));
        foreach (var one in _waiting) one.Tell(new StudyRefused(_id, _error));
        _waiting.Clear();
    }

    private static string WordsOf(Exception cause) => (cause as AggregateException)?.GetBaseException().Message ?? cause.Message;
}
