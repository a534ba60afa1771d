namespace InterpActors.Compute.Models;

/// <summary>How a model is stored.</summary>
public enum ModelFormat { HuggingFaceFolder, Gguf }

/// <summary>Where a model is, after a path or the name of a shipped model was resolved.</summary>
/// <param name="Path">Absolute path of the folder or the <c>.gguf</c> file.</param>
/// <param name="Name">What the user called it.</param>
public sealed record ModelLocation(string Path, string Name, ModelFormat Format);

/// <summary>A file of a model.</summary>
/// <param name="Name">In the model's folder; null where the model is one file.</param>
/// <param name="Path">Absolute.</param>
/// <param name="Sha256">Lower-case hex.</param>
public sealed record ModelFile(string? Name, string Path, string Sha256, long Bytes);
