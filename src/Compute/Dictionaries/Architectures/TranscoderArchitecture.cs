using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>
/// Encodes one activation and decodes another, e.g. an MLP's input and output. Normalisation of the input is not undone on the output.
/// With a skip, W_skip (d_out × d_in) of the raw input is added to the output, but is no part of the decoder.
/// </summary>
/// <param name="Encoder">Which codes it makes.</param>
public sealed record TranscoderArchitecture(IArchitecture Encoder, bool HasSkip) : IArchitecture
{
    /// <inheritdoc/>
    public string Name =>
        (Encoder is StandardArchitecture ? "" : Encoder.Name + "_") + (HasSkip ? "skip_transcoder" : "transcoder");

    /// <inheritdoc/>
    public bool SubtractsDecoderBias => Encoder.SubtractsDecoderBias;

    /// <inheritdoc/>
    public bool Reconstructs => false;

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters => HasSkip ? [.. Encoder.Parameters, new("W_skip", "oi")] : Encoder.Parameters;

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x) => Encoder.Encode(weights, x);

    /// <inheritdoc/>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) => Encoder.Decode(weights, activations);

    /// <inheritdoc/>
    public Tensor? Skip(DictionaryWeights weights, Tensor x) => HasSkip ? x.matmul(weights["W_skip"].t()) : null;

    /// <inheritdoc/>
    public void AddKeys(JsonObject configuration) => Encoder.AddKeys(configuration);
}
