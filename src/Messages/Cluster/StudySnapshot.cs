using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Messages.Cluster;

/// <summary>A study's state at one place of its journal: what the events up to there fold into, without payloads.</summary>
/// <param name="Committed">Bit i of byte i / 8 (lowest first) says that unit i has a result.</param>
/// <param name="GivenUp">The same for units that were given up.</param>
/// <param name="Defeats">The first of the given-up units, with reasons.</param>
/// <param name="Attempts">Open units that failed before.</param>
/// <param name="Priority">Null for 0.</param>
/// <param name="Checkpoints">Of units without a result; null where there are none.</param>
/// <param name="Warnings">The first of them; null where there are none.</param>
/// <param name="Reached">Of a study that is over; null where it is not known.</param>
public sealed record StudySnapshot(
    Study Study,
    RunState State,
    long Units,
    long Cells,
    byte[] Committed,
    byte[] GivenUp,
    IReadOnlyList<UnitDefeat> Defeats,
    IReadOnlyList<UnitAttempts> Attempts,
    IReadOnlyList<ProcessRecord> Processes,
    IReadOnlyList<UnitPreview> Best,
    int? Priority = null,
    IReadOnlyList<OpenCheckpoint>? Checkpoints = null,
    IReadOnlyList<UnitWarned>? Warnings = null,
    StudyReach? Reached = null) : IWireMessage;

/// <summary>How often an open unit has failed.</summary>
/// <param name="Faults">Since its last checkpoint, as its engine reported; null where that was not told apart: all of them.</param>
/// <param name="Deaths">Since then, by the loss of its worker.</param>
public sealed record UnitAttempts(long Ordinal, int Failures, int? Faults = null, int? Deaths = null);

/// <summary>From where an open unit can be continued.</summary>
public sealed record OpenCheckpoint(long Ordinal, UnitCheckpoint Last);

/// <summary>A process as the journal knows it.</summary>
/// <param name="Computed">How many units it said that it computed; null where it said nothing.</param>
public sealed record ProcessRecord(string Process, DateTimeOffset Started, DateTimeOffset? Ended, long Committed, long? Computed = null);
