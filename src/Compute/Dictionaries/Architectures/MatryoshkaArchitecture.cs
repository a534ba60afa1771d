using System.Text.Json.Nodes;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>BatchTopK trained so that each prefix of the latents reconstructs on its own: early latents stay general.</summary>
/// <param name="Widths">Rising prefixes; the last is d_sae.</param>
public sealed record MatryoshkaArchitecture(bool SubtractsDecoderBias, double K, bool RescalesByDecoderNorm, IReadOnlyList<int> Widths)
    : BatchTopKArchitecture(SubtractsDecoderBias, K, RescalesByDecoderNorm)
{
    /// <inheritdoc/>
    public override string Name => "matryoshka_batchtopk";

    /// <inheritdoc/>
    public override void AddKeys(JsonObject configuration)
    {
        base.AddKeys(configuration);
        configuration["matryoshka_widths"] = new JsonArray([.. Widths.Select(w => (JsonNode)w)]);
    }
}
