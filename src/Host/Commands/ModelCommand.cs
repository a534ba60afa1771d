using System.CommandLine;
using InterpActors.Compute.Models;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp model …</c>: looks at, runs and trains models without a study.</summary>
internal static class ModelCommand
{
    public static Command Create() => new("model", "Looks at, runs and trains models without a study")
    {
        ModelInspectCommand.Create(),
        ModelTokenizeCommand.Create(),
        ModelRunCommand.Create(),
        ModelGenerateCommand.Create(),
        ModelTrainCommand.Create(),
    };

    public static ModelLocation Locate(string model) => ModelLoader.Locate(model, Directory.GetCurrentDirectory());

    /// <summary>The model's tokenizer. A folder with nothing but a tokenizer will do.</summary>
    /// <exception cref="StudyException">There is none.</exception>
    public static ITokenizer Tokenizer(string model)
    {
        var location = File.Exists(Path.Combine(model, "tokenizer.json"))
            ? new ModelLocation(Path.GetFullPath(model), model, ModelFormat.HuggingFaceFolder)
            : Locate(model);
        return Tokenizer(location);
    }

    /// <exception cref="StudyException">There is none.</exception>
    public static ITokenizer Tokenizer(ModelLocation location) =>
        TokenizerLoader.Load(location) ?? throw new StudyException("the model brings no tokenizer", location.Path,
            "give token ids, or put its tokenizer.json into the folder");

    /// <summary>The text of a command's <c>--text</c> or <c>--prompt</c> as a conversation of one turn.</summary>
    public static IReadOnlyList<ChatMessage> Conversation(string text) => [new ChatMessage("user", text)];
}
