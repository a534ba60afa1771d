using Akka.Actor;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Artifacts;

/// <summary>Asks every other node for what a recipe makes, and tells the asker what they say.</summary>
internal sealed class RecipeSeek : ReceiveActor, IWithTimers
{
    /// <summary>How long the nodes have to answer.</summary>
    private static readonly TimeSpan Seeking = TimeSpan.FromSeconds(2);

    /// <summary>How long others have to answer after the first that has it.</summary>
    private static readonly TimeSpan Choosing = TimeSpan.FromMilliseconds(100);

    private sealed record Over;

    private readonly SeekRecipe _wanted;
    private readonly IActorRef _asker;
    private readonly IReadOnlyList<ICanTell> _others;
    private readonly HashSet<IActorRef> _answered = [];
    private readonly List<RecipeHolder> _holders = [];
    private bool _begun;

    public RecipeSeek(SeekRecipe wanted, IActorRef asker, IReadOnlyList<ICanTell> others)
    {
        (_wanted, _asker, _others) = (wanted, asker, others);
        Receive<RecipeMade>(m =>
        {
            if (!_answered.Add(Sender)) return;
            if (_holders.Count == 0) Timers.StartSingleTimer("over", new Over(), Choosing);
            _holders.Add(new RecipeHolder(Sender, m.Artifact, m.Bytes, m.Busy));
            EndIfAll();
        });
        Receive<RecipeBegun>(_ =>
        {
            if (!_answered.Add(Sender)) return;
            _begun = true;
            EndIfAll();
        });
        Receive<RecipeUnknown>(_ =>
        {
            if (_answered.Add(Sender)) EndIfAll();
        });
        Receive<Over>(_ => End());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(SeekRecipe wanted, IActorRef asker, IReadOnlyList<ICanTell> others) =>
        Akka.Actor.Props.Create(() => new RecipeSeek(wanted, asker, others)).WithDispatcher(ArtifactNode.Dispatcher);

    protected override void PreStart()
    {
        foreach (var other in _others) other.Tell(_wanted, Self);
        Timers.StartSingleTimer("over", new Over(), Seeking);
        EndIfAll();
    }

    private void EndIfAll()
    {
        if (_answered.Count == _others.Count) End();
    }

    private void End()
    {
        _asker.Tell(new RecipeSought(_holders, _begun));
        Context.Stop(Self);
    }
}
