using InterpActors.Host.Display;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Remote;

/// <summary>Fetches the results of a study of a cluster in one format.</summary>
internal sealed class RemoteExport(ClusterClient client, IRunDisplay display)
{
    /// <summary>By a format: which files of a run folder are its, and what a study must have made for it.</summary>
    private static readonly Dictionary<string, (Func<IReadOnlyList<ResultFile>, IEnumerable<ResultFile>> Of, string What)> Known = new()
    {
        ["csv"] = (files => files.Where(f => !f.Name.Contains('/') && f.Name.EndsWith(".csv", StringComparison.Ordinal)), "tables"),
        ["parquet"] = (files => files.Where(f => f.Name == "results.parquet"), "table of results"),
        ["mib"] = (files => files.Where(f => f.Name.StartsWith("mib/", StringComparison.Ordinal)), "circuit"),
        ["saelens"] = (Dictionaries, "dictionaries"),
    };

    public static IReadOnlyCollection<string> Formats => Known.Keys;

    /// <summary>Which files of a run folder belong to a format.</summary>
    internal static IReadOnlyList<ResultFile> FilesOf(string format, IReadOnlyList<ResultFile> files) => [.. Known[format].Of(files)];

    /// <exception cref="StudyException">The study has nothing of this format, or the folder cannot be used.</exception>
    public async Task FetchAsync(StudyId study, string format, string folder)
    {
        if (File.Exists(folder)) throw new StudyException("is a file", folder, "name a folder with --out");
        var files = FilesOf(format, (await client.ResultsAsync(study)).Files);
        if (files.Count == 0)
            throw new StudyException(
                $"study {study} has made no {Known[format].What}, which {format} needs", "--format", "csv and parquet fit every study");
        await new RemoteReport(client, display).FetchAsync(study, files, folder);
        foreach (var file in files) display.Conclude(Path.Combine(folder, file.Name));
    }
    /// <summary>The folders that SAELens opens: each with a configuration and weights.</summary>
    private static IEnumerable<ResultFile> Dictionaries(IReadOnlyList<ResultFile> files)
    {
        static string Folder(ResultFile file) => file.Name[..(file.Name.LastIndexOf('/') + 1)];
        var names = files.Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        return files.Where(f => Folder(f) is { Length: > 0 } folder
            && names.Contains(folder + "cfg.json") && names.Contains(folder + "sae_weights.safetensors"));
    }
}
