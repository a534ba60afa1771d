using InterpActors.Compute.Studies;
using InterpActors.Host.Commands;
using InterpActors.Host.Display;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Remote;

/// <summary>Sends the files that a study names to a coordinator that lacks them, across interruptions.</summary>
/// <param name="notes">Hears what is being sent.</param>
internal sealed class InputUpload(ClusterClient client, TextWriter notes)
{
    /// <summary>Tries in a row that bring nothing.</summary>
    private const int MostTries = 10;

    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);

    private StudyException? _notHere;

    /// <summary>
    /// The study's inputs, all of which the coordinator has now; null where the study's files are not on this machine (they may be on a
    /// path of the coordinator's), or where the coordinator takes none.
    /// </summary>
    /// <exception cref="StudyException">The study cannot be run as written, or a file may not be sent.</exception>
    /// <exception cref="RunFailedException">The coordinator was away for too long.</exception>
    public async Task<IReadOnlyList<StudyInput>?> SendAsync(LoadedStudy file, int threads)
    {
        var folder = new StudyFolder(file.Folder);
        IReadOnlyList<StudyInput> inputs;
        try
        {
            inputs = StudyCompiler.Compile(file.Root, file.Source, folder, threads).Inputs!;
        }
        catch (StudyException e) when (folder.LacksFiles)
        {
            _notHere = e;
            return null;
        }
        var places = FilesByContent.InPlace(file.Folder, inputs);
        for (var tries = 0; ; tries++)
        {
            if (await client.MissingAsync(new InputQuery(file.Folder, inputs)) is not { } answer) return null;
            if (answer.Missing.Count == 0) return inputs;
            if (tries == MostTries) throw new RunFailedException($"{client.Address}: the study's files do not arrive; submit it again");
            foreach (var missing in answer.Missing)
            {
                if (!places.TryGetValue(missing.Sha256, out var path))
                    throw new StudyException("a file of the study changed while it was read", file.Path, "submit it again");
                if (await SendAsync(missing, path)) tries = 0;
                else break;
            }
        }
    }

    /// <summary>Submits; where the files are neither here nor there, says both.</summary>
    public async Task<SubmissionReply> ExplainAsync(Func<Task<SubmissionReply>> submit)
    {
        try
        {
            return await submit();
        }
        catch (StudyException e) when (_notHere is not null)
        {
            throw new StudyException($"{_notHere.Message} (and on the coordinator: {e.Message})");
        }
    }

    /// <returns>False where it is to be asked again what is missing.</returns>
    private async Task<bool> SendAsync(MissingInput missing, string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0, useAsync: true);
        if (file.Length != missing.Bytes) throw new StudyException("the file changed while it was read", path, "submit the study again");
        await notes.WriteLineAsync($"sending {Path.GetFileName(path)}, {ByteSize.Words(missing.Bytes - missing.Offset)}");
        try
        {
            if (await client.UploadAsync(missing.Sha256, file, missing.Offset)) return true;
        }
        catch (RunFailedException e) when (e.InnerException is HttpRequestException or IOException)
        {
            // The line broke; what arrived is kept.
        }
        await Task.Delay(BetweenTries);
        return false;
    }
}
