using InterpActors.Compute.Interventions;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Sweeps;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Studies;

/// <summary>Multiplies the output of one head after another by a factor.</summary>
public sealed class HeadScalingKind : IStudyKind
{
    public string Name => "head-scaling";

    public StudyKindHelp Help { get; } = new(
        "multiplies the output of one head after another by a factor",
        [.. SweepKeys.Help("all"), new KeyHelp("factor", "0.5", "what z is multiplied by")],
        "effect = scaled − clean, score = effect / clean",
        "1 + cells forwards a prompt",
        "an example");

    public IStudyMethod Read(StudySection method, StudyContext study)
    {
        var grid = SweepKeys.Read(method, study, new SweepKeyOptions([Component.Z], Granularity.All));
        return new HeadScalingMethod(study, grid, method.Number("factor", 0.5));
    }
}

/// <summary>One head-scaling study with its keys read.</summary>
public sealed class HeadScalingMethod(StudyContext study, SweepGrid grid, double factor) : SweepMethod(study, grid)
{
    protected override EngineKind Engine => EngineKind.Ablation;

    protected override string Spoken => "head scaling";

    public override SweepScoring Scoring { get; } = new(null, "scaled", BaseIsCorrupted: false, ToOtherRun: false, NeedsDenominator: true);

    protected override IReadOnlyCollection<Component> Reads => [Component.Z];

    public override MethodView View { get; } =
        new("Head scaling", $"Each head's output is multiplied by {factor}.", "effect = scaled − clean", "an example");

    protected override Edit MakeEdit(StudySession session, PromptShard shard, Site site, int prompt, int[] positions) =>
        new(site, positions, SiteValues.Of(shard.Clean, session.Context.Model.Config, site, prompt, positions) * factor);

    public override string Sentence(FoldedCell cell, string where) => $"Scaling {where} changes the metric by {cell.Row.Effect}";
}
