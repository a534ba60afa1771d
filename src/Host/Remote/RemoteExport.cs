using InterpActors.Host.Display;
using InterpActors.Host.Runs;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Remote;

/// <summary>Fetches the results of a study of a cluster in one format.</summary>
internal sealed class RemoteExport(ClusterClient client, IRunDisplay display)
{
    /// <exception cref="StudyException">The study has nothing of this format, or the folder cannot be used.</exception>
    public async Task FetchAsync(StudyId study, string format, string folder)
    {
        if (File.Exists(folder)) throw new StudyException("is a file", folder, "name a folder with --out");
        var files = ExportFormat.FilesOf(format, (await client.ResultsAsync(study)).Files, $"study {study}");
        await new RemoteReport(client, display).FetchAsync(study, files, folder);
        foreach (var file in files) display.Conclude(Path.Combine(folder, file.Name));
    }
}
