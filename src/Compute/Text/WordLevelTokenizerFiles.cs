using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace InterpActors.Compute.Text;

/// <summary>
/// Writes <c>tokenizer.json</c> and <c>tokenizer_config.json</c> of a word-level tokenizer in Hugging Face's format: words and runs of
/// punctuation are tokens, the first piece is put in front as beginning of sequence, the second stands for unknown words.
/// </summary>
internal static class WordLevelTokenizerFiles
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
    };

    /// <param name="pieces">All tokens; a token's id is its place.</param>
    public static void Write(string folder, IReadOnlyList<string> pieces, int contextLength)
    {
        var (bos, unknown) = (pieces[0], pieces[1]);
        var vocabulary = new JsonObject();
        for (var i = 0; i < pieces.Count; i++) vocabulary[pieces[i]] = i;
        JsonObject Special(string piece, int id) => new()
        {
            ["id"] = id,
            ["content"] = piece,
            ["single_word"] = false,
            ["lstrip"] = false,
            ["rstrip"] = false,
            ["normalized"] = false,
            ["special"] = true,
        };
        JsonObject Bos() => new() { ["SpecialToken"] = new JsonObject { ["id"] = bos, ["type_id"] = 0 } };
        JsonObject Sequence(string id, int type) => new() { ["Sequence"] = new JsonObject { ["id"] = id, ["type_id"] = type } };
        Save("tokenizer.json", new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(Special(bos, 0), Special(unknown, 1)),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "Whitespace" },
            ["post_processor"] = new JsonObject
            {
                ["type"] = "TemplateProcessing",
                ["single"] = new JsonArray(Bos(), Sequence("A", 0)),
                ["pair"] = new JsonArray(Bos(), Sequence("A", 0), Sequence("B", 1)),
                ["special_tokens"] = new JsonObject
                {
                    [bos] = new JsonObject
                    {
                        ["id"] = bos,
                        ["ids"] = new JsonArray(0),
                        ["tokens"] = new JsonArray(bos)
                    }
                },
            },
            ["decoder"] = null,
            ["model"] = new JsonObject { ["type"] = "WordLevel", ["vocab"] = vocabulary, ["unk_token"] = unknown },
        });
        Save("tokenizer_config.json", new JsonObject
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["bos_token"] = bos,
            ["unk_token"] = unknown,
            ["add_bos_token"] = true,
            ["clean_up_tokenization_spaces"] = false,
            ["model_max_length"] = contextLength,
        });

        void Save(string name, JsonObject content) => File.WriteAllText(Path.Combine(folder, name), content.ToJsonString(Options) + "\n");
    }
}
