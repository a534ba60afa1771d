using System.Security.Cryptography;
using System.Text.Json;
using InterpActors.Compute.Dictionaries.Training;
using InterpActors.Compute.Reports;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>What a checkpoint holds: read back, and checked by hash.</summary>
/// <param name="State">Owned by whoever takes it.</param>
internal sealed record ReadCheckpoint(TrainingState State, TrainingLog Log);

/// <summary>
/// The checkpoints of one dictionary on this machine: <c>checkpoint-STEP/</c> with state and log, and <c>checkpoint-STEP.json</c>, the list
/// of its files by content, written last: without a right list there is no checkpoint. The last few stay. One thread at a time.
/// </summary>
internal sealed class CheckpointFolder(string root, TrainingSettings settings)
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n" };

    /// <summary>The files of every checkpoint that stays, as far as this run or those it goes on from wrote them.</summary>
    private readonly Dictionary<long, IReadOnlyList<NamedArtifact>> _known = [];

    /// <param name="Files">By their place in the checkpoint's folder.</param>
    /// <param name="Earlier">Those before it that stay with it: they are results too, and may have been written elsewhere.</param>
    private sealed record Listing(long Step, IReadOnlyList<NamedArtifact> Files, IReadOnlyList<Listed>? Earlier = null);

    private sealed record Listed(long Step, IReadOnlyList<NamedArtifact> Files);

    /// <summary>
    /// Passes on the checkpoints that stay at the end, oldest first: which they are follows from the schedule alone. What another machine
    /// wrote is fetched.
    /// </summary>
    /// <param name="take">Gets step, folder and files, which are what they were written as.</param>
    /// <param name="warn">Hears of one that cannot be had.</param>
    public void Take(long stepsDone, IArtifacts? artifacts, Action<long, string, IReadOnlyList<NamedArtifact>> take, Action<string> warn,
        CancellationToken cancellation)
    {
        foreach (var step in settings.KeptSteps(stepsDone).Order().Where(_known.ContainsKey))
        {
            var files = _known[step];
            if (Check(Folder(step), files) is not { } damaged)
            {
                take(step, Folder(step), files);
                continue;
            }
            try
            {
                if (artifacts is null) throw new ArtifactException(damaged);
                using var folder = artifacts.Open($"checkpoint-{files.MaxBy(f => f.Bytes)!.Artifact.Value[..16]}", files, cancellation);
                take(step, folder.Path, files);
            }
            catch (ArtifactException e)
            {
                if (e.IsForLackOfRoom) throw new IOException(e.Message, e);
                warn($"checkpoint-{step} of {settings.Name} is not among the results ({e.Message})");
            }
        }
    }

    /// <returns>What is wrong with the files; null where nothing is.</returns>
    private static string? Check(string folder, IReadOnlyList<NamedArtifact> files)
    {
        try
        {
            var damaged = files.FirstOrDefault(f => Hash(Path.Combine(folder, f.Name)) != f.Artifact);
            return damaged is null ? null : $"{damaged.Name} is not what was written";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message.ReplaceLineEndings(" ");
        }
    }

    /// <summary>Writes a checkpoint, then removes the oldest beyond those that stay.</summary>
    /// <exception cref="IOException">It cannot be written; the ones before it are still there.</exception>
    public UnitCheckpoint Write(TrainingState state, TrainingLog log, System.Text.Json.Nodes.JsonObject metadata, IArtifacts? artifacts,
        Action<string> warn, CancellationToken cancellation)
    {
        Directory.CreateDirectory(root);
        var folder = Folder(state.Step);
        // A folder without a list is what a killed process left.
        if (Directory.Exists(folder)) Remove(state.Step);
        NamedArtifact[] files;
        byte[] list;
        try
        {
            Checkpoint.Write(folder, settings.Plan, state, metadata);
            RunFile.Write(Path.Combine(folder, TrainingLog.FileName), s => s.Write(log.ToBytes()));
            files = [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(f =>
                new NamedArtifact(Path.GetFileName(f), Hash(f), new FileInfo(f).Length))];
            var earlier = settings.KeptSteps(state.Step).Skip(1).Where(_known.ContainsKey).Order().Select(s => new Listed(s, _known[s]));
            list = JsonSerializer.SerializeToUtf8Bytes(new Listing(state.Step, files, [.. earlier]), Readable);
            RunFile.Write(List(state.Step), s => s.Write(list));
        }
        catch
        {
            // On a full disk half a checkpoint would take the room that others need.
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            throw;
        }
        _known[state.Step] = files;
        var id = ArtifactId.Of(SHA256.HashData(list));
        foreach (var file in files) artifacts?.Offer(file.Artifact, Path.Combine(folder, file.Name));
        artifacts?.Offer(id, List(state.Step));
        try
        {
            // So that the unit goes on from here elsewhere, should this machine die.
            artifacts?.Keep([.. files, new NamedArtifact(Path.GetFileName(List(state.Step)), id, list.Length)], asResults: false,
                cancellation);
        }
        catch (ArtifactException e)
        {
            warn($"checkpoint-{state.Step} of {settings.Name} is on this machine only ({e.Message})");
        }
        foreach (var old in Steps().Except(settings.KeptSteps(state.Step))) Remove(old);
        return new UnitCheckpoint(state.Step, id, list.Length, Metrics(log));
    }

    /// <summary>
    /// The latest checkpoint that is whole, of those here and the one that the journal knows; null where there is none. One that is damaged
    /// is removed.
    /// </summary>
    /// <param name="known">May be on another machine.</param>
    /// <param name="warn">Hears of every checkpoint that should be there and cannot be used, and how it goes on.</param>
    public ReadCheckpoint? Latest(UnitCheckpoint? known, IArtifacts? artifacts, Action<string> warn, CancellationToken cancellation)
    {
        var problems = new List<string>();
        ReadCheckpoint? found = null;
        var from = "step 0";
        var told = new Dictionary<long, UnitCheckpoint>();
        for (var one = known; one is not null; one = one.Before) told[one.Step] = one;
        foreach (var step in Steps().Union(told.Keys).OrderDescending())
        {
            cancellation.ThrowIfCancellationRequested();
            var journal = told.GetValueOrDefault(step);
            // Those before the last one need not be here any more.
            found = Here(step, journal, mustBeHere: artifacts is null && step == known?.Step, problems);
            from = $"checkpoint-{step}";
            if (found is null && journal is not null && artifacts is not null)
            {
                found = Fetch(journal, artifacts, problems, cancellation);
                from = $"checkpoint-{step} of another machine";
            }
            if (found is not null) break;
            from = "step 0";
        }
        foreach (var problem in problems) warn($"{problem}; {settings.Name} goes on from {from}");
        return found;
    }

    /// <param name="known">What the journal says of this step; null where it says nothing.</param>
    private ReadCheckpoint? Here(long step, UnitCheckpoint? known, bool mustBeHere, List<string> problems)
    {
        if (!File.Exists(List(step)))
        {
            if (mustBeHere) problems.Add($"checkpoint-{step} of {settings.Name} is gone from {root}");
            return null;
        }
        try
        {
            var list = File.ReadAllBytes(List(step));
            if (known is not null && ArtifactId.Of(SHA256.HashData(list)) != known.Artifact)
                throw new FormatException("its list of files is not the one in the journal");
            return Read(Folder(step), list);
        }
        catch (Exception e) when (e is StudyException or IOException or JsonException or FormatException or UnauthorizedAccessException)
        {
            problems.Add($"checkpoint-{step} of {settings.Name} is damaged ({e.Message.ReplaceLineEndings(" ")})");
            Remove(step);
            return null;
        }
    }

    /// <exception cref="UnitException">This machine has no room for it.</exception>
    private ReadCheckpoint? Fetch(UnitCheckpoint known, IArtifacts artifacts, List<string> problems, CancellationToken cancellation)
    {
        try
        {
            const string listName = "checkpoint.json";
            var name = $"checkpoint-{known.Artifact.Value[..16]}";
            using var listFolder = artifacts.Open(name + "-list", [new NamedArtifact(listName, known.Artifact, known.Bytes)], cancellation);
            var list = File.ReadAllBytes(Path.Combine(listFolder.Path, listName));
            using var folder = artifacts.Open(name, ReadListing(list).Files, cancellation);
            return Read(folder.Path, list);
        }
        catch (ArtifactException e) when (e.IsForLackOfRoom)
        {
            // To begin anew here would end in the same way, and lose all that was done.
            throw new UnitException(UnitFailureKind.Fatal, $"{settings.Name}: no room for checkpoint-{known.Step}: {e.Message}", e);
        }
        catch (Exception e) when (e is ArtifactException or StudyException or IOException or JsonException or FormatException)
        {
            problems.Add($"checkpoint-{known.Step} of {settings.Name} cannot be had from elsewhere ({e.Message.ReplaceLineEndings(" ")})");
            return null;
        }
    }

    private ReadCheckpoint Read(string folder, byte[] list)
    {
        var listing = ReadListing(list);
        if (Check(folder, listing.Files) is { } damaged) throw new FormatException(damaged);
        var log = TrainingLog.Parse(File.ReadAllBytes(Path.Combine(folder, TrainingLog.FileName)), settings.Plan.Architecture.LossTerms);
        var state = Checkpoint.Read(folder, settings.Plan);
        _known.Clear();
        foreach (var (step, files) in (listing.Earlier ?? []).Append(new Listed(listing.Step, listing.Files))) _known[step] = files;
        return new ReadCheckpoint(state, log);
    }

    private static Listing ReadListing(byte[] list)
    {
        var listing = JsonSerializer.Deserialize<Listing>(list);
        return listing is { Files.Count: > 0 }
            && listing.Files.Concat((listing.Earlier ?? []).SelectMany(e => e.Files)).All(f => NamedArtifact.IsName(f.Name)) ? listing
            : throw new FormatException("its list of files is damaged");
    }

    private static IReadOnlyList<UnitMetric> Metrics(TrainingLog log) =>
        [.. ((string[])["loss", "l0", "dead", "explained_variance"]).Select(c => (Name: c, Value: log.Last(c)))
            .Where(m => m.Value is { } v && double.IsFinite(v))
            .Select(m => new UnitMetric(m.Name, m.Value!.Value))];

    private IEnumerable<long> Steps() => !Directory.Exists(root) ? []
        : Directory.EnumerateFiles(root, "checkpoint-*.json")
            .Select(f => long.TryParse(Path.GetFileNameWithoutExtension(f)["checkpoint-".Length..],
            System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var step) ? step : -1)
                .Where(s => s >= 0).ToArray();

    private string Folder(long step) => Path.Combine(root, $"checkpoint-{step}");

    private string List(long step) => Path.Combine(root, $"checkpoint-{step}.json");

    private void Remove(long step)
    {
        File.Delete(List(step));
        if (Directory.Exists(Folder(step))) Directory.Delete(Folder(step), recursive: true);
    }

    private static ArtifactId Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return ArtifactId.Of(SHA256.HashData(stream));
    }
}
