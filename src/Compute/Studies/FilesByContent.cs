using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Studies;

/// <summary>
/// Takes a study's files by their content: from this machine's store, else from where the study's path leads, if that is the same content
/// (a shared folder, a model that ships), else from another node. Of small files in place a copy is taken: whoever submitted them may
/// remove them while the study runs.
/// </summary>
public sealed class FilesByContent(IArtifacts artifacts) : IStudyFiles
{
    /// <summary>Up to so many bytes, a copy is taken of a path's files.</summary>
    public const long SmallBytes = 64L << 20;

    /// <inheritdoc/>
    public IStudyFilesHeld Open(string root, IReadOnlyList<StudyInput>? inputs, CancellationToken cancellation)
    {
        var held = new Held(root);
        try
        {
            foreach (var group in (inputs ?? []).GroupBy(i => i.Path, StringComparer.Ordinal))
            {
                var files = group.ToArray();
                if (files.All(f => artifacts.Has(f.Sha256)) || !IsReadInPlace(root, group.Key, files))
                    held.Add(Fetch(root, files, cancellation), files[0]);
            }
            return held;
        }
        catch (ArtifactException e)
        {
            held.Dispose();
            var missing = inputs!.DistinctBy(i => i.Sha256).Count(i => !artifacts.Has(i.Sha256));
            throw new StudyException(missing > 1 ? $"{e.Message} ({missing} of its files are not here)" : e.Message, null, null, e);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Where each of the study's files lies on this machine already, outside the store; those that do not are left out.</summary>
    public static IReadOnlyDictionary<ArtifactId, string> InPlace(string root, IReadOnlyList<StudyInput> inputs)
    {
        var found = new Dictionary<ArtifactId, string>();
        foreach (var group in inputs.GroupBy(i => i.Path, StringComparer.Ordinal))
            foreach (var (input, path) in PlacesOf(root, group.Key, [.. group]) ?? [])
                found[input.Sha256] = path;
        return found;
    }

    private bool IsReadInPlace(string root, string path, StudyInput[] files)
    {
        if (PlacesOf(root, path, files) is not { } places) return false;
        if (files.Sum(f => f.Bytes) <= SmallBytes && places.All(p => artifacts.Copy(p.Item1.Sha256, p.Item2))) return false;
        foreach (var (input, place) in places) artifacts.Offer(input.Sha256, place);
        return true;
    }

    private IArtifactFolder Fetch(string root, StudyInput[] files, CancellationToken cancellation)
    {
        // The last part of the path stays: a model without a name of its own is called by it, and the end of a name says what a file is.
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(files[0].Path, root)));
        if (files.Length == 1 && files[0].Name is null)
            return artifacts.Open("file", [new NamedArtifact(name, files[0].Sha256, files[0].Bytes)], cancellation);
        var named = files.Select(f => new NamedArtifact(
            f.Name ?? throw new ArtifactException($"'{f.Path}' is a file and a folder"), f.Sha256, f.Bytes));
        return artifacts.Open(name.Length == 0 ? "model" : name, [.. named], cancellation);
    }

    /// <summary>Where the path's files are on this machine; null where one is missing or another one.</summary>
    private static IReadOnlyList<(StudyInput, string)>? PlacesOf(string root, string path, StudyInput[] files)
    {
        try
        {
            var at = files[0].Name is null ? new StudyFolder(root).PathOf(path) : FolderOf(root, path, files);
            if (at is null) return null;
            var places = new List<(StudyInput, string)>();
            foreach (var file in files)
            {
                if (file.Name is not null && !NamedArtifact.IsName(file.Name)) return null;
                var place = file.Name is null ? at : Path.Combine(at, file.Name);
                var info = new FileInfo(File.ResolveLinkTarget(place, returnFinalTarget: true)?.FullName ?? place);
                // Another file is not read, nor is what only looks like one: devices and pipes have no length.
                if (!info.Exists || info.Length != file.Bytes || info.Length == 0) return null;
                if (ModelFingerprint.OfFile(file.Name, place).Sha256 != file.Sha256.Value) return null;
                places.Add((file, place));
            }
            return places;
        }
        catch (Exception e) when (e is StudyException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>
    /// The folder, or the shipped model, of this machine; null where it holds a file that the study would read and must not.
    /// </summary>
    private static string? FolderOf(string root, string path, StudyInput[] files)
    {
        if (!files.Any(f => ShardedSafetensors.IsEntry(f.Name!))) return new StudyFolder(root).PathOf(path);
        var model = ModelLoader.Locate(path, root);
        var names = ModelFingerprint.NamesIn(model.Path).ToHashSet(StringComparer.Ordinal);
        return names.SetEquals(files.Select(f => f.Name!)) ? model.Path : null;
    }

    private sealed class Held(string root) : IStudyFilesHeld
    {
        private readonly Dictionary<string, string> _elsewhere = new(StringComparer.Ordinal);
        private readonly List<IArtifactFolder> _folders = [];

        public void Add(IArtifactFolder folder, StudyInput first)
        {
            _folders.Add(folder);
            var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(first.Path, root)));
            _elsewhere[first.Path] = first.Name is null ? Path.Combine(folder.Path, name) : folder.Path;
        }

        public StudyFolder Folder() => new(root, _elsewhere);

        public string InUsersWords(string message) =>
            _elsewhere.Aggregate(message, (text, moved) => text.Replace(moved.Value, moved.Key, StringComparison.Ordinal));

        public void Dispose()
        {
            foreach (var folder in _folders) folder.Dispose();
        }
    }
}
