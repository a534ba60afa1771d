using InterpActors.Compute.Models;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tasks;

/// <summary>What a task may read.</summary>
/// <param name="Section">The study's <c>task</c> object.</param>
/// <param name="Folder">Where the files that it names are.</param>
/// <param name="Seed">The study's seed, the default of a task's own.</param>
/// <param name="Tokenizer">Null where the model has none; then only token ids can be used.</param>
public sealed record TaskRequest(StudySection Section, StudyFolder Folder, long Seed, ITokenizer? Tokenizer, ModelConfig Config)
{
    /// <summary>The tokenizer of a task that cannot do without.</summary>
    /// <exception cref="StudyException">The model has none.</exception>
    public ITokenizer NeedTokenizer() =>
        Tokenizer ?? throw Section.Wrong("kind", "this task writes text and the model has no tokenizer",
            "add tokenizer.json to the model's folder, or use kind = pairs with token ids");
}

/// <summary>One kind of task: where its prompts come from.</summary>
public interface ITaskKind
{
    /// <summary>The word in <c>task { kind = … }</c>.</summary>
    string Name { get; }

    /// <summary>One line: the prompts, the answer, the roles and the groups.</summary>
    string Summary { get; }

    IReadOnlyList<KeyHelp> Keys { get; }

    /// <exception cref="StudyException">The task cannot be had as written.</exception>
    TaskData Read(TaskRequest request);
}
