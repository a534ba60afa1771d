using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Compute.Reports;

/// <summary>
/// Writes a run folder: results, extra tables, artefacts, manifest, report and summary. Each file is whole or not there at all,
/// whenever the process ends. <c>results.*</c> and extra tables depend on the cells alone; times and processes stand in summary,
/// manifest and report.
/// </summary>
public static class RunFolderWriter
{
    // Files of their own, never put into a page: only what JSON itself asks for is escaped.
    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <param name="folder">Made where it does not exist; other files in it are left alone.</param>
    /// <exception cref="IOException">A file cannot be written; those written before it are whole.</exception>
    public static void Write(StudyResult result, string folder)
    {
        var artifactFolder = Path.Combine(folder, "artifacts");
        RunFile.RemoveLeftovers(folder);
        RunFile.RemoveLeftovers(artifactFolder);

        var artifacts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var linked = new List<NamedArtifact>(result.Linked);
        foreach (var artifact in result.Artifacts)
        {
            var hash = Convert.ToHexStringLower(SHA256.HashData(artifact.Content));
            linked.Add(new NamedArtifact(artifact.Name, new ArtifactId(hash), artifact.Content.Length));
            var path = Path.Combine(artifactFolder, hash);
            if (File.Exists(path) && new FileInfo(path).Length == artifact.Content.Length) continue;
            RunFile.Write(path, s => s.Write(artifact.Content));
        }

        LinkedFiles.Link(linked, folder);
        foreach (var file in linked) artifacts[file.Name] = file.Artifact.Value;

        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        void Table(string name, Action<Stream> write)
        {
            var path = Path.Combine(folder, name);
            RunFile.Write(path, write);
            using var written = File.OpenRead(path);
            files[name] = Convert.ToHexStringLower(SHA256.HashData(written));
        }

        if (result.Results is { } results)
        {
            Table("results.csv", s => TableFile.WriteCsv(results, s));
            Table("results.parquet", s => Wait(() => TableFile.WriteParquetAsync(results, s)));
        }
        else
        {
            Table("results.csv", s => ResultsTable.WriteCsv(result.Rows, s));
            Table("results.parquet", s => Wait(() => ResultsTable.WriteParquetAsync(result.Rows, s)));
        }
        foreach (var file in result.Files) Table(file.FileName, file.Write);
        foreach (var table in result.Tables) Table(table.FileName, s => TableFile.WriteCsv(table, s));

        var machine = MachineFacts.Read();
        RunFile.Write(Path.Combine(folder, "manifest.json"), s => WriteJson(ManifestJson.Build(result, machine, artifacts, files), s));
        RunFile.Write(Path.Combine(folder, "report.html"), s => ReportHtml.Write(result, machine, artifacts, s));
        RunFile.Write(Path.Combine(folder, "summary.json"), s => WriteJson(SummaryJson.Build(result, artifacts), s));
    }

    // The Parquet writer is asynchronous only. It runs on the pool, so that a caller with a synchronisation context cannot deadlock.
    private static void Wait(Func<Task> write) => Task.Run(write).GetAwaiter().GetResult();

    private static void WriteJson(JsonObject json, Stream stream)
    {
        stream.Write(Encoding.UTF8.GetBytes(json.ToJsonString(Readable)));
        stream.WriteByte((byte)'\n');
    }
}
