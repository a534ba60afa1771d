using InterpActors.Compute.Text.Patterns;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text;

/// <summary>How the byte-level BPE of a GGUF file cuts the text, which the file only names (<c>tokenizer.ggml.pre</c>).</summary>
/// <param name="Expressions">Each cuts what the one before it left, matches and gaps alike.</param>
/// <param name="IgnoreMerges">A piece that is in the vocabulary is one token.</param>
/// <param name="AddBos">A BOS is added where the file does not say.</param>
/// <param name="FormC">The text is brought to normalization form C first, as the models' own tokenizer does.</param>
internal sealed record GgufPreTokenizer(string[] Expressions, bool IgnoreMerges = false, bool AddBos = false, bool FormC = false)
{
    internal IPreTokenizer Build()
    {
        var steps = Expressions.Select(e => (IPreTokenizer)new SplitPreTokenizer(Pattern.Parse(e), SplitBehavior.Isolated));
        return new PreTokenizerSequence([.. steps, new ByteLevelPreTokenizer(addPrefixSpace: false, split: false)]);
    }
}

/// <summary>The names of <c>tokenizer.ggml.pre</c> that are understood.</summary>
internal static class GgufPreTokenizers
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Rest = @" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Llama3 = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + Rest;
    private const string Qwen2 = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + Rest;
    private const string Qwen35 = Contractions + @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
        + @"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string LowerWord = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+";
    private const string UpperWord = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*";
    private const string SlashRest = @" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Gpt4o = LowerWord + Contractions + "?|" + UpperWord + Contractions + @"?|\p{N}{1,3}|" + SlashRest;
    private const string Tekken = LowerWord + "|" + UpperWord + @"|\p{N}|" + SlashRest;

    private static readonly GgufPreTokenizer Gpt2 = new([SplitPreTokenizer.Gpt2]);
    private static readonly GgufPreTokenizer DigitsThenGpt2 = new([@"\p{N}", SplitPreTokenizer.Gpt2]);
    private static readonly GgufPreTokenizer Llama3Like = new([Llama3]);
    private static readonly GgufPreTokenizer Qwen2Like = new([Qwen2]);

    private static readonly GgufPreTokenizer DeepSeekV3 = new(
    [
        @"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
        """[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
            + @"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ]);

    /// <summary>What llama.cpp does with files from before the key existed.</summary>
    private static readonly GgufPreTokenizer Unnamed = new([@"[\p{P}$+<=>^~|]+", SplitPreTokenizer.Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"]);

    private static readonly Dictionary<string, GgufPreTokenizer> ByName = Build();

    /// <param name="name">Null where the file has no such key: llama.cpp's default.</param>
    /// <exception cref="StudyException">The name is not known.</exception>
    internal static GgufPreTokenizer Find(string? name, string file) => name is null
        ? Unnamed
        : ByName.TryGetValue(name, out var found)
            ? found
            : throw new StudyException($"the pre-tokenizer '{name}' (tokenizer.ggml.pre) is not supported", file,
                $"supported: {string.Join(", ", ByName.Keys.Order(StringComparer.Ordinal))}");

    private static Dictionary<string, GgufPreTokenizer> Build()
    {
        var table = new Dictionary<string, GgufPreTokenizer>(StringComparer.Ordinal);
        Add(Unnamed, "default");
        Add(Gpt2, "gpt-2", "phi-2", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "gigachat", "a.x-4.0", "mellum", "mpt", "olmo",
            "jais", "trillion", "granite-docling", "exaone4");
        Add(DigitsThenGpt2, "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2");
        Add(Llama3Like with { IgnoreMerges = true, AddBos = true },
            "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2");
        Add(Llama3Like, "dbrx", "smaug-bpe", "glm4", "chatglm-bpe");
        Add(Qwen2Like with { FormC = true }, "qwen2", "deepseek-r1-qwen", "megrez");
        Add(Qwen2Like, "stablelm2", "hunyuan", "kormo", "solar-open", "grok-2");
        Add(new GgufPreTokenizer([Qwen35], FormC: true), "qwen35");
        Add(DeepSeekV3, "deepseek-v3", "hunyuan-dense");
        Add(new GgufPreTokenizer([Tekken], IgnoreMerges: true, AddBos: true), "tekken");
        Add(new GgufPreTokenizer([Gpt4o]), "gpt-4o", "llama4", "kanana2");
        Add(new GgufPreTokenizer([@"[\p{P}$+<=>^~|`]+", SplitPreTokenizer.Gpt2, "[0-9][0-9][0-9]"]), "falcon");
        return table;

        void Add(GgufPreTokenizer kind, params string[] names)
        {
            foreach (var name in names) table[name] = kind;
        }
    }
}
