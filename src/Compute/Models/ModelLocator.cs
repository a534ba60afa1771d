using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Models;

/// <summary>Finds the model that a user named: a folder, a <c>.gguf</c> file, or a model that ships in <c>models/</c>.</summary>
internal static class ModelLocator
{
    private const string ShippedFolder = "models";

    /// <param name="baseFolder">What relative paths are relative to: the study file's folder, or the current one.</param>
    /// <exception cref="StudyException">Nothing is there, or it is no model.</exception>
    public static ModelLocation Locate(string nameOrPath, string baseFolder)
    {
        if (string.IsNullOrWhiteSpace(nameOrPath) || nameOrPath.Contains('\0'))
            throw new StudyException("the model's name is empty", null, "give a folder, a .gguf file or a shipped model's name");
        var path = Path.GetFullPath(nameOrPath, Path.GetFullPath(baseFolder));
        if (Probe(path, nameOrPath) is { } direct) return direct;
        var folders = ShippedFolders(baseFolder).ToList();
        if (Path.GetFileName(nameOrPath) == nameOrPath)
        {
            foreach (var folder in folders)
                if (Probe(Path.Combine(folder, nameOrPath), nameOrPath) is { } shipped) return shipped;
        }
        if (Directory.Exists(path))
            throw new StudyException("the folder has no config.json", path, "a model folder holds config.json and model.safetensors");
        if (File.Exists(path)) throw new StudyException("the file is no .gguf file", path, "give a model folder or a .gguf file");
        var names = folders.SelectMany(Directory.GetDirectories).Where(f => File.Exists(Path.Combine(f, "config.json")))
            .Select(f => Path.GetFileName(f)!).Distinct().Order(StringComparer.Ordinal).ToList();
        throw new StudyException($"there is no model '{nameOrPath}'", path,
            names.Count == 0
                ? "give a model folder or a .gguf file"
                : "give a folder, a .gguf file, or one of the shipped models " + string.Join(", ", names));
    }

    private static ModelLocation? Probe(string path, string name)
    {
        if (File.Exists(Path.Combine(path, "config.json"))) return new ModelLocation(path, name, ModelFormat.HuggingFaceFolder);
        return File.Exists(path) && path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
            ? new ModelLocation(path, name, ModelFormat.Gguf)
            : null;
    }

    /// <summary><c>models</c> beside the executable, or in a folder above it, the base folder or the current folder.</summary>
    private static IEnumerable<string> ShippedFolders(string baseFolder) =>
        new[] { AppContext.BaseDirectory, Path.GetFullPath(baseFolder), Directory.GetCurrentDirectory() }
            .SelectMany(Upwards).Select(f => Path.Combine(f, ShippedFolder)).Where(Directory.Exists).Distinct();

    private static IEnumerable<string> Upwards(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent) yield return at.FullName;
    }
}
