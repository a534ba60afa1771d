using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text;

/// <summary>Opens the tokenizer that comes with a model.</summary>
public static class TokenizerLoader
{
    /// <summary>
    /// The tokenizer of a model: <c>tokenizer.json</c> (with <c>tokenizer_config.json</c> and <c>chat_template.jinja</c> where they are
    /// there) of a folder, or the one inside a GGUF file. Null where the model has none.
    /// </summary>
    /// <exception cref="StudyException">The tokenizer's file is damaged or of a kind that is not supported.</exception>
    public static ITokenizer? Load(ModelLocation model)
    {
        if (model.Format == ModelFormat.Gguf)
        {
            using var gguf = GgufFile.Open(model.Path);
            return GgufTokenizer.Read(gguf.Metadata, model.Path);
        }
        var file = Path.Combine(model.Path, "tokenizer.json");
        return File.Exists(file) ? TokenizerFolder.Read(model.Path) : null;
    }
}
