using System.Buffers.Binary;
using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>One training study with its keys read.</summary>
internal sealed class SaeTrainingMethod(
    StudyContext study, IReadOnlyList<DataArm> arms, IReadOnlyList<TrainingSettings> dictionaries, IReadOnlyList<ExpectedOrder> orders)
        : IStudyMethod
{
    /// <inheritdoc/>
    public IStudyPlan Plan(Study plan) =>
        new SaeTrainingPlan(plan, arms, dictionaries, study.GivenModel?.Config.Name
            ?? (arms[0].Data.World is null ? "activations of a file" : "planted features"));

    /// <inheritdoc/>
    public void Verify(StudySession session)
    {
    }

    /// <inheritdoc/>
    public UnitOutput Run(StudySession session, IStudyPlan plan, WorkUnit unit, UnitContext context)
    {
        var own = (SaeTrainingPlan)plan;
        var folder = context.Folder ?? throw new UnitException(UnitFailureKind.Fatal,
            "this process has no folder for activations and checkpoints; start it with one");
        var place = context.Own ?? Path.Combine(folder, UnitFolders.Training, session.Study.Id.Value, $"{unit.Ordinal}");
        // Also where it stays empty: it says that somebody here works on the study.
        Directory.CreateDirectory(place);
        var store = session.Derived((UnitFolders.Harvest, folder), () => new ShardStore(Path.Combine(folder, UnitFolders.Harvest),
            context.HarvestLimit, context.Artifacts));
        if (own.Shard(unit.Ordinal) is { } shard)
        {
            var rows = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(rows, store.Harvest(shard.Plan, shard.Index, session, context.Cancellation));
            return new UnitOutput(rows, null);
        }
        var dictionary = own.Dictionary(unit.Ordinal)!;
        var batches = session.Derived(("batches", folder, dictionary.Arm.Name), () => dictionary.Arm.Data.Open(session, store));
        var run = new TrainingRun(dictionary, session, batches, store, context, place, Path.Combine(folder, UnitFolders.Artifacts));
        return new UnitOutput(run.Run().ToBytes(), null);
    }

    /// <inheritdoc/>
    public StudyReduction Reduce(Reduction reduction) => new TrainingResult(study, (SaeTrainingPlan)reduction.Plan, orders,
        reduction).Make();
}
