using InterpActors.Compute.Methods.Ablation;
using InterpActors.Compute.Methods.ActivationPatching;
using InterpActors.Compute.Methods.HeadMetrics;
using InterpActors.Compute.Methods.SaeEvaluation;
using InterpActors.Compute.Methods.SaeTraining;

namespace InterpActors.Compute.Studies;

/// <summary>Every kind of study, one line each.</summary>
public static class StudyKinds
{
    public static IReadOnlyList<IStudyKind> All { get; } =
    [
        new ActivationPatchingKind(),
        new AblationKind(),
        new HeadMetricsKind(),
        new SaeEvaluationKind(),
        new SaeTrainingKind(),
    ];
}
