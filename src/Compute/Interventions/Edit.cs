using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>Overwrites one site of one prompt's forward pass.</summary>
/// <param name="Positions">Positions to overwrite, ascending; null for all. At a pattern: query positions.</param>
/// <param name="Values">
/// [positions, width], in the model's dtype. Width: d_model for streams, d_mlp for <see cref="Component.MlpPost"/>; for q, k, v, z d_head
/// where the site names a head and heads · d_head where it does not; at a pattern (of one head) the number of keys, of which there are as
/// many as the prompt has tokens.
/// </param>
public sealed record Edit(Site Site, IReadOnlyList<int>? Positions, Tensor Values);

/// <summary>One intervened forward of one prompt: all its edits act together.</summary>
/// <param name="Prompt">Index into the base run's prompts.</param>
/// <param name="Edits">Edits of one hook point act in this order; those of different hook points in the order of the forward pass.</param>
public sealed record InterventionRow(int Prompt, IReadOnlyList<Edit> Edits);

/// <summary>What an intervened forward gave.</summary>
/// <param name="Metric">The metric at the prompt's answer position.</param>
/// <param name="ChangedElements">How many activation elements the edits changed.</param>
/// <param name="LargestChange">The largest absolute change of an element; 0 where nothing changed.</param>
/// <param name="Recomputed">False where the effect cannot reach the metric (no element changed, or none that it can see): the metric is
/// then the base run's, exactly.</param>
public readonly record struct RowReading(double Metric, long ChangedElements, double LargestChange, bool Recomputed);
