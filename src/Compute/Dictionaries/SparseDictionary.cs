using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries.Architectures;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries;

/// <summary>Codes of some activations, with what decoding needs to know of them.</summary>
/// <param name="PreActivations">[…, d_sae] before the nonlinearity; null for matching pursuit.</param>
/// <param name="Activations">[…, d_sae]</param>
/// <param name="Frame">How the input was normalised.</param>
public sealed record Encoding(Tensor? PreActivations, Tensor Activations, InputFrame Frame);

/// <summary>
/// A sparse autoencoder or transcoder, ready to encode and decode: an architecture, its tensors, and what its folder says about them.
/// Results are of the caller's dispose scope. Any number of threads may use one at a time.
/// </summary>
public sealed class SparseDictionary : IDisposable
{
    /// <param name="weights">Taken over. All of one floating-point type.</param>
    public SparseDictionary(IArchitecture architecture, DictionarySizes sizes, InputNormalisation normalisation, bool flattensHeads,
        DictionaryWeights weights, JsonObject metadata)
    {
        (Architecture, Sizes, Normalisation, FlattensHeads) = (architecture, sizes, normalisation, flattensHeads);
        (Weights, Metadata) = (weights, metadata);
    }

    public IArchitecture Architecture { get; }

    public DictionarySizes Sizes { get; }

    public InputNormalisation Normalisation { get; }

    /// <summary>True where the input is […, heads, d_head] (hook_z).</summary>
    public bool FlattensHeads { get; }

    public DictionaryWeights Weights { get; }

    /// <summary><c>metadata</c> of <c>cfg.json</c>: model, hook and whatever else the writer put there.</summary>
    public JsonObject Metadata { get; }

    /// <summary>Type of the arithmetic: inputs are converted to it.</summary>
    public ScalarType Type => Weights["W_dec"].dtype;

    /// <summary>The hook it was trained at; null where the folder does not say.</summary>
    public string? HookName => Metadata["hook_name"]?.GetValue<string>();

    /// <param name="x">[…, d_in], or […, heads, d_head] where <see cref="FlattensHeads"/>.</param>
    public Encoding Encode(Tensor x)
    {
        var (input, frame) = InputFrame.Of(x.to_type(Type), Normalisation, FlattensHeads);
        var codes = Architecture.Encode(Weights, input);
        return new Encoding(codes.PreActivations, codes.Activations, frame);
    }

    /// <param name="activations">[…, d_sae], e.g. with a latent changed.</param>
    /// <param name="frame">That of the encoding.</param>
    /// <returns>As the input was; of a transcoder […, d_out].</returns>
    public Tensor Decode(Tensor activations, InputFrame frame)
    {
        var decoded = Architecture.Decode(Weights, activations);
        return Architecture.Reconstructs ? frame.Restore(decoded) : decoded;
    }

    /// <summary>Decoded codes, with what a skip transcoder passes by them.</summary>
    /// <param name="reconstruction">Of <see cref="Decode"/>.</param>
    /// <param name="x">The raw input.</param>
    public Tensor Forward(Tensor reconstruction, Tensor x) =>
        Architecture.Skip(Weights, x.to_type(Type)) is { } skip ? reconstruction + skip : reconstruction;

    /// <inheritdoc/>
    public void Dispose() => Weights.Dispose();
}
