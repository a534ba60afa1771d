namespace InterpActors.Compute.Metrics;

/// <summary>The metric kinds of the contract.</summary>
public static class MetricWords
{
    public const string LogitDifference = "logit-difference";
    public const string Probability = "probability";
    public const string ProbabilityDifference = "probability-difference";
    public const string KullbackLeibler = "kl";
    public const string NegativeLogLikelihood = "nll";
    public const string Accuracy = "accuracy";

    /// <summary>Every word, in the contract's order.</summary>
    public static IReadOnlyList<string> All { get; } =
        [LogitDifference, Probability, ProbabilityDifference, KullbackLeibler, NegativeLogLikelihood, Accuracy];

    /// <summary>True where the metric compares right answers with wrong ones, so that every prompt must have both.</summary>
    public static bool NeedsWrong(string kind) => kind is LogitDifference or ProbabilityDifference;

    /// <summary>True where the metric reads the right answers at all.</summary>
    public static bool NeedsAnswers(string kind) => kind != KullbackLeibler;

    /// <summary>The kind as people say it: <c>logit difference</c>.</summary>
    public static string Spoken(string kind) => kind switch
    {
        KullbackLeibler => "KL divergence",
        NegativeLogLikelihood => "negative log-likelihood",
        _ => kind.Replace('-', ' '),
    };
}
