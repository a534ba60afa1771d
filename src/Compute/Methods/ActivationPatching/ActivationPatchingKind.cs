using InterpActors.Compute.Interventions;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Sweeps;
using InterpActors.Compute.Sweeps.Latents;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.ActivationPatching;

/// <summary>Activation patching: an activation of one run of a pair is written into the other run, one place after another.</summary>
public sealed class ActivationPatchingKind : IStudyKind
{
    private static readonly Component[] Patchable = [.. Enum.GetValues<Component>()];

    public string Name => "activation-patching";

    public StudyKindHelp Help { get; } = new(
        "writes activations of one run of a pair into the other and sees what comes back",
        [
            .. SweepKeys.Help("position"),
            LatentSource.Help,
            new("direction", "denoising", "denoising (clean values into the corrupted run) or noising (the reverse)"),
        ],
        "denoising (patched − corrupted) / (clean − corrupted), noising (patched − clean) / (corrupted − clean); "
            + "ratios of means over prompts",
        "2 + cells forwards a pair, less what no intervention can reach",
        "Vig et al. 2020 (arXiv:2004.12265); Meng et al. 2022 (arXiv:2202.05262); practice: Heimersheim and Nanda 2024 (arXiv:2404.15255)");

    /// <inheritdoc/>
    public IStudyMethod Read(StudySection method, StudyContext study)
    {
        var grid = SweepKeys.Read(method, study, new SweepKeyOptions(Patchable, Granularity.Position) { Latents = true });
        if (grid.Source?.Doses is not null)
            throw method.Wrong(LatentSource.Key, "doses go with an ablation's value = set", "leave doses out");
        var denoising = method.OneOf("direction", ["denoising", "noising"], "denoising") == "denoising";
        if (study.Task.Prompts.FirstOrDefault(p => p.Corrupted is null) is { } single)
            throw new StudyException($"activation patching needs pairs, and prompt {single.Id} has no corrupted twin",
                method.Place.ToString(), "give it \"corrupt\", or use an ablation");
        if (study.Task.Prompts.All(p => p.Clean.AsSpan().SequenceEqual(p.Corrupted)))
            throw new StudyException("clean and corrupted prompts are all the same, so no score can be formed", method.Place.ToString(),
                "change the corrupted prompts");
        return new ActivationPatchingMethod(study, grid, denoising);
    }
}
