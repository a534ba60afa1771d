using Akka.Actor;
using Akka.Cluster;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Telemetry;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Artifacts;

/// <summary>
/// The files by content that a node has or can get. Outlives the node's actor systems: a member that was removed joins again with what it
/// has.
/// </summary>
public sealed class NodeArtifacts : IArtifacts
{
    /// <summary>Who is making a file may take so many times as long as it takes here before it is made here too.</summary>
    private const int SlowFactor = 3;

    /// <summary>A request that got no answer is made again: its actor system may have ended.</summary>
    private static readonly TimeSpan OneAsk = TimeSpan.FromSeconds(30);

    private readonly Lazy<ArtifactStore> _store;
    private readonly Lazy<MadeFiles> _made;
    private volatile IActorRef? _node;
    private volatile Func<IReadOnlyList<ICanTell>> _coordinators = () => [];
    private TimeSpan _patience;

    /// <param name="folder">Of the store; made when the node joins.</param>
    public NodeArtifacts(string folder)
    {
        _store = new Lazy<ArtifactStore>(() => new ArtifactStore(folder));
        _made = new Lazy<MadeFiles>(() => new MadeFiles(Store));
    }

    /// <summary>The node's own store.</summary>
    public ArtifactStore Store => _store.Value;

    /// <summary>Largest file that is taken from outside the cluster, in bytes; as configured once the node has joined.</summary>
    public long UploadLimit { get; set; } = long.MaxValue;

    /// <summary>Begins to pass files on and to fetch them, as a member of a cluster.</summary>
    public void Join(ActorSystem system)
    {
        var cluster = Cluster.Get(system);
        IReadOnlyList<ICanTell> Nodes(Func<Member, bool> wanted) =>
        [
            .. cluster.State.Members.Where(m => m.Status is MemberStatus.Up or MemberStatus.WeaklyUp or MemberStatus.Leaving).Where(wanted)
                .Select(m => system.ActorSelection(new RootActorPath(m.Address) / "user" / ArtifactNode.Name)),
        ];
        Join(system, () => Nodes(m => m.Address != cluster.SelfAddress), () => Nodes(m => m.HasRole(ClusterMembers.CoordinatorRole)));
    }

    /// <param name="others">The other nodes' actors.</param>
    /// <param name="coordinators">The actors of the coordinators, this node's own too if it is one.</param>
    internal void Join(ActorSystem system, Func<IReadOnlyList<ICanTell>> others, Func<IReadOnlyList<ICanTell>> coordinators)
    {
        var settings = ArtifactSettings.From(system.Settings.Config);
        Store.Limit = settings.CacheLimit;
        (_patience, _coordinators) = (settings.Patience, coordinators);
        UploadLimit = Math.Min(settings.UploadLimit, settings.CacheLimit);
        _node = system.ActorOf(ArtifactNode.Props(Store, settings, others, _made.Value), ArtifactNode.Name);
    }

    /// <inheritdoc/>
    public bool Has(ArtifactId artifact) => Store.Find(artifact) is not null;

    /// <inheritdoc/>
    public void Offer(ArtifactId artifact, string path) => Store.Offer(artifact, path);

    /// <inheritdoc/>
    public bool Copy(ArtifactId artifact, string path)
    {
        try
        {
            return Store.Adopt(artifact, path);
        }
        catch (Exception e) when (e is ArtifactException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IArtifactFolder Open(string name, IReadOnlyList<NamedArtifact> files, CancellationToken cancellation)
    {
        // Held before they are here, so that none goes to make room for the next one.
        var held = Store.Hold(files.Select(f => f.Artifact));
        try
        {
            ArtifactFolders.Check(name, files);
            foreach (var file in files)
                if (Store.Find(file.Artifact) is null) Fetch(file, cancellation);
            return new Folder(ArtifactFolders.Make(Store, name, files), held);
        }
        catch (Exception e)
        {
            held.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw new ArtifactException($"{name}: {e.Message}", e) { IsForLackOfRoom = true };
            throw;
        }
    }

    /// <inheritdoc/>
    public void Keep(IReadOnlyList<NamedArtifact> files, bool asResults, CancellationToken cancellation)
    {
        var until = DateTime.UtcNow + _patience;
        foreach (var file in files.DistinctBy(f => f.Artifact))
        {
            while (AskToKeep(new KeepArtifact(file.Artifact, file.Bytes, asResults), cancellation) is { } problem)
            {
                if (DateTime.UtcNow > until && (!asResults || problem.Length > 0))
                    throw new ArtifactException($"no coordinator keeps {file.Name}: {(problem.Length > 0 ? problem : "none answers")}");
                cancellation.WaitHandle.WaitOne(TimeSpan.FromSeconds(1));
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    /// <inheritdoc/>
    public bool Bring(Recipe recipe, string path, CancellationToken cancellation)
    {
        using var turn = _made.Value.Take(recipe.Key);
        var finder = new RecipeFinder(_made.Value, Store, () => _node, (wanted, c) => TryFetch(wanted, c) is null);
        var slow = recipe.Took * SlowFactor ?? TimeSpan.Zero;
        var isHere = finder.Find(recipe, turn, path, slow > _patience ? slow : _patience, cancellation);
        if (!isHere) recipe.Make(path);
        _made.Value.OfferNew(recipe.Key, path);
        Meters.Bring(isMade: !isHere);
        return !isHere;
    }

    /// <inheritdoc/>
    public void OfferMade(string recipe, string path) => _made.Value.Offer(recipe, path);

    /// <returns>Null where a coordinator has the file; else why none has, empty where none answered.</returns>
    private string? AskToKeep(KeepArtifact keep, CancellationToken cancellation)
    {
        var asked = _coordinators().Select(c => c.Ask<object>(keep, OneAsk, cancellation)).ToList();
        var problem = "";
        while (asked.Count > 0)
        {
            var answered = Task.WhenAny(asked).GetAwaiter().GetResult();
            asked.Remove(answered);
            cancellation.ThrowIfCancellationRequested();
            if (!answered.IsCompletedSuccessfully) continue;
            if (answered.Result is ArtifactKept) return null;
            if (answered.Result is ArtifactNotKept failed) problem = failed.Problem;
        }
        return problem;
    }

    private void Fetch(NamedArtifact file, CancellationToken cancellation)
    {
        var name = $"{file.Name} (SHA-256 {file.Artifact.Value[..12]}…)";
        if (_node is null) throw new ArtifactException($"{name} is not on this machine");
        if (TryFetch(new FetchArtifact(file.Artifact, file.Bytes), cancellation) is { } failed)
            throw new ArtifactException($"{name} cannot be had: {failed.Problem}") { IsForLackOfRoom = failed.ForLackOfRoom };
    }

    /// <returns>Null where it is in the store now.</returns>
    private NotFetched? TryFetch(FetchArtifact wanted, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return _node!.Ask<object>(wanted, OneAsk, cancellation).GetAwaiter().GetResult() as NotFetched;
            }
            catch (AskTimeoutException)
            {
                // Still on its way, or asked of an actor system that has ended.
            }
        }
    }

    private sealed class Folder(string path, IDisposable held) : IArtifactFolder
    {
        public string Path { get; } = path;

        public void Dispose() => held.Dispose();
    }
}
