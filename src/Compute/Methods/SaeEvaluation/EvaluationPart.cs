using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>A row of <c>results.csv</c> of an evaluation.</summary>
internal sealed record EvaluationRow(EvaluatedDictionary Sae, string? Hook, MetricValue Metric)
{
    /// <summary>The metric that counts the rows of kept tokens that <c>max_norm</c> left out; its n: of how many.</summary>
    public const string TooLong = "rows_over_max_norm";
}

/// <summary>
/// One question that an evaluation asks of one dictionary: some units, and what their payloads say together. Immutable and thread-safe.
/// </summary>
internal abstract class EvaluationPart(EvaluatedDictionary sae)
{
    public EvaluatedDictionary Sae { get; } = sae;

    /// <summary>The progress bar of its units.</summary>
    public abstract string Track { get; }

    public abstract int Units { get; }

    /// <summary>Floating-point operations of all its units.</summary>
    public virtual double Flops => 0;

    /// <summary>Forward passes of the model in all its units.</summary>
    public virtual double Forwards => 0;

    /// <summary>Memory that a unit needs beside the dictionary.</summary>
    public virtual long Bytes => 0;

    /// <summary>Looks at what only the data themselves can tell.</summary>
    /// <exception cref="Messages.Studies.StudyException">They cannot be used.</exception>
    public virtual void Verify(StudySession session)
    {
    }

    public abstract NumberPayload Run(StudySession session, int unit, CancellationToken cancellation);

    /// <summary>What the payloads say.</summary>
    /// <param name="payloads">All of them, by unit.</param>
    public abstract IEnumerable<EvaluationRow> Rows(IReadOnlyList<NumberPayload> payloads);

    /// <summary>Rows of further tables, by the table's name.</summary>
    public virtual IEnumerable<(EvaluationTable Table, IReadOnlyList<object?> Row)> TableRows(IReadOnlyList<NumberPayload> payloads) => [];

    /// <summary>Pages of its own beside the report.</summary>
    public virtual IEnumerable<ExtraFile> Files(IReadOnlyList<NumberPayload> payloads) => [];

    /// <summary>Large results of its own.</summary>
    public virtual IEnumerable<ExtraArtifact> Artifacts(IReadOnlyList<NumberPayload> payloads) => [];

    /// <summary>Notes in a unit's payload how many rows of its data counted, and how many were too long, where there is a bound.</summary>
    protected static NumberPayload Count(NumberPayload payload, KeptRows rows, long counted, long tooLong) =>
        rows.IsBounded ? payload.Add("counted and too long", counted, tooLong) : payload;

    /// <summary>What the units noted with <see cref="Count"/>; nothing where there is no bound.</summary>
    protected IEnumerable<EvaluationRow> LeftOut(string group, IEnumerable<NumberPayload> payloads, KeptRows rows, string hook)
    {
        if (!rows.IsBounded) yield break;
        var noted = payloads.Select(p => p["counted and too long"]).ToArray();
        var tooLong = noted.Sum(n => n[1]);
        yield return new EvaluationRow(Sae, hook, new MetricValue(group, EvaluationRow.TooLong, tooLong,
            (long)(noted.Sum(n => n[0]) + tooLong)));
    }
}

/// <summary>The tables of an evaluation beside <c>results.csv</c>.</summary>
internal sealed record EvaluationTable(string FileName, IReadOnlyList<string> Columns)
{
    public static readonly EvaluationTable Latents = new("latents.csv",
        ["sae", "latent", "feature_density", "consistent_activation_heuristic", "encoder_bias", "encoder_norm",
            "encoder_decoder_cosine_sim", "max_decoder_cosine_sim", "max_encoder_cosine_sim"]);

    public static readonly EvaluationTable Densities = new("densities.csv", ["sae", "log10_from", "log10_to", "latents"]);

    public static readonly EvaluationTable Matches = new("matches.csv",
        ["sae", "latent", "matched_feature", "best_feature", "cosine", "true_positives", "false_positives", "false_negatives"]);

    public static readonly EvaluationTable Absorption = new("absorption.csv",
        ["sae", "parent", "row", "absorption_fraction", "full_absorption"]);

    /// <summary>Coefficients of sparse probes; the row without a column is the intercept.</summary>
    public static readonly EvaluationTable Probes = new("probes.csv",
        ["sae", "on", "k", "column", "coefficient", "train_accuracy", "test_accuracy"]);

    /// <summary>Accuracies of probes with some latents ablated; the first rows are without any.</summary>
    public static readonly EvaluationTable Ablations = new("ablations.csv",
        ["sae", "metric", "ablated", "top_n", "latents", "probe", "texts", "accuracy", "n"]);

    /// <summary>The latents that speak for a class, in the order in which they are ablated.</summary>
    public static readonly EvaluationTable Effects = new("effects.csv", ["sae", "metric", "class", "rank", "latent", "effect"]);

    public static IReadOnlyList<EvaluationTable> All { get; } = [Latents, Densities, Matches, Absorption, Probes, Ablations, Effects];
}
