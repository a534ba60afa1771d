using InterpActors.Compute.Dictionaries.Training;
using TorchSharp;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>One dictionary of a training study.</summary>
/// <param name="Labels">Architecture, data and swept values, which tell it from the others of the study.</param>
/// <param name="Seed">Of its initial weights.</param>
/// <param name="Initial">Weights to start from; null for random ones.</param>
internal sealed record TrainingSettings(IReadOnlyList<string> Labels, long Seed, DataArm Arm, TrainingPlan Plan, long Steps,
    InitialWeights? Initial, ScaleSettings Scale)
{
    /// <summary>Tells it from the others of the study; the name of its folder.</summary>
    public string Name { get; } = string.Join('-', Labels);

    /// <summary>Lines that its figures should keep to.</summary>
    public required IReadOnlyList<ExpectedLine> Expected { get; init; }

    /// <summary>Steps between checkpoints.</summary>
    public required int CheckpointEvery { get; init; }

    /// <summary>How many checkpoints stay.</summary>
    public required int CheckpointsKept { get; init; }

    /// <summary>Steps between rows of <c>training.csv</c>; the last step has one too.</summary>
    public required int LogEvery { get; init; }

    /// <summary>Name of the saved dictionary's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>Element type of the saved dictionary.</summary>
    public required torch.ScalarType SavedType { get; init; }

    /// <summary>Batches that are read before the first one that is trained on.</summary>
    public long FirstBatch => Scale.Reuses ? 0 : Scale.Batches;

    /// <summary>Batches that the run reads.</summary>
    public long Batches => Math.Max(FirstBatch + Steps, Scale.Batches);

    /// <summary>True where k is not the same in all steps.</summary>
    public bool SchedulesK => Plan.Architecture.KeptAt(0) != Plan.Architecture.KeptAt(Steps - 1);

    /// <summary>True where a step has a row in <c>training.csv</c>.</summary>
    public bool Logs(long step) => step % LogEvery == 0 || step == Steps - 1;

    /// <summary>The steps whose checkpoints stay once so many are done, last first: a matter of the schedule, whoever wrote them.</summary>
    public IEnumerable<long> KeptSteps(long stepsDone)
    {
        var before = (stepsDone - 1) / CheckpointEvery * CheckpointEvery;
        return Enumerable.Range(0, CheckpointsKept).Select(i => i == 0 ? stepsDone : before - (i - 1L) * CheckpointEvery)
            .TakeWhile(s => s > 0);
    }

    /// <summary>True where a checkpoint follows a step.</summary>
    public bool Saves(long stepsDone) => stepsDone % CheckpointEvery == 0 || stepsDone == Steps;
}

/// <summary>How activations are scaled before training.</summary>
/// <param name="Batches">So many batches, from the first, give the estimate.</param>
/// <param name="Reuses">Whether they are trained on too.</param>
public sealed record ScaleSettings(DataScaling Kind, int Batches, bool Reuses);

/// <summary>A safetensors file with the tensors of the plan's architecture.</summary>
/// <param name="Path">Absolute.</param>
public sealed record InitialWeights(string Path)
{
    /// <summary>Tensors of the architecture that the file may lack: adaptive state that begins with 0.</summary>
    public static bool MayLack(TrainingPlan plan, string parameter) => plan.Architecture.AdaptiveState.Contains(parameter);
}
