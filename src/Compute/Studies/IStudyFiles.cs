using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Studies;

/// <summary>Brings the files that a study names to where they can be read on this machine. Thread-safe.</summary>
public interface IStudyFiles
{
    /// <summary>
    /// Blocks until every input of the study can be read. None of them is removed before what it gives is disposed.
    /// </summary>
    /// <param name="root">Where the study's relative paths start.</param>
    /// <param name="inputs">Null where they are not known; then the paths must lead to them.</param>
    /// <exception cref="StudyException">A file cannot be had on this machine.</exception>
    IStudyFilesHeld Open(string root, IReadOnlyList<StudyInput>? inputs, CancellationToken cancellation);
}

/// <summary>The files of a study, ready to be read until it is disposed.</summary>
public interface IStudyFilesHeld : IDisposable
{
    /// <summary>To read the study through.</summary>
    StudyFolder Folder();

    /// <summary>A message to the user, with the paths that the user knows.</summary>
    string InUsersWords(string message);
}

/// <summary>The files are where the study's paths lead.</summary>
public sealed class FilesInPlace : IStudyFiles
{
    /// <inheritdoc/>
    public IStudyFilesHeld Open(string root, IReadOnlyList<StudyInput>? inputs, CancellationToken cancellation) => new Held(root);

    private sealed record Held(string Root) : IStudyFilesHeld
    {
        public StudyFolder Folder() => new(Root);

        public string InUsersWords(string message) => message;

        public void Dispose() { }
    }
}
