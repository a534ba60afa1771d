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
internal sealed record EvaluatedDictionary(string Name, string Folder, string Architecture, string? Hook, DictionarySizes Sizes, bool IsTranscoder)
{
    /// <summary>Reads the dictionaries that <c>sae</c> names and pins their files.</summary>
    public static IReadOnlyList<EvaluatedDictionary> ReadAll(StudySection method, StudyContext study)
    {
        var paths = method.Texts("sae") ?? throw method.Missing("sae", "name the folder of an SAE, or several");
        if (paths.Count == 0) throw method.Wrong("sae", "names none", "name the folder of an SAE, or several");
        var folders = paths.Select(study.Folder.PathOf).ToArray();
        var found = new List<EvaluatedDictionary>();
        for (var i = 0; i < folders.Length; i++)
        {
            var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(folders[i]));
            // Folders of one name are told apart by their paths as written.
            if (folders.Count(f => Path.GetFileName(Path.TrimEndingDirectorySeparator(f)) == name) > 1) name = paths[i];
            if (found.Any(f => f.Name == name)) throw method.Wrong("sae", $"names '{paths[i]}' twice");
            StoredDictionary stored;
            try
            {
                stored = DictionaryFolder.Read(folders[i], ScalarType.Float32);
            }
            catch (StudyException e)
            {
                throw new StudyException(e.Problem, $"{method.Where("sae")} {paths[i]}", e.Remedy, e);
            }
            using (stored)
            {
                var dictionary = stored.Dictionary;
                found.Add(new EvaluatedDictionary(name, folders[i], dictionary.Architecture.Name, dictionary.HookName, dictionary.Sizes,
                    !dictionary.Architecture.Reconstructs));
            }
            FileHash.PinFolder(method, $"sae_sha256_{i}", paths[i], study.Folder, "sae", "cfg.json", "config.json", "*.safetensors");
        }
        return found;
    }

    /// <summary>The dictionary, opened once for the session.</summary>
    public SparseDictionary Open(StudySession session, ScalarType type) =>
        session.Derived((Folder, type), () => DictionaryFolder.Read(Folder, type)).Dictionary;
}
