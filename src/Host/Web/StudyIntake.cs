using InterpActors.Actors.Artifacts;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Web;

/// <summary>What it takes to accept a study from another machine: its files, and a look at whether it can run. Thread-safe.</summary>
/// <param name="files">Brings a study's files to where they can be read.</param>
/// <param name="artifacts">Keeps what is sent; null where files cannot be sent.</param>
/// <param name="verify">Loads the model and runs the prompts as they are; null where that is left to the nodes that compute.</param>
public sealed class StudyIntake(IStudyFiles files, NodeArtifacts? artifacts = null, Action<Study>? verify = null)
{
    /// <summary>Brings a study's files to where they can be read.</summary>
    internal IStudyFiles Files => files;

    /// <summary>Null where files cannot be sent.</summary>
    internal NodeArtifacts? Artifacts => artifacts;

    /// <summary>
    /// Which of a study's files are missing here. A copy is taken of those that the study's paths lead to on this machine.
    /// </summary>
    internal IReadOnlyList<StudyInput> Missing(string folder, IReadOnlyList<StudyInput> inputs)
    {
        if (artifacts is null) return [];
        var missing = inputs.Where(i => !artifacts.Has(i.Sha256)).ToArray();
        if (missing.Length == 0) return [];
        var here = FilesByContent.InPlace(folder, inputs);
        foreach (var input in missing)
            if (here.TryGetValue(input.Sha256, out var path)) Copy(input.Sha256, path);
        return [.. missing.Where(i => !here.ContainsKey(i.Sha256)).DistinctBy(i => i.Sha256)];
    }

    /// <summary>A submitted study, and the right to read its files until it is disposed.</summary>
    /// <exception cref="StudyException">It cannot be run as written.</exception>
    internal (Study Study, IStudyFilesHeld Files) Compile(StudySubmission submission, StudyObject root)
    {
        var held = files.Open(submission.Folder, submission.Inputs, CancellationToken.None);
        try
        {
            var study = StudyCompiler.On(
                StudyCompiler.Compile(root, submission.Source, held.Folder(), submission.Threads ?? 1),
                submission.Device ?? DeviceNames.Cpu);
            if (submission.Inputs is not null || artifacts is null) return (study, held);
            // It named paths that this machine shares: other nodes, and this one later, need not.
            Missing(study.Folder, study.Inputs!);
            var again = files.Open(study.Folder, study.Inputs, CancellationToken.None);
            held.Dispose();
            return (study, again);
        }
        catch (StudyException e)
        {
            held.Dispose();
            throw new StudyException(held.InUsersWords(e.Message), null, null, e);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Looks whether the study's model can run its prompts.</summary>
    /// <exception cref="StudyException">It cannot.</exception>
    internal void Verify(Study study, long memoryBytes)
    {
        // On a machine that is too small for the model, the nodes that compute must tell.
        if (verify is not null && memoryBytes < GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2) verify(study);
    }

    private void Copy(ArtifactId artifact, string path)
    {
        // Where there is no room for a copy, it is used where it is.
        if (!artifacts!.Copy(artifact, path)) artifacts.Offer(artifact, path);
    }
}
