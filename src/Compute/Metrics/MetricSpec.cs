using InterpActors.Compute.Tasks;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Metrics;

/// <summary>The <c>metric</c> section of a study: which number, and at which position of each prompt.</summary>
/// <param name="Kind">One of <see cref="MetricWords.All"/>.</param>
/// <param name="At"><c>last</c>, or the role whose last position is read.</param>
public sealed record MetricSpec(string Kind, string At)
{
    /// <summary>The word for the last position of a prompt.</summary>
    public const string Last = "last";

    /// <summary>Reads and checks the section against the task.</summary>
    /// <param name="otherwise">The kind where the file names none.</param>
    /// <exception cref="StudyException">Unknown kind, a prompt without the role, or one without an answer the metric needs.</exception>
    public static MetricSpec Read(StudySection section, TaskData task, string otherwise = MetricWords.LogitDifference)
    {
        var kind = section.OneOf("kind", MetricWords.All, otherwise);
        var at = section.Text("at", Last);
        if (at != Last)
            foreach (var prompt in task.Prompts)
                if (!prompt.Roles.TryGetValue(at, out var positions) || positions.Length == 0)
                    throw section.Wrong("at", $"prompt {prompt.Id} has no role '{at}'",
                        StudySection.Nearest(at, [Last, .. prompt.Roles.Keys]));
        Check(kind, task, section.Where("kind"));
        return new MetricSpec(kind, at);
    }

    /// <summary>Checks that every prompt has what the metric reads.</summary>
    public static void Check(string kind, TaskData task, string where)
    {
        foreach (var prompt in task.Prompts)
        {
            if (MetricWords.NeedsAnswers(kind) && prompt.Answers.Length == 0)
                throw new StudyException($"metric {kind} needs an answer, and prompt {prompt.Id} has none", where, "give it \"answers\"");
            if (MetricWords.NeedsWrong(kind) && prompt.Wrong.Length == 0)
                throw new StudyException($"metric {kind} needs a wrong answer, and prompt {prompt.Id} has none", where,
                    "give it \"wrong\", or use metric nll or probability");
        }
    }

    /// <summary>The position of each prompt at which the metric is read.</summary>
    public int[] Positions(TaskData task) =>
        [.. task.Prompts.Select(p => At == Last ? p.Clean.Length - 1 : p.Roles[At][^1])];
}
