namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>One number of an evaluation, named as SAEBench names it.</summary>
/// <param name="Group">e.g. <c>reconstruction_quality</c>.</param>
/// <param name="N">Over how many tokens, rows or latents it was taken.</param>
internal sealed record MetricValue(string Group, string Metric, double? Value, long N);
