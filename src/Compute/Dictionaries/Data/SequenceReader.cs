using InterpActors.Compute.Models;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>Reads the sequences that a <c>data</c> section names, and pins the file by its hash.</summary>
internal static class SequenceReader
{
    /// <summary>
    /// Rows of token ids (<c>.bin</c>, <c>.npy</c>, safetensors), or texts and token lists, one a line (<c>.jsonl</c>) or row
    /// (<c>.parquet</c>). What is longer than the context is cut into pieces.
    /// </summary>
    /// <param name="fileKey">The key that names the file.</param>
    /// <exception cref="StudyException">The file cannot be read, is empty, or holds an id that is not in the vocabulary.</exception>
    public static TokenSequences Read(StudySection data, string fileKey, StudyContext study)
    {
        var config = study.Model.Config;
        var name = data.Text(fileKey);
        var path = study.Folder.PathOf(name);
        FileHash.Pin(data, "sha256", name, study.Folder, fileKey);
        var ending = Path.GetExtension(path).ToLowerInvariant();
        if (TokenFiles.Endings.Contains(ending)) return Arrays(data, path, ending, config);
        if (ending is not (".jsonl" or ".json" or ".parquet"))
            throw data.Wrong(fileKey, $"files that end in '{ending}' are not read", "known: .bin, .npy, .safetensors, .jsonl, .parquet");
        var context = data.Int("context", config.ContextLength, 1, config.ContextLength);
        var rows = ending == ".parquet" ? Columns(data, path, study) : Lines(path, study);
        var sequences = rows.SelectMany((row, i) => Pieces(row, i, context)).ToList();
        return sequences.Count > 0 ? new ListedSequences(sequences) : throw new StudyException("the file holds no tokens", path,
            "give a file with text or token ids");
    }

    /// <summary>Conversations of a JSON-lines file as token ids, rendered with the model's chat template where they are messages.</summary>
    public static IEnumerable<int[]> Conversations(string path, StudyContext study) => Lines(path, study);

    private static ArraySequences Arrays(StudySection data, string path, string ending, ModelConfig config)
    {
        var tensor = ending == ".safetensors" ? data.OptionalText("tensor") : null;
        var width = ending == ".bin" && data.OneOf("ids", ["u16", "u32"], config.Vocabulary > 65536 ? "u32" : "u16") == "u32"
            ? TokenWidth.U32 : TokenWidth.U16;
        var ids = TokenFiles.Open(path, tensor, width);
        try
        {
            ids.Check(config.Vocabulary);
            var usual = (int)Math.Min(ids.RowLength ?? config.ContextLength, config.ContextLength);
            return new ArraySequences(ids, data.Int("context", usual, 1, config.ContextLength));
        }
        catch
        {
            ids.Dispose();
            throw;
        }
    }

    private static IEnumerable<int[]> Columns(StudySection data, string path, StudyContext study)
    {
        var number = 0;
        foreach (var (text, ids) in ParquetTokens.Read(path, data.OptionalText("column")))
        {
            var where = $"{path} row {number++}";
            if (ids is null) yield return Check(Encode(text ?? "", study, where), study, where);
            else yield return Check([.. ids.Select(id => id is >= 0 and <= int.MaxValue ? (int)id : -1)], study, where);
        }
    }

    private static IEnumerable<int[]> Lines(string path, StudyContext study)
    {
        foreach (var line in PromptLines.Read(path))
        {
            var where = line.Place.ToString();
            if (line.Tokens is { } tokens) yield return Check(tokens, study, where);
            else if (line.Messages is { } messages)
                yield return Check(Tokenization.Of(Tokenizer(study, where), messages, addGenerationPrompt: false).Tokens, study, where);
            else yield return Check(Encode(line.Text!, study, where), study, where);
        }
    }

    private static int[] Encode(string text, StudyContext study, string where) => Tokenizer(study, where).Encode(text);

    private static ITokenizer Tokenizer(StudyContext study, string where) =>
        study.Tokenizer ?? throw new StudyException("the model has no tokenizer", where, "give token ids: {\"tokens\":[…]}");

    private static int[] Check(int[] tokens, StudyContext study, string where)
    {
        var vocabulary = study.Model.Config.Vocabulary;
        for (var i = 0; i < tokens.Length; i++)
            if (tokens[i] < 0 || tokens[i] >= vocabulary)
                throw new StudyException($"token id {tokens[i]} at position {i} is not in the vocabulary, whose ids end at "
                    + $"{vocabulary - 1}", where);
        return tokens;
    }

    private static IEnumerable<TokenSequence> Pieces(int[] tokens, int row, int context)
    {
        for (var at = 0; at < tokens.Length; at += context)
            yield return TokenSequence.Whole(tokens[at..Math.Min(tokens.Length, at + context)], row);
    }
}
