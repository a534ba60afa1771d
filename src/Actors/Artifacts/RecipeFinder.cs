using System.Diagnostics;
using Akka.Actor;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Artifacts;

/// <summary>Has files by their recipes from other nodes, or finds that they are to be made here. Blocks its caller's thread.</summary>
/// <param name="node">The node's actor; null before it joined.</param>
/// <param name="fetch">Brings a file into the store; false where it cannot be had.</param>
internal sealed class RecipeFinder(
    MadeFiles made, ArtifactStore store, Func<IActorRef?> node, Func<FetchArtifact, CancellationToken, bool> fetch)
{
    /// <summary>A node that is making it is asked again after so long, at first and at most.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100), LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>The actor answers sooner, unless its actor system has ended.</summary>
    private static readonly TimeSpan OneAsk = TimeSpan.FromSeconds(5);

    /// <summary>Brings the file to a path.</summary>
    /// <param name="patience">So long a node that is making it is waited for.</param>
    /// <returns>False where it is to be made here, and <paramref name="turn"/> has begun.</returns>
    public bool Find(Recipe recipe, MadeFiles.Turn turn, string path, TimeSpan patience, CancellationToken cancellation)
    {
        var wrong = new HashSet<ArtifactId>();
        var since = Stopwatch.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            turn.Ask();
            // Another study's units in this process want it too: the file is theirs.
            if (File.Exists(path)) return true;
            var begun = made.Answer(recipe.Key, turn.Number, false) is RecipeBegun;
            if (!begun)
            {
                var sought = Ask(new SeekRecipe(recipe.Key, turn.Number), cancellation);
                // Where nodes disagree about the bytes, what most of them have.
                foreach (var content in sought.Holders.Where(h => !wrong.Contains(h.Artifact)).GroupBy(h => (h.Artifact, h.Bytes))
                    .OrderByDescending(g => g.Count()))
                {
                    if (Take(recipe, content.Key.Artifact, content.Key.Bytes, [.. content], path, cancellation)) return true;
                    wrong.Add(content.Key.Artifact);
                }
                begun = sought.IsBegun;
            }
            if (!begun)
            {
                if (turn.Begin()) return false;
                continue;
            }
            if (Stopwatch.GetElapsedTime(since) > patience) return !turn.Begin(force: true);
            cancellation.WaitHandle.WaitOne(pause);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private RecipeSought Ask(SeekRecipe wanted, CancellationToken cancellation)
    {
        if (node() is not { } actor) return RecipeSought.Nowhere;
        try
        {
            return actor.Ask<RecipeSought>(new Sought(wanted), OneAsk, cancellation).GetAwaiter().GetResult();
        }
        catch (AskTimeoutException)
        {
            return RecipeSought.Nowhere;
        }
    }

    private bool Take(
        Recipe recipe, ArtifactId artifact, long bytes, IReadOnlyList<RecipeHolder> holders, string path, CancellationToken cancellation)
    {
        try
        {
            var free = holders.Where(h => !h.Busy).Select(h => h.Node).ToArray();
            if (store.Find(artifact) is null && !fetch(new FetchArtifact(artifact, bytes, free), cancellation)) return false;
            // Elsewhere it is an input of the store; here it counts to the room of those who make such files.
            return store.Find(artifact) is { } arrived && recipe.Fits(arrived) && store.TakeOut(artifact, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Making it fails too then, and says more.
            return false;
        }
    }
}
