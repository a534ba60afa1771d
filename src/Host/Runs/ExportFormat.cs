using InterpActors.Host.Web;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Runs;

/// <summary>Formats of results that other tools read: which files of a run folder are a format's.</summary>
internal static class ExportFormat
{
    /// <summary>By a format: its files, and what a study must have made for it.</summary>
    private static readonly Dictionary<string, (Func<IReadOnlyList<ResultFile>, IEnumerable<ResultFile>> Of, string What)> Known = new()
    {
        ["csv"] = (files => files.Where(f => !f.Name.Contains('/') && f.Name.EndsWith(".csv", StringComparison.Ordinal)), "tables"),
        ["parquet"] = (files => files.Where(f => f.Name == "results.parquet"), "table of results"),
        ["mib"] = (files => files.Where(f => f.Name.StartsWith("mib/", StringComparison.Ordinal)), "circuit"),
        ["saelens"] = (Dictionaries, "dictionaries"),
        ["saebench"] = (files => files.Where(f => !f.Name.StartsWith("artifacts/", StringComparison.Ordinal)
            && f.Name.Contains("/saebench-", StringComparison.Ordinal)), "evaluation that SAEBench has (core, sparse-probing, tpp, scr)"),
    };

    public static IReadOnlyCollection<string> Names => Known.Keys;

    /// <param name="files">All of a run folder.</param>
    /// <param name="study">As a message names it.</param>
    /// <exception cref="StudyException">None of the files is of the format.</exception>
    public static IReadOnlyList<ResultFile> FilesOf(string format, IReadOnlyList<ResultFile> files, string study)
    {
        ResultFile[] found = [.. Known[format].Of(files)];
        return found.Length > 0 ? found : throw new StudyException(
            $"{study} has made no {Known[format].What}, which {format} needs", "--format", "csv and parquet fit every study");
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
