using Akka.Actor;
using Akka.Event;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Artifacts;

/// <summary>
/// Fetches one file: asks every node who has it, then one of those for piece after piece, a few at a time. What has arrived outlives a
/// source that falls silent; a file that has the wrong hash in the end is thrown away, and another source is asked.
/// </summary>
internal sealed class ArtifactFetch : ReceiveActor, IWithTimers
{
    /// <summary>How long the nodes have to say that they have it, and how long to wait before asking again.</summary>
    private static readonly TimeSpan Seeking = TimeSpan.FromSeconds(1);

    /// <summary>How long others have to answer after the first that has it.</summary>
    private static readonly TimeSpan Choosing = TimeSpan.FromMilliseconds(100);

    private sealed record Chosen(int Round);

    private sealed record SeekAgain;

    private sealed record Silent(int Round);

    private readonly FetchArtifact _wanted;
    private readonly ArtifactStore _store;
    private readonly ArtifactSettings _settings;
    private readonly Func<IReadOnlyList<ICanTell>> _others;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<IActorRef> _holders = [];
    private readonly HashSet<IActorRef> _liars = [];
    private readonly HashSet<IActorRef> _silent = [];
    private ArtifactWriter? _writer;
    private IActorRef? _source;
    private IActorRef? _origin;
    private bool _mixed;
    private long _asked;
    private int _piece = ArtifactChunk.LargestLength;
    private int _round;
    private bool _sought;
    private bool _anyBusy;
    private DateTime _hope;

    public ArtifactFetch(FetchArtifact wanted, ArtifactStore store, ArtifactSettings settings, Func<IReadOnlyList<ICanTell>> others)
    {
        (_wanted, _store, _settings, _others) = (wanted, store, settings, others);
        Receive<ArtifactFound>(Found);
        Receive<ArtifactMissing>(_ =>
        {
            if (Sender.Equals(_source)) Drop(silent: true);
        });
        Receive<ArtifactChunk>(Take);
        Receive<Chosen>(m =>
        {
            if (m.Round == _round) Choose();
        });
        Receive<SeekAgain>(_ => Seek());
        Receive<Silent>(m =>
        {
            if (m.Round == _round) Drop(silent: true);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(FetchArtifact wanted, ArtifactStore store, ArtifactSettings settings, Func<IReadOnlyList<ICanTell>> others) =>
        Akka.Actor.Props.Create(() => new ArtifactFetch(wanted, store, settings, others)).WithDispatcher(ArtifactNode.Dispatcher);

    protected override void PreStart()
    {
        _hope = DateTime.UtcNow;
        Begin();
    }

    protected override void PostStop() => _writer?.Dispose();

    private void Begin()
    {
        try
        {
            _writer = _store.BeginWrite(_wanted.Artifact, _wanted.Bytes);
        }
        catch (Exception e) when (e is ArtifactException or IOException or UnauthorizedAccessException)
        {
            Fail(e.Message, forLackOfRoom: true);
            return;
        }
        (_origin, _mixed) = (null, _writer is { Offset: > 0 });
        // An upload is writing it, or has written it meanwhile: it is here or will be.
        if (_writer is null) Timers.StartSingleTimer("again", new SeekAgain(), Seeking);
        else if (_writer.Offset == _wanted.Bytes) Complete();
        else Seek();
    }

    private void Seek()
    {
        if (_writer is null)
        {
            if (_store.Find(_wanted.Artifact) is not null) Finish(new Fetched(_wanted.Artifact));
            else Begin();
            return;
        }
        (_source, _round, _anyBusy) = (null, _round + 1, false);
        _holders.Clear();
        if (!_sought && _wanted.Holders is { Count: > 0 } known)
        {
            _sought = true;
            _holders.AddRange(known);
            Choose();
            return;
        }
        foreach (var other in _others()) other.Tell(new FindArtifact(_wanted.Artifact), Self);
        Timers.StartSingleTimer("chosen", new Chosen(_round), Seeking);
    }

    private void Found(ArtifactFound m)
    {
        if (_source is not null || m.Bytes != _wanted.Bytes || _liars.Contains(Sender)) return;
        // One that serves others now will serve this one later.
        if (m.Busy) (_hope, _anyBusy) = (DateTime.UtcNow, true);
        else
        {
            if (_holders.Count == 0) Timers.StartSingleTimer("chosen", new Chosen(_round), Choosing);
            _holders.Add(Sender);
        }
    }

    private bool IsHopeless => _wanted.Holders is null ? DateTime.UtcNow - _hope > _settings.Patience : !_anyBusy;

    private void Choose()
    {
        // One that has fallen silent before comes last.
        var loud = _holders.Where(h => !_silent.Contains(h)).ToArray();
        IReadOnlyList<IActorRef> from = loud.Length > 0 ? loud : _holders;
        if (from.Count == 0)
        {
            if (IsHopeless) Fail(Why());
            else Timers.StartSingleTimer("again", new SeekAgain(), Seeking);
            return;
        }
        _source = from[Random.Shared.Next(from.Count)];
        if (_writer!.Offset == 0) (_origin, _mixed) = (_source, false);
        else _mixed |= !_source.Equals(_origin);
        _asked = _writer.Offset;
        for (var i = 0; i < _settings.Window; i++) AskNext();
        Listen();
    }

    private void AskNext()
    {
        if (_asked >= _wanted.Bytes) return;
        var length = (int)Math.Min(_piece, _wanted.Bytes - _asked);
        _source!.Tell(new ReadArtifact(_wanted.Artifact, _asked, length));
        _asked += length;
    }

    private void Listen() => Timers.StartSingleTimer("silent", new Silent(_round), _settings.PieceTimeout);

    private void Take(ArtifactChunk m)
    {
        if (!Sender.Equals(_source) || m.Offset < _writer!.Offset) return;
        var expected = (int)Math.Min(_piece, _wanted.Bytes - _writer.Offset);
        if (m.Offset > _writer.Offset || m.Content.Length != expected)
        {
            // A piece was lost on the way, or is shorter than this version's pieces: from there again.
            if (m.Offset == _writer.Offset && m.Content.Length > 0 && m.Content.Length < expected) _piece = m.Content.Length;
            Drop(silent: false);
            return;
        }
        try
        {
            _writer.Write(m.Content);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(e.Message, forLackOfRoom: true);
            return;
        }
        _hope = DateTime.UtcNow;
        if (_writer.Offset == _wanted.Bytes) Complete();
        else
        {
            AskNext();
            Listen();
        }
    }

    private void Complete()
    {
        Timers.CancelAll();
        try
        {
            if (_writer!.Complete())
            {
                _log.Info("{0}, {1} bytes, is here from {2}", _wanted.Artifact, _wanted.Bytes, _source?.Path.Address);
                Finish(new Fetched(_wanted.Artifact));
                return;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(e.Message, forLackOfRoom: true);
            return;
        }
        _log.Warning("{0} from {1} is not what its name says", _wanted.Artifact, _source);
        // Bytes of several sources accuse none of them.
        if (!_mixed && _source is not null) _liars.Add(_source);
        _writer = null;
        Timers.StartSingleTimer("again", new SeekAgain(), Seeking);
        (_source, _origin, _mixed) = (null, null, false);
    }

    private void Drop(bool silent)
    {
        Timers.Cancel("silent");
        if (silent && _source is not null) _silent.Add(_source);
        Seek();
    }

    private string Why() => _liars.Count > 0
        ? $"what {_liars.Count} node(s) have under this name is not what it says"
        : "no node that can be reached has it; submit the study again from where its files are";

    private void Fail(string problem, bool forLackOfRoom = false)
    {
        _log.Warning("{0} cannot be fetched: {1}", _wanted.Artifact, problem);
        Finish(new NotFetched(_wanted.Artifact, problem, forLackOfRoom));
    }

    private void Finish(object answer)
    {
        Context.Parent.Tell(answer);
        Context.Stop(Self);
    }
}
