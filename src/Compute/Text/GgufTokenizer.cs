using InterpActors.Compute.Text.Patterns;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text;

/// <summary>
/// Reads the tokenizer inside a GGUF file: <c>tokenizer.ggml.model</c> = <c>gpt2</c> (byte-level BPE with merges) or <c>llama</c>
/// (SentencePiece's BPE with scores).
/// </summary>
internal static class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.";
    private const string Mark = "▁";

    /// <summary>The values of <c>tokenizer.ggml.token_type</c>; 1 is a normal piece.</summary>
    private const long Unknown = 2, Control = 3, UserDefined = 4;

    /// <summary>The tokenizer of the file; null where it has none.</summary>
    /// <exception cref="StudyException">The tokenizer is damaged or of a kind that is not supported.</exception>
    internal static PipelineTokenizer? Read(GgufMetadata metadata, string file)
    {
        var model = metadata.Text(Prefix + "model");
        return model switch
        {
            null or "none" or "no_vocab" => null,
            "gpt2" => ReadByteLevel(metadata, file),
            "llama" => ReadScores(metadata, file),
            _ => throw new StudyException($"a tokenizer of kind '{model}' (tokenizer.ggml.model) is not supported", file,
                "supported: gpt2, llama"),
        };
    }

    private static PipelineTokenizer ReadByteLevel(GgufMetadata metadata, string file)
    {
        var pre = GgufPreTokenizers.Find(metadata.Text(Prefix + "pre"), file);
        var vocabulary = ReadVocabulary(metadata, file);
        var written = metadata.Texts(Prefix + "merges") ?? throw metadata.Missing(Prefix + "merges");
        var merges = new BpeMerges(vocabulary, "", written.Length);
        foreach (var merge in written) merges.Add(merge, file);
        var options = new BpeOptions(null, false, null, pre.IgnoreMerges, "", "");
        return Build(metadata, file, vocabulary, new BpeModel(vocabulary, merges.Table, options), pre.AddBos,
            pre.FormC ? TextRewriter.FormC : null, pre.Build(), new ByteLevelDecoder(), null, null);
    }

    private static PipelineTokenizer ReadScores(GgufMetadata metadata, string file)
    {
        var vocabulary = ReadVocabulary(metadata, file);
        var scores = metadata.Numbers(Prefix + "scores") ?? throw metadata.Missing(Prefix + "scores");
        if (scores.Length < vocabulary.Size)
            throw new StudyException($"{scores.Length} scores for {vocabulary.Size} tokens (tokenizer.ggml.scores)", file);
        var prefixed = metadata.Flag(Prefix + "add_space_prefix") ?? true;
        var toMark = new Replacement(Pattern.Literal(" "), Mark);
        INormalizer normalizer = prefixed ? new NormalizerSequence([TextRewriter.Prepend(Mark), toMark]) : toMark;
        var decoder = new DecoderSequence(
        [
            new PieceDecoder(piece => piece.Replace(Mark, " ")), new ByteFallbackDecoder(), new FuseDecoder(),
            PieceDecoder.Strip(" ", prefixed ? 1 : 0, 0),
        ]);
        var unknown = TokenId(metadata, "unknown_token_id", vocabulary, 0);
        var model = new ScoreModel(vocabulary, Array.ConvertAll(scores, s => (float)s), new ByteFallback(vocabulary), unknown);
        return Build(metadata, file, vocabulary, model, true, normalizer, null, decoder, 1, 2);
    }

    /// <param name="bosByDefault">What holds without <c>add_bos_token</c>.</param>
    /// <param name="defaultBos">The ids that hold where the file names none.</param>
    private static PipelineTokenizer Build(
        GgufMetadata metadata, string file, Vocabulary vocabulary, ITokenModel model, bool bosByDefault, INormalizer? normalizer,
        IPreTokenizer? preTokenizer, IDecoder decoder, int? defaultBos, int? defaultEos)
    {
        var bos = TokenId(metadata, "bos_token_id", vocabulary, defaultBos);
        var eos = TokenId(metadata, "eos_token_id", vocabulary, defaultEos);
        var template = new List<int?> { null };
        if (metadata.Flag(Prefix + "add_bos_token") ?? bosByDefault) template.Insert(0, bos ?? throw NoToken("bos"));
        if (metadata.Flag(Prefix + "add_eos_token") ?? false) template.Add(eos ?? throw NoToken("eos"));
        return new PipelineTokenizer(new TokenizerParts(
            vocabulary, model, ReadAddedTokens(metadata, vocabulary, file), normalizer, preTokenizer, decoder, template, bos, eos,
            metadata.Text("tokenizer.chat_template"), file));

        StudyException NoToken(string name) => new($"a {name} token is to be added, but '{Prefix}{name}_token_id' is missing", file);
    }

    private static Vocabulary ReadVocabulary(GgufMetadata metadata, string file)
    {
        var pieces = metadata.Texts(Prefix + "tokens") ?? throw metadata.Missing(Prefix + "tokens");
        var seen = new Dictionary<string, int>(pieces.Length, StringComparer.Ordinal);
        for (var id = 0; id < pieces.Length; id++)
        {
            var piece = pieces[id].Length > 0 ? pieces[id] : $"[EMPTY_{id}]";
            if (!seen.TryAdd(piece, id)) throw new StudyException($"the token '{piece}' has two ids, {seen[piece]} and {id}", file);
        }
        return new Vocabulary(seen.Select(p => (p.Key, p.Value)));
    }

    private static List<AddedToken> ReadAddedTokens(GgufMetadata metadata, Vocabulary vocabulary, string file)
    {
        var types = metadata.Integers(Prefix + "token_type");
        if (types is null) return [];
        if (types.Length < vocabulary.Size)
            throw new StudyException($"{types.Length} types for {vocabulary.Size} tokens (tokenizer.ggml.token_type)", file);
        var ids = Enumerable.Range(0, vocabulary.Size).Where(id => types[id] is Unknown or Control or UserDefined);
        return ids.Select(id => new AddedToken(id, vocabulary.PieceOf(id)!, Special: types[id] != UserDefined)).ToList();
    }

    private static int? TokenId(GgufMetadata metadata, string key, Vocabulary vocabulary, int? absent)
    {
        var id = metadata.Integer(Prefix + key) ?? absent;
        return id >= 0 && id < vocabulary.Size ? (int?)id : null;
    }
}
