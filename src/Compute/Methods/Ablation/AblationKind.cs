using InterpActors.Compute.Interventions;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Sweeps;
using InterpActors.Compute.Sweeps.Latents;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.Ablation;

/// <summary>Ablation: an activation of the clean run is replaced by a value that carries less, one place after another.</summary>
public sealed class AblationKind : IStudyKind
{
    private static readonly Component[] Ablatable = [.. Enum.GetValues<Component>()];

    public string Name => "ablation";

    public StudyKindHelp Help { get; } = new(
        "overwrites activations of the clean run and sees what is lost",
        [
            .. SweepKeys.Help("all"),
            new("sets", null, "list of sites ablated together, e.g. [\"a2.h0 a3.h0\", \"a1.h3 m2\"]: "
                + "head 0 of layers 2 and 3; head 3 of layer 1 and the MLP of layer 2"),
            LatentSource.Help,
            new("value", null, string.Join(", ", AblationValues.Words)),
            new("reference", "clean", "where means and the noise's scale come from: clean, corrupted, "
                + "or a safetensors file with tensors named by hook, [width] or [pos, width]"),
            new("sigma", "1", "with value = noise: standard deviation of the Gaussian noise added to the clean activation, "
                + "in units of the standard deviation of the reference activation's entries"),
        ],
        "effect = ablated − clean, score = effect / clean; means over prompts",
        "1 + cells forwards a prompt (one more for the corrupted run), less what no intervention can reach",
        "Wang et al. 2022 (arXiv:2211.00593) for means by template; Michel et al. 2019 (arXiv:1905.10650) for zeroed heads; "
            + "Chan et al. 2022 (causal scrubbing) for resampling");

    /// <inheritdoc/>
    public IStudyMethod Read(StudySection method, StudyContext study)
    {
        var grid = SweepKeys.Read(method, study, new SweepKeyOptions(Ablatable, Granularity.All) { Sets = true, Latents = true });
        var value = AblationValues.Read(method, study, grid);
        return new AblationMethod(study, grid, value);
    }
}
