using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>What an encoder makes of activations.</summary>
/// <param name="PreActivations">[…, d_sae], before the nonlinearity; null where the architecture has none.</param>
/// <param name="Activations">[…, d_sae], the codes.</param>
public readonly record struct Codes(Tensor? PreActivations, Tensor Activations);

/// <summary>A tensor that an architecture has.</summary>
/// <param name="Dimensions">One letter each: i input, l latents, o output.</param>
public sealed record Parameter(string Name, string Dimensions);

/// <summary>
/// An architecture with its hyper-parameters: which tensors it has, and how codes and reconstructions follow from them. It holds no
/// tensors. Formulas and conventions are those of SAELens 6.
/// </summary>
public interface IArchitecture
{
    /// <summary>SAELens' name.</summary>
    string Name { get; }

    /// <summary>Whether b_dec is subtracted from what is encoded.</summary>
    bool SubtractsDecoderBias { get; }

    /// <summary>The tensors, in SAELens' order.</summary>
    IReadOnlyList<Parameter> Parameters { get; }

    /// <param name="x">[…, d_in], normalised.</param>
    Codes Encode(DictionaryWeights weights, Tensor x);

    /// <param name="activations">[…, d_sae]</param>
    /// <returns>[…, d_out]</returns>
    Tensor Decode(DictionaryWeights weights, Tensor activations);

    /// <summary>What goes straight from input to output, […, d_out]; null where nothing does.</summary>
    /// <param name="x">The raw input, […, d_in].</param>
    Tensor? Skip(DictionaryWeights weights, Tensor x) => null;

    /// <summary>True where input and output are of one kind, so that normalisation is undone on the output.</summary>
    bool Reconstructs => true;

    /// <summary>Adds the architecture's own keys of <c>cfg.json</c>.</summary>
    void AddKeys(JsonObject configuration)
    {
    }
}
