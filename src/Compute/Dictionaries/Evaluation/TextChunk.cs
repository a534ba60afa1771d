using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// Some texts as activations by token. A token whose activations are all 0 is padding and counts nowhere.
/// </summary>
/// <param name="X">[texts, tokens, d], fp64.</param>
internal sealed record TextChunk(Tensor X)
{
    /// <summary>True where a token is no padding. [texts, tokens, 1]</summary>
    public Tensor Mask { get; } = (X != 0).any(-1, keepdim: true);

    /// <summary>Tokens of each text. [texts, 1]</summary>
    public Tensor Count => Mask.to_type(ScalarType.Float64).sum(1);

    /// <summary>The mean over each text's tokens. [texts, d]</summary>
    public Tensor Mean() => X.sum(1) / Count;

    /// <summary>The mean over each text's tokens of its codes. [texts, d_sae], fp64.</summary>
    public Tensor MeanCodes(SparseDictionary dictionary) => where(Mask, Encode(dictionary).Activations, Zero).sum(1) / Count;

    /// <summary>
    /// What some latents add to each text's mean activation, in units of their decoder rows; padding is encoded as well, as in SAEBench:
    /// what a latent answers to nothing counts there too.
    /// </summary>
    /// <param name="latents">Indices. [n]</param>
    /// <returns>[texts, n], fp64.</returns>
    public Tensor Contributions(SparseDictionary dictionary, Tensor latents)
    {
        var encoding = Encode(dictionary);
        var some = encoding.Frame.RestoreChange(encoding.Activations.index_select(-1, latents)).to_type(ScalarType.Float64);
        // A dictionary that normalises by the length makes nothing of padding.
        return where(Mask, some, some.nan_to_num(0, 0, 0)).sum(1) / Count;
    }

    private static Tensor Zero => zeros(1, ScalarType.Float64);

    private Encoding Encode(SparseDictionary dictionary)
    {
        var encoding = dictionary.Encode(dictionary.FlattensHeads ? X.unsqueeze(-2) : X);
        return encoding with { Activations = encoding.Activations.to_type(ScalarType.Float64) };
    }
}
