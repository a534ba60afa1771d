namespace InterpActors.Compute.Models;

/// <summary>What <c>interp model inspect</c> says about a model besides its hook points.</summary>
/// <param name="Parameters">Every parameter once; a tied unembedding does not count again.</param>
/// <param name="HasTokenizer">The folder or file brings a tokenizer.</param>
/// <param name="FileBytes">Size of the weight files.</param>
/// <param name="StoredTypes">The file's element types with the number of parameters in each, most first.</param>
public sealed record ModelInspection(
    ModelLocation Location, ModelConfig Config, long Parameters, bool TiedUnembedding, bool HasTokenizer, long FileBytes,
    IReadOnlyDictionary<string, long> StoredTypes)
{
    /// <summary>Bytes of the weights in memory, as they are stored.</summary>
    public long BytesFp32 => 4 * Parameters;

    /// <inheritdoc cref="BytesFp32"/>
    public long BytesFp64 => 8 * Parameters;
}
