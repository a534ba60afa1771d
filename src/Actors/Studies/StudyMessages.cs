using InterpActors.Actors.Work;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Studies;

// Between registry, studies and layers. They live in one process, so these are not wire messages.

/// <summary>Layer to study: this unit for that worker.</summary>
internal sealed record LayerOffer(int Layer, TakeUnit Take, WorkUnit Unit, int Attempt);

/// <summary>Layer to study: nothing until <see cref="LayerHasWork"/>.</summary>
internal sealed record LayerDry(int Layer, TakeUnit Take);

/// <summary>Layer to study: a unit may be taken again.</summary>
internal sealed record LayerHasWork(int Layer);

/// <summary>Study to layer: the unit has a result or was given up.</summary>
internal sealed record SettleUnit(long Ordinal);

/// <summary>Study to layer: a lease ended without a result.</summary>
/// <param name="Failures">How often the unit has failed by now.</param>
/// <param name="InARow">How often since it came forward last: so long it rests before the next try. 0 for not at all.</param>
internal sealed record PutBackUnit(long Ordinal, int Failures, int InARow);

/// <summary>Study to layer: a worker holds this unit.</summary>
internal sealed record ClaimUnit(long Ordinal);

/// <summary>Study to layer: no lease is valid any more.</summary>
internal sealed record PutBackAllUnits;

/// <summary>Registry to study: go on where the journal ends, without having been submitted again.</summary>
internal sealed record WakeStudy;

/// <summary>Study to registry: the journal failed, this study's supervisor is gone.</summary>
internal sealed record StudyHalted(StudyId Study, StudyProgress LastProgress, RunHistory LastHistory);

/// <summary>Published when a journal cannot be read or written outside any study.</summary>
/// <param name="Problem">One line: what, and what to do.</param>
public sealed record JournalBroke(string Problem);
