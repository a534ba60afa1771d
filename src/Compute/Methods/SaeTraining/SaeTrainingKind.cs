using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>Trains sparse autoencoders on activations: one, or one for each combination of the study's <c>sweep</c>.</summary>
public sealed class SaeTrainingKind : IStudyKind
{
    public string Name => "sae-training";

    public bool TakesTask => false;

    public IReadOnlyList<string> Devices => [DeviceNames.Cpu];

    public StudyKindHelp Help { get; } = new(
        "trains sparse autoencoders on activations of a model or of a file, resumable to the bit",
        [
            new("architecture", null, string.Join(", ", ArchitectureKeys.Names)),
            new("d_sae | expansion", null, "number of latents, or that many times d_in; d_in comes from the data"),
            new("dtype", "fp32", "fp32 or fp64, of weights and optimiser"),
            new("init", "random", "{ kind = random, decoder_norm = 0.1 } or { kind = file, path = \"SAELens folder\" }"),
            new("apply_b_dec_to_input", "true", "whether b_dec is subtracted from what is encoded"),
            new("k", "100", "topk: latents a row; batchtopk, matryoshka_batchtopk: the same in the mean, may be fractional"),
            new("k_start, k_schedule_steps", null, "topk family: k of the first step, from which it goes linearly to k in so many steps; "
                + "training.csv then has a column k"),
            new("aux", "1", "topk family: weight of the dead-latent loss"),
            new("rescale_by_decoder_norm", "true", "topk family: choose in units of decoder norms"),
            new("threshold_lr", "0.01", "batchtopk, matryoshka_batchtopk: rate of the threshold's moving average"),
            new("widths", null, "matryoshka_batchtopk: rising prefixes, the last d_sae; aux_by_level = false"),
            new("l1", "1", "standard, gated: weight of the sparsity loss; l1_warm_up_steps = 0"),
            new("l0", "1", "jumprelu: weight of the sparsity loss; l0_warm_up_steps = 0, sparsity_loss = step | tanh | quadratic, "
                + "tanh_scale = 4, "
                + "target_l0, threshold_init = 0.01, bandwidth = 0.05, pre_act = none, ste_to_input = false"),
            new("residual_threshold", "0.01", "matching_pursuit; max_iterations = d_in, stop_on_duplicate_support = true"),
            new("optimiser", "adam", "{ lr = 3e-4, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, clip = 1 }"),
            new("schedule", "constant", "{ lr = constant | cosine, lr_end = lr / 10, lr_warm_up_steps = 0, lr_decay_steps = 0 }"),
            new("normalisation", "none",
                "{ kind = none | mean-norm | root-mean-square | layer-norm | constant-norm, batches = 1000, reuse = false }"),
            new("dead_window", "1000", "a latent is dead after so many steps without firing"),
            new("batch", "4096", "rows of a batch"),
            new("steps | tokens", null, "length of the run: steps, or tokens as 80M"),
            new("data", null, "{ kind = activations, file, tensor, order = file | shuffled }, "
                + "{ kind = model, hook, tokens, tensor, context, "
                + "exclude_tokens, exclude_first = 0, max_norm = 0, buffer = 20 batches, mix = 0.5 } or { kind = chat, hook, file, "
                + "context, packing = none | "
                + "blocks | blocks-masked, per_batch = 8, special_tokens, exclude_tokens, … }; activations are spilled to disk, at most "
                + "64 GiB of them unless the setting interp.work.harvest-limit says otherwise"),
            new("data, planted", null,
                "{ kind = planted, world = tree, level = 1, seed } or { kind = planted, world = synthetic, features = 256, width = 64, "
                + "most_likely = 0.3, least_likely = 0.005, roots = 8, branching = 3, depth = 3, correlation_rank = 25, "
                + "correlation_scale = 0.1, "
                + "compensate = true, bias = 0.5, seed } or { kind = planted, world = chat, packing = none | blocks, "
                + "corpus = conversations | text, width = 48, topics = 24, words = 48, leak = 1, context = 256, seed }: rows whose "
                + "features are known, to which the dictionaries are compared at the end"),
            new("evaluate", null, "{ data { … } }: held-out rows on which every dictionary is measured at its end: eval_mse, "
                + "eval_explained_variance, eval_l0 and, with data of kind chat (or planted, world = chat), eval_mse_special and "
                + "eval_mse_text; the hook is that of the training data"),
            new("expect", null, "lines that figures should reach, e.g. [\"mcc >= 0.97\", \"seconds <= 40\"]: of evaluate, of planted data, "
                + "or the seconds of the whole run; the report says whether they did"),
            new("expect_order", null, "the same between dictionaries of a sweep, by data or architecture: "
                + "[\"eval_mse_special: fast < btf < btp\"]"),
            new("sweep (of the study)", null, "{ k = [16, 32], seed = [0, 1] }: a dictionary for each combination; "
                + "architecture { topk { k = 2 }, standard { l1 = 5 } }: architectures with keys of their own; "
                + "data { fast { packing = none }, btf { packing = blocks } }: several data, each laid over the method's; "
                + "data { hook = [blocks.1.hook_resid_post, blocks.2.hook_resid_post] }: several hooks"),
            new("checkpoint_every", "1000", "steps between checkpoints; checkpoints_kept = 2 of them stay"),
            new("log_every", "10", "steps between rows of training.csv"),
            new("output", "sae", "{ layout = saelens, folder = sae, dtype }"),
        ],
        "the architecture's loss, summed over the width, mean over rows; Adam; gradients clipped to a norm of 1 together",
        "12 · d_in · d_sae · batch operations a step at most; activations are computed once for all dictionaries of a sweep",
        "SAELens 6; Bricken et al. 2023, Gao et al. 2024 (topk), Bussmann et al. 2024 (batchtopk, matryoshka), Rajamanoharan et al. "
            + "2024 (gated, jumprelu)");

    /// <inheritdoc/>
    public IStudyMethod Read(StudySection method, StudyContext study)
    {
        var arms = DataArm.ReadAll(method, study);
        var dictionaries = TrainingSweep.Read(method, study, arms);
        return new SaeTrainingMethod(study, arms, dictionaries, ExpectedOrder.Read(method, dictionaries));
    }
}
