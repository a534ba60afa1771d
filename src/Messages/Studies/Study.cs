namespace InterpActors.Messages.Studies;

/// <summary>
/// What the user asked: model + task + method + seed, immutable once submitted. All that bears on a number of the result is in
/// <see cref="Canonical"/> (with content hashes of every file) or in <see cref="Execution"/>.
/// </summary>
/// <param name="Id">Hash of the canonical form plus a readable name.</param>
/// <param name="Name">The study's own name.</param>
/// <param name="Kind">The method kind, e.g. <c>activation-patching</c>.</param>
/// <param name="Canonical">The study as JSON with all defaults; itself a valid study file.</param>
/// <param name="Source">The study file as the user wrote it.</param>
/// <param name="Folder">The folder that relative paths start from.</param>
/// <param name="Execution">Settings that results depend on in the last bits; fixed when the study is first submitted.</param>
public sealed record Study(StudyId Id, string Name, string Kind, string Canonical, string Source, string Folder,
    ExecutionSettings Execution)
{
    /// <summary>
    /// Every file that the study names, by content: what a machine without the user's files needs. Null where that is not known (a study
    /// of an earlier version), and then the paths must lead to the files everywhere.
    /// </summary>
    public IReadOnlyList<StudyInput>? Inputs { get; init; }
}

/// <summary>Settings that the last bits of a result depend on and that are therefore fixed for the whole life of a run.</summary>
/// <param name="Threads">Torch threads per worker.</param>
/// <param name="Matmul">Which matmul route linear layers take, as fixed by the run's first process.</param>
/// <param name="Device">The kind of device, <c>cpu</c> or <c>cuda</c>; null for <c>cpu</c>. A study is computed on one kind only.</param>
public sealed record ExecutionSettings(int Threads, string Matmul, string? Device = null)
{
    /// <summary><c>cpu</c> or <c>cuda</c>.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string DeviceKind => Device ?? DeviceNames.Cpu;
}
