using Akka.Actor;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Artifacts;

// Between a node's artifacts and its actors, always in one process.

/// <summary>Bring this file into the store. Answered by <see cref="Fetched"/> or <see cref="NotFetched"/>.</summary>
/// <param name="Holders">
/// For a file that can be made instead: nodes that have just said that they have it. It is given up soon where nobody can send it.
/// </param>
internal sealed record FetchArtifact(ArtifactId Artifact, long Bytes, IReadOnlyList<IActorRef>? Holders = null);

/// <summary>It is in the store.</summary>
internal sealed record Fetched(ArtifactId Artifact);

/// <summary>It cannot be had.</summary>
/// <param name="Problem">One line.</param>
/// <param name="ForLackOfRoom">This machine cannot hold it, whoever has it.</param>
internal sealed record NotFetched(ArtifactId Artifact, string Problem, bool ForLackOfRoom = false);

/// <summary>Ask the other nodes for what a recipe makes. Answered by <see cref="RecipeSought"/>, within seconds.</summary>
internal sealed record Sought(SeekRecipe Wanted);

/// <summary>What they said.</summary>
/// <param name="IsBegun">Somebody is making it, or will be.</param>
internal sealed record RecipeSought(IReadOnlyList<RecipeHolder> Holders, bool IsBegun)
{
    public static RecipeSought Nowhere { get; } = new([], false);
}

/// <summary>A node that has it.</summary>
/// <param name="Busy">It serves as many others as it may.</param>
internal sealed record RecipeHolder(IActorRef Node, ArtifactId Artifact, long Bytes, bool Busy);
