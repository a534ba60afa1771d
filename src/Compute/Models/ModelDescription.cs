namespace InterpActors.Compute.Models;

/// <summary>What a configuration says beyond the model's shape: which weights its files must hold.</summary>
/// <param name="Tied">The unembedding is the embedding.</param>
/// <param name="AttentionBias">q, k, v (and for llama the output) have biases even if the configuration is all that says so.</param>
/// <param name="MlpBias">The MLP has biases.</param>
internal sealed record ModelDescription(ModelConfig Config, bool Tied, bool AttentionBias, bool MlpBias);
