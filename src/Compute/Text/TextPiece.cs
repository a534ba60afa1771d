namespace InterpActors.Compute.Text;

/// <summary>A stretch of the text on its way to the model.</summary>
/// <param name="AtStart">It begins where the whole text begins.</param>
internal readonly record struct TextPiece(string Text, bool AtStart);
