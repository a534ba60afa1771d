using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Host.Commands;
using InterpActors.Host.Display;
using InterpActors.Host.Runs;
using InterpActors.Host.Web;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Remote;

/// <summary>Fetches the run folder of a study of a cluster: the files that <c>interp run</c> writes, but for the journal.</summary>
internal sealed class RemoteReport(ClusterClient client, IRunDisplay display)
{
    /// <summary>Refuses a folder that is no folder, or that holds another run.</summary>
    /// <exception cref="StudyException">The folder cannot be used; nothing was written.</exception>
    public static void Check(string folder, StudyId? study)
    {
        if (File.Exists(Path.Combine(folder, RunFolder.JournalName)))
            throw new StudyException("is the folder of a run on this machine", folder, "choose another --out");
        var manifest = Path.Combine(folder, "manifest.json");
        if (study is { } id && File.Exists(manifest) && IdIn(manifest) == id.Value) return;
        RunFolder.Check(folder);
    }

    /// <returns>An <see cref="ExitCode"/>.</returns>
    public async Task<int> FetchAsync(StudyId study, string folder)
    {
        Check(folder, study);
        var listing = await client.ResultsAsync(study);
        await FetchAsync(study, listing.Files, folder);
        display.Say(listing.Sentence);
        foreach (var warning in listing.Warnings) display.Say($"warning: {warning}");
        display.Conclude($"{(listing.Failed ? "failed: " : "")}{Path.Combine(folder, "report.html")}");
        return listing.Failed ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>Fetches some of a study's files.</summary>
    public async Task FetchAsync(StudyId study, IReadOnlyList<ResultFile> files, string folder)
    {
        if (files.FirstOrDefault(f => !NamedArtifact.IsName(f.Name)) is { } stray)
            throw new RunFailedException($"{client.Address}: its file '{stray.Name}' leads out of the folder; nothing was written");
        Directory.CreateDirectory(folder);
        foreach (var file in files) await FetchAsync(study, file, folder);
    }

    private async Task FetchAsync(StudyId study, ResultFile file, string folder)
    {
        var path = Path.Combine(folder, file.Name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var partial = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.partial");
        await using (var target = new FileStream(partial, FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            await client.DownloadAsync(study, file.Name, target);
            target.Flush(flushToDisk: true);
            target.Position = 0;
            if (Convert.ToHexStringLower(await SHA256.HashDataAsync(target)) != file.Sha256)
                throw new RunFailedException($"{file.Name}: what arrived is not what {client.Address} has; fetch the report again");
        }
        File.Move(partial, path, overwrite: true);
    }

    private static string? IdIn(string manifest)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(manifest)) is JsonObject o && o["id"] is JsonValue id
                && id.TryGetValue<string>(out var text) ? text : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
