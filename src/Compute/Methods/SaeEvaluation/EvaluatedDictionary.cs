using System.Text.RegularExpressions;
using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>A dictionary that a study evaluates, unopened.</summary>
/// <param name="Name">In rows: the last part of the folder's path.</param>
/// <param name="Folder">Absolute.</param>
/// <param name="Hook">Where it was trained; null where its folder does not say.</param>
internal sealed partial record EvaluatedDictionary(
    string Name, string Folder, string Architecture, string? Hook, DictionarySizes Sizes, bool IsTranscoder)
{
    /// <summary>What it shares with those that differ from it by their seed alone; null where nothing but sizes tells.</summary>
    public string? Kin { get; private init; }

    /// <summary>The name as part of a file's name.</summary>
    public string FileName => string.Concat(Name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' ? c : '-'));

    /// <summary>Reads the dictionaries that <c>sae</c> names, or those of the run that <c>from</c> names, and pins their files.</summary>
    public static IReadOnlyList<EvaluatedDictionary> ReadAll(StudySection method, StudyContext study)
    {
        if (method.Has("sae") && method.Has("from")) throw method.Wrong("from", "sae is given too", "write one of them");
        if (method.OptionalText("from") is { } from)
        {
            var trained = TrainedRun.Dictionaries(method, from, study, isPlanned: method.Has(HashKey(0)));
            return [.. trained.Select((d, i) => Read(method, "from", study, d.Path, d.Unit, i) with { Kin = Seed().Replace(d.Unit, "") })];
        }
        var paths = method.Texts("sae")
            ?? throw method.Missing("sae", "name the folder of an SAE, or several, or a training run with from");
        if (paths.Count == 0) throw method.Wrong("sae", "names none", "name the folder of an SAE, or several");
        var folders = paths.Select(study.Folder.PathOf).ToArray();
        var found = new List<EvaluatedDictionary>();
        for (var i = 0; i < folders.Length; i++)
        {
            var name = LastPart(folders[i]);
            // Folders of one name are told apart by their paths as written.
            if (folders.Count(f => LastPart(f) == name) > 1) name = paths[i];
            if (found.Any(f => f.Name == name)) throw method.Wrong("sae", $"names '{paths[i]}' twice");
            found.Add(Read(method, "sae", study, paths[i], name, i));
        }
        return found;
    }

    /// <param name="key">The key of the method that led here.</param>
    /// <param name="path">Of its folder, as the study writes it.</param>
    private static EvaluatedDictionary Read(StudySection method, string key, StudyContext study, string path, string name, int index)
    {
        StoredDictionary stored;
        var folder = study.Folder.PathOf(path);
        try
        {
            stored = DictionaryFolder.Read(folder, ScalarType.Float32);
        }
        catch (StudyException e)
        {
            throw new StudyException(e.Problem, $"{method.Where(key)} {path}", e.Remedy, e);
        }
        using (stored)
        {
            FileHash.PinFolder(method, HashKey(index), path, study.Folder, key, "cfg.json", "config.json", "*.safetensors",
                SaeTraining.TrainingLog.FileName);
            var dictionary = stored.Dictionary;
            return new EvaluatedDictionary(name, folder, dictionary.Architecture.Name, dictionary.HookName, dictionary.Sizes,
                !dictionary.Architecture.Reconstructs);
        }
    }

    /// <summary>The seed in the name of a unit of a sweep.</summary>
    [GeneratedRegex(@"-seed\d+(?=-|$)")]
    private static partial Regex Seed();

    private static string HashKey(int index) => $"sae_sha256_{index}";

    private static string LastPart(string folder) => Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));

    /// <summary>The dictionary, opened once for the session.</summary>
    public SparseDictionary Open(StudySession session, ScalarType type) =>
        session.Derived((Folder, type), () => DictionaryFolder.Read(Folder, type)).Dictionary;
}
