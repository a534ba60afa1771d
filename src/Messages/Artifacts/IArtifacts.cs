namespace InterpActors.Messages.Artifacts;

/// <summary>
/// Files by content, wherever in the cluster they are. Thread-safe. Calls may read whole files and wait for the network: never make them on
/// an actor's thread.
/// </summary>
public interface IArtifacts
{
    /// <summary>Whether the file is in this machine's store, and is what its name says.</summary>
    bool Has(ArtifactId artifact);

    /// <summary>
    /// A folder of this machine that holds the files by name; what is missing is fetched from other nodes. None of them is removed before
    /// the folder is disposed.
    /// </summary>
    /// <param name="name">What the folder is called; one name, no path.</param>
    /// <exception cref="ArtifactException">A file cannot be had, or a name is not one.</exception>
    IArtifactFolder Open(string name, IReadOnlyList<NamedArtifact> files, CancellationToken cancellation);

    /// <summary>Tells that a file of this machine, outside the store, holds an artifact: other nodes can have it from there.</summary>
    /// <param name="path">Absolute; its content has just been checked.</param>
    void Offer(ArtifactId artifact, string path);

    /// <summary>Takes a copy of a file of this machine into the store.</summary>
    /// <param name="path">Absolute; outside the store.</param>
    /// <returns>False where it could not be taken, or its content is not what the name says.</returns>
    bool Copy(ArtifactId artifact, string path);

    /// <summary>
    /// Brings files that were offered here to the coordinators, so that they outlive this node; blocks until one of them has all. Results
    /// wait for a coordinator as long as it takes; other files do not.
    /// </summary>
    /// <param name="asResults">True for what must never go; false for what may, as inputs do, when the coordinator's store is full.</param>
    /// <exception cref="ArtifactException">No coordinator can keep them.</exception>
    void Keep(IReadOnlyList<NamedArtifact> files, bool asResults, CancellationToken cancellation);

    /// <summary>
    /// Brings a file that comes out the same whoever makes it to a path: from another node that has it, after a while from one that is
    /// making it, or else by making it, while others that want it wait. From then on they can have it from there, as long as it is there.
    /// </summary>
    /// <param name="path">Absolute, in a folder that exists, outside the store.</param>
    /// <returns>True where it was made by this call.</returns>
    bool Bring(Recipe recipe, string path, CancellationToken cancellation);

    /// <summary>Tells that a file of this machine, outside the store, is what a recipe makes: other nodes can have it from there.</summary>
    /// <param name="recipe">Its key.</param>
    /// <param name="path">Absolute.</param>
    void OfferMade(string recipe, string path);
}

/// <summary>A folder of files that stay until it is disposed.</summary>
public interface IArtifactFolder : IDisposable
{
    /// <summary>Absolute.</summary>
    string Path { get; }
}

/// <summary>A file by content, under a name in a folder.</summary>
/// <param name="Name">With <c>/</c> between folders; leads nowhere else.</param>
public sealed record NamedArtifact(string Name, ArtifactId Artifact, long Bytes)
{
    private const int LongestName = 240;

    /// <summary>Whether a name stays in its folder: parts with <c>/</c> between them, none empty, <c>.</c> or <c>..</c>.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= LongestName && !name.Any(c => c is '\\' or ':' || char.IsControl(c))
        && name.Split('/').All(part => part is not ("" or "." or ".."));
}

/// <summary>An artifact cannot be had or kept. The message is one line that says why and what to do.</summary>
public sealed class ArtifactException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True where this machine has no room for it: another machine may have it all the same.</summary>
    public bool IsForLackOfRoom { get; init; }
}
