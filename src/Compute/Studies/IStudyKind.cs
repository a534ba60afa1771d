using InterpActors.Compute.Metrics;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Statistics;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Studies;

/// <summary>
/// A kind of study: one folder under <c>Methods/</c> and one line in <see cref="StudyKinds"/>. Stateless; what a study file asks for is
/// in the <see cref="IStudyMethod"/> that <see cref="Read"/> gives.
/// </summary>
public interface IStudyKind
{
    /// <summary>The word after <c>method.kind</c>.</summary>
    string Name { get; }

    StudyKindHelp Help { get; }

    /// <summary>
    /// False for kinds that bring data of their own: such a study has no task and no metric, and a model only where its data asks for one.
    /// </summary>
    bool TakesTask => true;

    /// <summary>
    /// Kinds of devices that its units can be computed on. Those that leave all large work to <see cref="StudySession.Engine"/> can be on
    /// all.
    /// </summary>
    IReadOnlyList<string> Devices => DeviceNames.Kinds;

    /// <summary>The metric where the study names none.</summary>
    string DefaultMetric => MetricWords.LogitDifference;

    /// <summary>Reads the study's <c>method</c> section and checks it against model and prompts.</summary>
    /// <exception cref="StudyException">The section cannot be run as written.</exception>
    IStudyMethod Read(StudySection method, StudyContext study);
}

/// <summary>A method with its keys read: plans, computes and reduces one study. Immutable and thread-safe.</summary>
public interface IStudyMethod
{
    /// <summary>The study's units, lazily. Opens no weights.</summary>
    IStudyPlan Plan(Study study);

    /// <summary>Checks what only the model itself can tell (a denominator that is 0, say), before anything is written.</summary>
    /// <exception cref="StudyException">The study cannot be run as written.</exception>
    void Verify(StudySession session);

    /// <summary>
    /// The metric without interventions, as far as <see cref="Verify"/> has computed it; null where that is not all of it.
    /// </summary>
    BaselineMetric? Baselines(StudySession session) => null;

    /// <inheritdoc cref="IUnitRunner.Run"/>
    UnitOutput Run(StudySession session, IStudyPlan plan, WorkUnit unit, UnitContext context);

    /// <summary>Folds the payloads, in plan order, into what the run folder shows. A pure function, the history apart.</summary>
    StudyReduction Reduce(Reduction reduction);

    /// <inheritdoc cref="IPartialResults.Maps"/>
    IResultMaps? Maps(IStudyPlan plan) => null;
}

/// <summary>A study's result and whether it can be trusted as a whole.</summary>
/// <param name="Failed">True where there is nothing to trust: no baselines,
/// or interventions that changed nothing although they should have.</param>
public sealed record StudyReduction(StudyResult Result, bool Failed);

/// <summary>A metric without interventions, for people: means over prompts, each with half the width of its 95 % interval.</summary>
/// <param name="Corrupted">Null where there is no corrupted run.</param>
public sealed record BaselineMetric(MeanEstimate Clean, MeanEstimate? Corrupted);
