namespace InterpActors.Messages.Studies;

/// <summary>Where a run stands.</summary>
public enum RunState { Running, Paused, Cancelled, Completed, CompletedWithErrors }

/// <summary>One execution history of a study, as its journal tells it.</summary>
/// <param name="Warnings">What went wrong with units and was put right, in order, a line each; null for nothing.</param>
public sealed record RunHistory(RunState State, long Planned, long Committed, IReadOnlyList<ProcessHistory> Processes,
    IReadOnlyList<UnitDefeat> Failures, IReadOnlyList<string>? Warnings = null);

/// <summary>What one process did for a run.</summary>
/// <param name="Ended">Null where the process was killed.</param>
/// <param name="UnitsComputed">Every unit that an engine of the process finished, committed or not.</param>
/// <param name="UnitsCommitted">Units of the process whose results are in the journal.</param>
public sealed record ProcessHistory(string Process, DateTimeOffset Started, DateTimeOffset? Ended, long UnitsComputed, long UnitsCommitted);

/// <summary>A unit that was given up.</summary>
public sealed record UnitDefeat(long Ordinal, string Label, int Attempts, string Error);
