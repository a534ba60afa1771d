using InterpActors.Compute.Models;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tasks;

/// <summary>Reads a study's task. A new kind is one file and one line here.</summary>
public static class TaskReader
{
    /// <summary>Every kind of task.</summary>
    public static IReadOnlyList<ITaskKind> Kinds { get; } = [new PairsTask(), new IoiTask(), new InductionTask()];

    /// <summary>The prompts of a task, the same for the same section, files and seed.</summary>
    /// <param name="folder">Where the files that it names are.</param>
    /// <param name="seed">The study's seed.</param>
    /// <exception cref="StudyException">The task cannot be had as written; nothing else is thrown, whatever the files hold.</exception>
    public static TaskData Read(StudySection task, StudyFolder folder, long seed, ITokenizer? tokenizer, ModelConfig config)
    {
        var kind = task.OneOf("kind", [.. Kinds.Select(k => k.Name)]);
        return Kinds.First(k => k.Name == kind).Read(new TaskRequest(task, folder, seed, tokenizer, config));
    }
}
