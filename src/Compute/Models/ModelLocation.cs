namespace InterpActors.Compute.Models;

/// <summary>How a model is stored.</summary>
public enum ModelFormat { HuggingFaceFolder, Gguf }

/// <summary>Where a model is, after a path or the name of a shipped model was resolved.</summary>
/// <param name="Path">Absolute path of the folder or the <c>.gguf</c> file.</param>
/// <param name="Name">What the user called it.</param>
public sealed record ModelLocation(string Path, string Name, ModelFormat Format);
