using InterpActors.Host.Display;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Remote;

/// <summary>Fetches the results of a study of a cluster in one format.</summary>
internal sealed class RemoteExport(ClusterClient client, IRunDisplay display)
{
    /// <summary>By a format: what its files are called in a run folder, and what a study must have made for it.</summary>
    private static readonly Dictionary<string, (Predicate<string> Holds, string What)> Known = new()
    {
        ["csv"] = (name => !name.Contains('/') && name.EndsWith(".csv", StringComparison.Ordinal), "tables"),
        ["parquet"] = (name => name == "results.parquet", "table of results"),
        ["mib"] = (name => name.StartsWith("mib/", StringComparison.Ordinal), "circuit"),
        ["saelens"] = (name => name.StartsWith("saelens/", StringComparison.Ordinal), "dictionaries"),
    };

    public static IReadOnlyCollection<string> Formats => Known.Keys;

    /// <exception cref="StudyException">The study has nothing of this format, or the folder cannot be used.</exception>
    public async Task FetchAsync(StudyId study, string format, string folder)
    {
        if (File.Exists(folder)) throw new StudyException("is a file", folder, "name a folder with --out");
        var (holds, what) = Known[format];
        var listing = await client.ResultsAsync(study);
        var files = listing.Files.Where(f => holds(f.Name)).ToArray();
        if (files.Length == 0)
            throw new StudyException($"study {study} has made no {what}, which {format} needs", "--format", "csv and parquet fit every study");
        await new RemoteReport(client, display).FetchAsync(study, files, folder);
        foreach (var file in files) display.Conclude(Path.Combine(folder, file.Name));
    }
}
