namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>Accuracies of probes after the latents of one class were ablated, and before.</summary>
/// <param name="Clean">By probe and whose texts it is tested on.</param>
/// <param name="Ablated">The same, by class whose latents are gone and number of latents.</param>
internal sealed record AblationAccuracies(
    IReadOnlyList<string> Classes, Func<string, string, double> Clean, Func<string, int, string, string, double> Ablated);

/// <summary>
/// Targeted probe perturbation and spurious correlation removal as numbers from accuracies. Sources: arXiv:2411.18895; SAEBench, whose
/// names these are.
/// </summary>
internal static class AblationScores
{
    /// <summary>The classes of SCR, each with the one its texts are told apart from; the names are SAEBench's.</summary>
    public static readonly (string Class, string Against)[] Pairs =
    [
        ("male / female", "female_data_only"), ("professor / nurse", "nurse_data_only"),
        ("male_professor / female_nurse", "female_nurse_data_only"),
    ];

    // Where the biased probe is no worse than this, there is nothing to remove.
    private const double LeastGap = 0.001;

    /// <summary>
    /// Of each class, how much its own probe loses without its latents, how much the others lose in the mean, and the difference.
    /// </summary>
    public static (double Total, double Intended, double Unintended) Tpp(AblationAccuracies accuracies, string of, int latents)
    {
        double Loss(string probe) => accuracies.Clean(probe, probe) - accuracies.Ablated(of, latents, probe, probe);
        var (intended, unintended) = (Loss(of), accuracies.Classes.Where(c => c != of).Average(Loss));
        return (intended - unintended, intended, unintended);
    }

    /// <summary>
    /// How much of the accuracy that a probe trained on biased texts lacks comes back without the latents of the spurious class:
    /// direction 1 removes gender and tests profession, 2 the reverse. 0 where the probe lacks nothing.
    /// </summary>
    public static (double First, double Second) Scr(AblationAccuracies accuracies, int latents)
    {
        var (one, two, both) = (Pairs[0].Class, Pairs[1].Class, Pairs[2].Class);
        double Score(string removed, string tested)
        {
            var (clean, biased) = (accuracies.Clean(tested, tested), accuracies.Clean(both, tested));
            return clean - biased < LeastGap ? 0 : (accuracies.Ablated(removed, latents, both, tested) - biased) / (clean - biased);
        }
        return (Score(one, two), Score(two, one));
    }

    /// <summary>The direction in which the biased probe starts lower, which is the score: 1 or 2; null where both start equal.</summary>
    public static int? ScrDirection(AblationAccuracies accuracies)
    {
        var both = Pairs[2].Class;
        return accuracies.Clean(both, Pairs[1].Class).CompareTo(accuracies.Clean(both, Pairs[0].Class)) switch
        {
            < 0 => 1,
            > 0 => 2,
            _ => null,
        };
    }
}
