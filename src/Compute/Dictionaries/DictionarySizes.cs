namespace InterpActors.Compute.Dictionaries;

/// <summary>The widths of a dictionary.</summary>
/// <param name="Input">d_in: width of an activation that is encoded (heads flattened).</param>
/// <param name="Latents">d_sae.</param>
/// <param name="Output">d_out: width of what is decoded; d_in unless it is a transcoder.</param>
public sealed record DictionarySizes(int Input, int Latents, int Output)
{
    /// <summary>Shape of a tensor whose dimensions are named by <c>i</c> (input), <c>l</c> (latents) and <c>o</c> (output).</summary>
    internal long[] Shape(string dimensions) => [.. dimensions.Select(d => (long)(d switch { 'i' => Input, 'l' => Latents, _ => Output }))];
}
