using Akka.Actor;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Artifacts;

/// <summary>
/// A node's part in passing files on: sends pieces of what it has to other nodes, and fetches what is asked for here, each file once
/// however many ask. Reads and writes files, so it runs apart from other actors.
/// </summary>
internal sealed class ArtifactNode : ReceiveActor
{
    /// <summary>The dispatcher of <c>hocon/artifacts.conf</c>.</summary>
    public const string Dispatcher = "interp.artifacts.dispatcher";

    /// <summary>Its name under <c>/user</c>.</summary>
    public const string Name = "artifacts";

    /// <summary>A node that asked for no piece for so long is not being served any more.</summary>
    private static readonly TimeSpan Served = TimeSpan.FromSeconds(2);

    private readonly ArtifactStore _store;
    private readonly ArtifactSettings _settings;
    private readonly Func<IReadOnlyList<ICanTell>> _others;
    private readonly MadeFiles _made;
    private readonly Dictionary<ArtifactId, List<IActorRef>> _askers = [];
    private readonly Dictionary<ArtifactId, List<(IActorRef Asker, bool AsResult)>> _keepFor = [];
    private readonly Dictionary<IActorRef, ArtifactId> _fetches = [];
    private readonly Queue<FetchArtifact> _queue = new();
    private readonly Dictionary<IActorRef, DateTime> _receivers = [];

    /// <param name="others">The other nodes' actors of this kind.</param>
    /// <param name="made">What the node has by recipe.</param>
    public ArtifactNode(ArtifactStore store, ArtifactSettings settings, Func<IReadOnlyList<ICanTell>> others, MadeFiles made)
    {
        (_store, _settings, _others, _made) = (store, settings, others, made);
        Receive<FindArtifact>(Find);
        Receive<SeekRecipe>(m => Sender.Tell(_made.Answer(m.Recipe, m.Turn, IsTooBusyFor(Sender))));
        Receive<Sought>(m => Context.ActorOf(RecipeSeek.Props(m.Wanted, Sender, _others())));
        Receive<ReadArtifact>(Read);
        Receive<FetchArtifact>(Fetch);
        Receive<KeepArtifact>(Keep);
        Receive<Fetched>(m => Ended(m.Artifact, m));
        Receive<NotFetched>(m => Ended(m.Artifact, m));
        Receive<Terminated>(Gone);
    }

    public static Props Props(
        ArtifactStore store, ArtifactSettings settings, Func<IReadOnlyList<ICanTell>> others, MadeFiles? made = null)
    {
        made ??= new MadeFiles(store);
        return Akka.Actor.Props.Create(() => new ArtifactNode(store, settings, others, made)).WithDispatcher(Dispatcher);
    }

    private void Find(FindArtifact m)
    {
        if (_store.LengthOf(m.Artifact) is not { } bytes)
        {
            Sender.Tell(new ArtifactMissing(m.Artifact));
            return;
        }
        Sender.Tell(new ArtifactFound(m.Artifact, bytes, IsTooBusyFor(Sender)));
    }

    private bool IsTooBusyFor(IActorRef receiver)
    {
        var now = DateTime.UtcNow;
        foreach (var (old, _) in _receivers.Where(r => now - r.Value > Served).ToArray()) _receivers.Remove(old);
        return _receivers.Count >= _settings.Receivers && !_receivers.ContainsKey(receiver);
    }

    private void Read(ReadArtifact m)
    {
        _receivers[Sender] = DateTime.UtcNow;
        try
        {
            using var file = m.Offset >= 0 ? _store.OpenRead(m.Artifact) : null;
            if (file is not null && m.Offset < file.Length)
            {
                var content = new byte[Math.Min(Math.Clamp(m.Length, 1, ArtifactChunk.LargestLength), file.Length - m.Offset)];
                file.Position = m.Offset;
                file.ReadExactly(content);
                Sender.Tell(new ArtifactChunk(m.Artifact, m.Offset, content));
                if (file.Position == file.Length) _receivers.Remove(Sender);
                return;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another node may have it.
        }
        Sender.Tell(new ArtifactMissing(m.Artifact));
    }

    private void Fetch(FetchArtifact m)
    {
        if (_askers.TryGetValue(m.Artifact, out var askers))
        {
            askers.Add(Sender);
            return;
        }
        _askers[m.Artifact] = [Sender];
        _queue.Enqueue(m);
        StartNext();
    }

    /// <summary>For another node, which has the file and may go.</summary>
    private void Keep(KeepArtifact m)
    {
        try
        {
            if (_store.Find(m.Artifact) is not null || _store.AdoptOffered(m.Artifact))
            {
                Confirm(m.Artifact, Sender, m.AsResult);
                return;
            }
        }
        catch (Exception e) when (e is ArtifactException or IOException or UnauthorizedAccessException)
        {
            Sender.Tell(new ArtifactNotKept(m.Artifact, e.Message));
            return;
        }
        if (!_keepFor.TryGetValue(m.Artifact, out var waiting)) _keepFor[m.Artifact] = waiting = [];
        waiting.Add((Sender, m.AsResult));
        if (waiting.Count == 1) Self.Tell(new FetchArtifact(m.Artifact, m.Bytes), ActorRefs.NoSender);
    }

    private void Confirm(ArtifactId artifact, IActorRef asker, bool asResult)
    {
        try
        {
            if (asResult) _store.KeepForGood(artifact);
            asker.Tell(new ArtifactKept(artifact));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            asker.Tell(new ArtifactNotKept(artifact, e.Message));
        }
    }

    private void StartNext()
    {
        while (_fetches.Count < _settings.Parallel && _queue.TryDequeue(out var next))
        {
            var fetch = Context.ActorOf(ArtifactFetch.Props(next, _store, _settings, _others));
            Context.Watch(fetch);
            _fetches.Add(fetch, next.Artifact);
        }
    }

    private void Ended(ArtifactId artifact, object answer)
    {
        // Its end is nothing to whoever asks for the same file from now on.
        Context.Unwatch(Sender);
        _fetches.Remove(Sender);
        Answer(artifact, answer);
        StartNext();
    }

    private void Answer(ArtifactId artifact, object answer)
    {
        if (_keepFor.Remove(artifact, out var keepers))
        {
            foreach (var (asker, asResult) in keepers)
            {
                if (answer is NotFetched failed) asker.Tell(new ArtifactNotKept(artifact, failed.Problem));
                else Confirm(artifact, asker, asResult);
            }
        }
        if (!_askers.Remove(artifact, out var askers)) return;
        foreach (var asker in askers) asker.Tell(answer);
    }

    private void Gone(Terminated m)
    {
        if (_fetches.Remove(m.ActorRef, out var artifact)) Answer(artifact, new NotFetched(artifact, "fetching it broke off"));
        StartNext();
    }
}
