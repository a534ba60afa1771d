using InterpActors.Messages.Cluster;

namespace InterpActors.Messages.Artifacts;

/// <summary>
/// Node to node: who has what this recipe makes? Answered by <see cref="RecipeMade"/>, <see cref="RecipeBegun"/> or
/// <see cref="RecipeUnknown"/>.
/// </summary>
/// <param name="Turn">Of several nodes that want it at the same moment, the one with the lowest makes it.</param>
public sealed record SeekRecipe(string Recipe, long Turn) : IWireMessage;

/// <summary>It was made and is here.</summary>
/// <param name="Busy">True where as many nodes are being served as there may be.</param>
public sealed record RecipeMade(string Recipe, ArtifactId Artifact, long Bytes, bool Busy) : IWireMessage;

/// <summary>It is being made here, or will be unless somebody else has it; ask again.</summary>
public sealed record RecipeBegun(string Recipe) : IWireMessage;

/// <summary>Neither.</summary>
public sealed record RecipeUnknown(string Recipe) : IWireMessage;
