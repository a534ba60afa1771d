using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Compute.Dictionaries.Training;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Dictionaries;

/// <summary>A reference run: <c>case.json</c> with SAELens' keys, and the weights to begin with.</summary>
internal sealed record TrainingCase(string Folder, TrainingPlan Plan, int FirstBatch, double ScalingFactor, bool Scaled)
{
    public static TrainingCase Read(string folder)
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "case.json")))!;
        var (sae, schedule) = (json["sae"]!, json["schedule"]!);
        var rate = new LearningRateSchedule((double)schedule["lr"]!, (string)schedule["lr_scheduler"]! == "cosineannealing",
            (double)schedule["lr_end"]!, (int)schedule["lr_warm_up_steps"]!, (int)schedule["lr_decay_steps"]!, (long)schedule["steps"]!);
        var width = (int)sae["d_in"]!;
        var plan = new TrainingPlan(Architecture(sae), new DictionarySizes(width, (int)sae["d_sae"]!, width), ScalarType.Float64, rate,
            (int)schedule["dead_feature_window"]!)
        {
            Adam = new AdamSettings((double)schedule["adam_beta1"]!, (double)schedule["adam_beta2"]!),
        };
        return new TrainingCase(folder, plan, (int)json["first_training_batch"]!, (double?)json["scaling_factor"] ?? 1,
            json["scaling_factor"] is not null);
    }

    public TrainingState Initial(TrainingPlan? plan = null)
    {
        using var file = SafetensorsFile.Open(Path.Combine(Folder, "initial", "sae_weights.safetensors"));
        using var weights = new DictionaryWeights(file.Names.ToArray().Select(n => (n, file.Read(n))));
        var state = TrainingState.From(plan ?? Plan, weights);
        state.ScalingFactor = ScalingFactor;
        return state;
    }

    private static ITrainableArchitecture Architecture(JsonNode sae)
    {
        var subtracts = (bool)sae["apply_b_dec_to_input"]!;
        switch ((string)sae["architecture"]!)
        {
            case "standard":
                return new StandardArchitecture(subtracts)
                { L1 = (double)sae["l1_coefficient"]!, L1WarmUpSteps = (int)sae["l1_warm_up_steps"]! };
            case "gated":
                return new GatedArchitecture(subtracts)
                { L1 = (double)sae["l1_coefficient"]!, L1WarmUpSteps = (int)sae["l1_warm_up_steps"]! };
            case "topk":
                return new TopKArchitecture(subtracts, (int)sae["k"]!, (bool)sae["rescale_acts_by_decoder_norm"]!)
                {
                    DeadLatentWeight = (double)sae["aux_loss_coefficient"]!,
                };
            case "batchtopk":
                return new BatchTopKArchitecture(subtracts, (double)sae["k"]!, (bool)sae["rescale_acts_by_decoder_norm"]!)
                {
                    DeadLatentWeight = (double)sae["aux_loss_coefficient"]!,
                    ThresholdRate = (double)sae["topk_threshold_lr"]!,
                };
            case "matryoshka_batchtopk":
                return new MatryoshkaArchitecture(subtracts, (double)sae["k"]!, (bool)sae["rescale_acts_by_decoder_norm"]!,
                    [.. sae["matryoshka_widths"]!.AsArray().Select(w => (int)w!)])
                {
                    DeadLatentWeight = (double)sae["aux_loss_coefficient"]!,
                    ThresholdRate = (double)sae["topk_threshold_lr"]!,
                    DeadLatentsByLevel = (bool)sae["use_matryoshka_aux_loss"]!,
                };
            case "jumprelu":
                return new JumpReluArchitecture(subtracts)
                {
                    L0 = (double)sae["l0_coefficient"]!,
                    L0WarmUpSteps = (int)sae["l0_warm_up_steps"]!,
                    InitialThreshold = (double)sae["jumprelu_init_threshold"]!,
                    Bandwidth = (double)sae["jumprelu_bandwidth"]!,
                    SparsityLoss = Enum.Parse<SparsityLoss>((string)sae["jumprelu_sparsity_loss_mode"]!, ignoreCase: true),
                    PreActivationWeight = (double?)sae["pre_act_loss_coefficient"],
                    TanhScale = (double)sae["jumprelu_tanh_scale"]!,
                    PassesToInput = (bool)sae["jumprelu_ste_to_input"]!,
                    TargetL0 = (double?)sae["target_l0"],
                };
            default:
                return new MatchingPursuitArchitecture(subtracts, (double)sae["residual_threshold"]!, (int?)sae["max_iterations"],
                    (bool)sae["stop_on_duplicate_support"]!);
        }
    }
}
