using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Messages.Cluster;

/// <summary>One try at one unit.</summary>
/// <param name="Attempt">From 1; one more than the failures counted so far.</param>
public sealed record UnitTry(StudyId Study, long Ordinal, int Attempt);

/// <summary>
/// Worker to broker, at start and whenever the broker does not know the worker: who it is and which units it holds (computing, or
/// computed and not acknowledged), so that a new broker never hands out what is already being computed.
/// </summary>
/// <param name="Process">The incarnation of the process the worker lives in.</param>
/// <param name="Node"><c>host:port</c> of its node; null on a single machine.</param>
/// <param name="Siblings">How many workers the process has; null where that is of no concern.</param>
/// <param name="Can">What it can compute; null for a worker that takes everything its device's kind can.</param>
public sealed record RegisterWorker(
    string Worker, string Process, string Device, IReadOnlyList<UnitTry> Holding, string? Node = null, int? Siblings = null,
    WorkerCapabilities? Can = null) : IWireMessage;

/// <summary>Worker to broker: give me units, as far as I hold fewer than I may. Parked until there are some; sent again on every
/// tick, so a lost one does no harm.</summary>
/// <param name="Epoch">The broker incarnation the worker registered with.</param>
/// <param name="Demand">How many units the worker may hold at a time; more than one where units are short.</param>
/// <param name="Holding">On a tick, the units in hand: what the broker leased beyond them was lost on the way. Null: not said.</param>
public sealed record RequestWork(string Worker, string Epoch, int Demand, IReadOnlyList<UnitTry>? Holding = null) : IWireMessage;

/// <summary>Worker to broker: a unit's result. Kept and sent again until <see cref="ResultAck"/> says that it is in the journal.</summary>
/// <param name="Computed">How many units of the study the process has computed by now, this one included;
/// null where it does not count.</param>
public sealed record UnitResult(
    string Worker, string Process, UnitTry Unit, byte[] Payload, UnitPreview? Preview, long? Computed = null) : IWireMessage;

/// <summary>
/// Worker to broker: a checkpoint of a running unit is on the worker's disk. Not acknowledged: the next one makes up for a lost one.
/// </summary>
public sealed record UnitCheckpointed(string Worker, string Process, UnitTry Unit, UnitCheckpoint Checkpoint) : IWireMessage;

/// <summary>Worker to broker: something went wrong with a running unit and was put right. Not acknowledged.</summary>
/// <param name="Line">One line for the study's people: what happened, and how it goes on.</param>
public sealed record UnitWarning(string Worker, string Process, UnitTry Unit, string Line) : IWireMessage;

/// <summary>Worker to broker: a unit could not be computed. Kept and sent again until acknowledged.</summary>
public sealed record UnitFailure(string Worker, string Process, UnitTry Unit, UnitFailureKind Kind, string Error) : IWireMessage;

/// <summary>Worker to broker: a unit handed back uncomputed (the worker is leaving, or holds enough). Counts as no attempt.</summary>
/// <param name="Demand">How many units it may hold at a time by now, so that it is not given the next one at once; null: not said.</param>
public sealed record UnitReturned(string Worker, UnitTry Unit, int? Demand = null) : IWireMessage;

/// <summary>Worker to broker, every beat interval: alive, and how far the running unit is.</summary>
/// <param name="Fraction">Done fraction of the running unit in [0, 1].</param>
/// <param name="Words">How the running unit is doing, for people watching; null where it says nothing.</param>
public sealed record WorkerBeat(string Worker, string Epoch, UnitTry? Computing, double Fraction, string? Words = null) : IWireMessage;

/// <summary>Worker to broker: goes away for good; it holds nothing any more.</summary>
public sealed record WorkerLeaving(string Worker) : IWireMessage;

/// <summary>Worker to broker: what does this study say? Asked once per worker and study.</summary>
public sealed record DescribeStudy(StudyId Study) : IWireMessage;

/// <summary>Broker to worker: the answer to <see cref="RegisterWorker"/>.</summary>
/// <param name="Epoch">The broker's incarnation; empty for "I do not know you: register again".</param>
public sealed record Registered(string Epoch) : IWireMessage;

/// <summary>Broker to worker: compute this.</summary>
/// <param name="LeaseSeconds">The unit goes to another worker when no beat arrives for so long.</param>
/// <param name="Trace">The unit's span, as W3C <c>traceparent</c>; null where nothing is traced.</param>
public sealed record Assign(
    WorkUnit Unit, int Attempt, double LeaseSeconds, string? Trace = null, UnitCheckpoint? From = null) : IWireMessage
{
    /// <summary>The try this assignment is.</summary>
    public UnitTry Try() => new(Unit.Study, Unit.Ordinal, Attempt);
}

/// <summary>Broker to worker: the result is in the journal (or no longer wanted); forget it.</summary>
/// <param name="Finished">True where nobody will ever compute the unit again: what was kept for going on with it may go. Null: not
/// said.</param>
public sealed record ResultAck(StudyId Study, long Ordinal, bool? Finished = null) : IWireMessage;

/// <summary>Broker to worker: stop computing this unit and forget its result.</summary>
/// <param name="Finished">As in <see cref="ResultAck"/>.</param>
public sealed record DropUnit(StudyId Study, long Ordinal, bool? Finished = null) : IWireMessage;

/// <summary>Who works? Answered by <see cref="WorkersReply"/>.</summary>
public sealed record GetWorkers : IWireMessage;

/// <summary>The workers that the broker knows, by name.</summary>
public sealed record WorkersReply(IReadOnlyList<WorkerView> Workers) : IWireMessage;

/// <summary>Broker to worker: the answer to <see cref="DescribeStudy"/>.</summary>
public sealed record StudyDescription(Study Study) : IWireMessage;
