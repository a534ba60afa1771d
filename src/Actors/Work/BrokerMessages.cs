using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Work;

// Between broker, studies and layers. They live in one process, so these are not wire messages.

/// <summary>Study to broker: this study exists; results for it are welcome.</summary>
/// <param name="HasWork">Units may be asked for.</param>
/// <param name="Needs">Null where any worker will do.</param>
public sealed record StudyOpened(StudyId Study, bool HasWork, int Priority = 0, StudyNeeds? Needs = null);

/// <summary>Study to broker: units may be asked for (again).</summary>
public sealed record StudyHasWork(StudyId Study);

/// <summary>Study to broker: nothing of this study is wanted any more; running units are to be dropped.</summary>
public sealed record StudyClosed(StudyId Study);

/// <summary>
/// Registry to broker, once it has read its journal: results of these studies are to be kept waiting until the study opens or closes. A
/// broker that is told of them acknowledges nothing of an unknown study before.
/// </summary>
public sealed record StudiesAwaited(IReadOnlyCollection<StudyId> Studies);

/// <summary>Broker to study, study to layer: a unit for this worker, please.</summary>
/// <param name="Process">The process the worker lives in.</param>
public sealed record TakeUnit(string Worker, string Process);

/// <summary>
/// Broker to study: this unit for this worker too, for the one that holds it is slow. Answered by <see cref="UnitOffered"/> or
/// <see cref="NotAgain"/>.
/// </summary>
/// <param name="Holder">The slow one's process; it may be dead.</param>
public sealed record TakeAgain(string Worker, string Process, UnitTry Unit, string Holder);

/// <summary>Broker to study: a process that had a unit that another one was quicker with is alive, and free of it.</summary>
public sealed record ProcessHeard(string Process);

/// <summary>The answer to <see cref="TakeAgain"/>: nobody needs the unit any more.</summary>
public sealed record NotAgain(StudyId Study, string Worker);

/// <summary>Broker to study: why no worker can take any of its units; null once one can.</summary>
public sealed record StudyHeldUp(string? Reason);

/// <summary>The answer to <see cref="TakeUnit"/>: compute this.</summary>
/// <param name="Trace">The unit's span; null where nothing is traced.</param>
/// <param name="From">The unit's last checkpoint; null where it has none.</param>
public sealed record UnitOffered(string Worker, WorkUnit Unit, int Attempt, string? Trace = null, UnitCheckpoint? From = null);

/// <summary>Broker to study: how a running unit is doing, for people watching.</summary>
public sealed record UnitSays(long Ordinal, string Words);

/// <summary>The answer to <see cref="TakeUnit"/>: nothing until <see cref="StudyHasWork"/>.</summary>
public sealed record NothingToTake(StudyId Study, string Worker);

/// <summary>Broker to study: a worker holds this unit already.</summary>
public sealed record UnitClaimed(UnitTry Unit);

/// <summary>Broker to study: the lease ended because the worker was lost. Counts as a failed attempt.</summary>
public sealed record UnitLost(UnitTry Unit, string Worker, string Process, string Reason);

/// <summary>Broker to study: the unit came back uncomputed. Counts as no attempt.</summary>
public sealed record UnitUntouched(UnitTry Unit);

/// <summary>Study to broker: the report of this worker on this unit is in the journal or not wanted.</summary>
/// <param name="Finished">The unit needs no further try.</param>
public sealed record UnitSettled(StudyId Study, long Ordinal, string Worker, bool Finished);

/// <summary>Broker to study: the last worker of a process is gone.</summary>
/// <param name="InOrder">It left by itself, with nothing in hand.</param>
public sealed record ProcessGone(string Process, bool InOrder);

/// <summary>Published by a broker that lost its memory: every lease is void, studies open themselves again.</summary>
public sealed record BrokerReborn;
