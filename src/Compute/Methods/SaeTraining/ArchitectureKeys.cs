using System.Numerics;
using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>Reads the keys of an architecture; a key of another one is an error that says whose it is.</summary>
internal static class ArchitectureKeys
{
    private const string Standard = "standard";
    private const string Gated = "gated";
    private const string TopK = "topk";
    private const string BatchTopK = "batchtopk";
    private const string JumpRelu = "jumprelu";
    private const string Matryoshka = "matryoshka_batchtopk";
    private const string MatchingPursuit = "matching_pursuit";

    private static readonly Dictionary<string, string[]> Owners = new(StringComparer.Ordinal)
    {
        ["k"] = [TopK, BatchTopK, Matryoshka],
        ["k_start"] = [TopK, BatchTopK, Matryoshka],
        ["k_schedule_steps"] = [TopK, BatchTopK, Matryoshka],
        ["aux"] = [TopK, BatchTopK, Matryoshka],
        ["rescale_by_decoder_norm"] = [TopK, BatchTopK, Matryoshka],
        ["threshold_lr"] = [BatchTopK, Matryoshka],
        ["widths"] = [Matryoshka],
        ["aux_by_level"] = [Matryoshka],
        ["l1"] = [Standard, Gated],
        ["l1_warm_up_steps"] = [Standard, Gated],
        ["l0"] = [JumpRelu],
        ["l0_warm_up_steps"] = [JumpRelu],
        ["sparsity_loss"] = [JumpRelu],
        ["tanh_scale"] = [JumpRelu],
        ["target_l0"] = [JumpRelu],
        ["threshold_init"] = [JumpRelu],
        ["bandwidth"] = [JumpRelu],
        ["pre_act"] = [JumpRelu],
        ["ste_to_input"] = [JumpRelu],
        ["residual_threshold"] = [MatchingPursuit],
        ["max_iterations"] = [MatchingPursuit],
        ["stop_on_duplicate_support"] = [MatchingPursuit],
    };

    /// <summary>Every architecture that can be trained.</summary>
    public static IReadOnlyList<string> Names { get; } = [Standard, Gated, TopK, BatchTopK, JumpRelu, Matryoshka, MatchingPursuit];

    /// <summary>The norm that decoder rows begin with where the study names none.</summary>
    public static double DecoderNorm(string architecture) => architecture == MatchingPursuit ? 1 : 0.1;

    /// <param name="steps">Of the run.</param>
    /// <exception cref="StudyException">A value is out of range or a key is another architecture's.</exception>
    public static ITrainableArchitecture Read(StudySection method, string name, int latents, long steps)
    {
        foreach (var key in method.Keys)
            if (Owners.TryGetValue(key, out var owners) && !owners.Contains(name) && method.Has(key))
                throw method.Wrong(key, $"is a key of {string.Join(", ", owners)}; the architecture is {name}", "leave it out");
        var centres = method.Flag("apply_b_dec_to_input", true);
        switch (name)
        {
            case Standard: return new StandardArchitecture(centres) { L1 = L1(method), L1WarmUpSteps = WarmUp(method, "l1_warm_up_steps") };
            case Gated: return new GatedArchitecture(centres) { L1 = L1(method), L1WarmUpSteps = WarmUp(method, "l1_warm_up_steps") };
            case JumpRelu: return ReadJumpRelu(method, centres);
            case MatchingPursuit:
                return new MatchingPursuitArchitecture(centres, method.Number("residual_threshold", 0.01, 0),
                    method.Has("max_iterations") ? method.Int("max_iterations", null, 1) : null,
                        method.Flag("stop_on_duplicate_support", true));
            case TopK:
                var whole = method.Int("k", 100, 1);
                CheckK(method, "k", whole, latents);
                var wholeSteps = ScheduleSteps(method, steps);
                return new TopKArchitecture(centres, whole, Rescales(method))
                {
                    DeadLatentWeight = Aux(method),
                    FirstK = wholeSteps is null ? null : CheckK(method, "k_start", method.Int("k_start", null, 1), latents),
                    KSteps = wholeSteps ?? 0,
                };
            default:
                var k = method.Number("k", 100, 0);
                CheckK(method, "k", k, latents);
                var kSteps = ScheduleSteps(method, steps);
                double? firstK = kSteps is null ? null : CheckK(method, "k_start", method.Number("k_start", null, 0), latents);
                if (name == BatchTopK)
                    return new BatchTopKArchitecture(centres, k, Rescales(method))
                    {
                        DeadLatentWeight = Aux(method),
                        ThresholdRate = ThresholdRate(method),
                        FirstK = firstK,
                        KSteps = kSteps ?? 0,
                    };
                return new MatryoshkaArchitecture(centres, k, Rescales(method), Widths(method, latents))
                {
                    DeadLatentWeight = Aux(method),
                    ThresholdRate = ThresholdRate(method),
                    DeadLatentsByLevel = method.Flag("aux_by_level", false),
                    FirstK = firstK,
                    KSteps = kSteps ?? 0,
                };
        }
    }

    private static JumpReluArchitecture ReadJumpRelu(StudySection method, bool centres)
    {
        var loss = method.OneOf("sparsity_loss", ["step", "tanh", "quadratic"], "step");
        if (loss != "tanh" && method.Has("tanh_scale")) throw method.Wrong("tanh_scale", "goes with sparsity_loss = tanh");
        if (loss != "quadratic" && method.Has("target_l0")) throw method.Wrong("target_l0", "goes with sparsity_loss = quadratic");
        var noTerm = !method.Has("pre_act") || method.Text("pre_act") == "none";
        return new JumpReluArchitecture(centres)
        {
            L0 = method.Number("l0", 1, 0),
            L0WarmUpSteps = WarmUp(method, "l0_warm_up_steps"),
            SparsityLoss = loss switch { "tanh" => SparsityLoss.Tanh, "quadratic" => SparsityLoss.Quadratic, _ => SparsityLoss.Step },
            TanhScale = loss == "tanh" ? method.Number("tanh_scale", 4, 0) : 4,
            TargetL0 = loss == "quadratic" ? method.Number("target_l0", null, double.Epsilon) : null,
            InitialThreshold = method.Number("threshold_init", 0.01, 0),
            Bandwidth = method.Number("bandwidth", 0.05, double.Epsilon),
            PreActivationWeight = noTerm ? null : method.Number("pre_act", null, 0),
            PassesToInput = method.Flag("ste_to_input", false),
        };
    }

    private static T CheckK<T>(StudySection method, string key, T k, int latents) where T : INumber<T>
    {
        if (k <= T.Zero) throw method.Wrong(key, "must be above 0");
        return k <= T.CreateChecked(latents) ? k : throw method.Wrong(key,
            FormattableString.Invariant($"{key} = {k} is more than the {latents} latents there are"),
            $"make d_sae larger or {key} smaller");
    }

    /// <summary>Steps over which k goes from <c>k_start</c> to <c>k</c>; null where it is the same throughout.</summary>
    private static int? ScheduleSteps(StudySection method, long steps)
    {
        if (!method.Has("k_start") && !method.Has("k_schedule_steps")) return null;
        if (!method.Has("k_start")) throw method.Wrong("k_schedule_steps", "goes with k_start, the k of the first step");
        var over = method.Int("k_schedule_steps", null, 1);
        return over <= steps ? over : throw method.Wrong("k_schedule_steps", $"k is reached after {over} steps, the run has {steps}");
    }

    private static IReadOnlyList<int> Widths(StudySection method, int latents)
    {
        var widths = method.Ints("widths", 1) ?? throw method.Missing("widths",
            $"rising prefixes that end with d_sae, e.g. widths = [{Math.Max(1, latents / 4)}, {latents}]");
        if (widths.Zip(widths.Skip(1)).Any(w => w.First >= w.Second)) throw method.Wrong("widths", "do not rise");
        if (widths.Count == 0 || widths[^1] != latents) throw method.Wrong("widths", $"must end with d_sae, {latents}");
        return widths;
    }

    private static double L1(StudySection method) => method.Number("l1", 1, 0);

    private static int WarmUp(StudySection method, string key) => method.Int(key, 0, 0);

    private static bool Rescales(StudySection method) => method.Flag("rescale_by_decoder_norm", true);

    private static double Aux(StudySection method) => method.Number("aux", 1, 0);

    private static double ThresholdRate(StudySection method) => method.Number("threshold_lr", 0.01, 0, 1);
}
