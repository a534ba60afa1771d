using InterpActors.Compute.Text.Patterns;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text;

/// <summary>Reads the <c>normalizer</c>, <c>pre_tokenizer</c> and <c>decoder</c> of a tokenizer.json.</summary>
internal static class TokenizerJsonSteps
{
    internal static INormalizer? ReadNormalizer(JsonNode node) => node.IsNull ? null : Normalizer(node);

    internal static IPreTokenizer? ReadPreTokenizer(JsonNode node) => node.IsNull ? null : PreTokenizer(node);

    internal static IDecoder? ReadDecoder(JsonNode node) => node.IsNull ? null : Decoder(node);

    private static INormalizer Normalizer(JsonNode node) => node["type"].Text switch
    {
        "Sequence" => new NormalizerSequence(node["normalizers"].Items.Select(Normalizer).ToList()),
        "NFC" => TextRewriter.FormC,
        "NFD" => TextRewriter.FormD,
        "Lowercase" => TextRewriter.Lowercase,
        "StripAccents" => TextRewriter.StripAccents,
        "Strip" => TextRewriter.Strip(node["strip_left"].Flag(true), node["strip_right"].Flag(true)),
        "Prepend" => TextRewriter.Prepend(node["prepend"].Text),
        "Replace" => new Replacement(ReadPattern(node["pattern"]), node["content"].Text),
        "ByteLevel" => TextRewriter.ByteLevel,
        var type => throw node["type"].Unsupported($"a normalizer of type '{type}'",
            "NFC, NFD, Lowercase, StripAccents, Strip, Prepend, Replace, ByteLevel, Sequence"),
    };

    private static IPreTokenizer PreTokenizer(JsonNode node) => node["type"].Text switch
    {
        "Sequence" => new PreTokenizerSequence(node["pretokenizers"].Items.Select(PreTokenizer).ToList()),
        "ByteLevel" => new ByteLevelPreTokenizer(node["add_prefix_space"].Flag(true), node["use_regex"].Flag(true)),
        "Split" => new SplitPreTokenizer(ReadPattern(node["pattern"]), Behavior(node["behavior"].Text, node), node["invert"].Flag(false)),
        "Digits" => SplitPreTokenizer.Digits(node["individual_digits"].Flag(false)),
        "Whitespace" => SplitPreTokenizer.Whitespace(),
        "WhitespaceSplit" => SplitPreTokenizer.WhitespaceSplit(),
        "Punctuation" => SplitPreTokenizer.Punctuation(Behavior(node["behavior"].TextOr("Isolated"), node)),
        "Metaspace" => new MetaspacePreTokenizer(Mark(node), Scheme(node), node["split"].Flag(true)),
        var type => throw node["type"].Unsupported($"a pre-tokenizer of type '{type}'",
            "ByteLevel, Split, Digits, Whitespace, WhitespaceSplit, Punctuation, Metaspace, Sequence"),
    };

    private static IDecoder Decoder(JsonNode node) => node["type"].Text switch
    {
        "Sequence" => new DecoderSequence(node["decoders"].Items.Select(Decoder).ToList()),
        "ByteLevel" => new ByteLevelDecoder(),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Fuse" => new FuseDecoder(),
        "Replace" => new PieceDecoder(new Replacement(ReadPattern(node["pattern"]), node["content"].Text).Normalize),
        "Strip" => PieceDecoder.Strip(Character(node["content"]), Amount(node["start"]), Amount(node["stop"])),
        "Metaspace" => new MetaspaceDecoder(Mark(node), Scheme(node) != PrependScheme.Never),
        "BPEDecoder" => new WordEndDecoder(node["suffix"].Text),
        var type => throw node["type"].Unsupported($"a decoder of type '{type}'",
            "ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace, BPEDecoder, Sequence"),
    };

    private static Pattern ReadPattern(JsonNode node)
    {
        var literal = node["String"];
        if (!literal.IsNull) return Pattern.Literal(literal.Text);
        var expression = node["Regex"].Text;
        try
        {
            return Pattern.Parse(expression);
        }
        catch (StudyException e)
        {
            throw new StudyException(e.Problem, node["Regex"].Where, inner: e);
        }
    }

    private static SplitBehavior Behavior(string name, JsonNode node) => Enum.TryParse<SplitBehavior>(name, out var behavior)
        && Enum.IsDefined(behavior) && !char.IsAsciiDigit(name[0])
            ? behavior
            : throw node["behavior"].Unsupported($"the behaviour '{name}'", string.Join(", ", Enum.GetNames<SplitBehavior>()));

    private static PrependScheme Scheme(JsonNode node)
    {
        if (node["prepend_scheme"].IsNull) return node["add_prefix_space"].Flag(true) ? PrependScheme.Always : PrependScheme.Never;
        return node["prepend_scheme"].Text switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            _ => throw node["prepend_scheme"].Wrong("always, first or never"),
        };
    }

    private static string Mark(JsonNode node) => node["replacement"].IsNull ? "▁" : Character(node["replacement"]);

    private static string Character(JsonNode node) =>
        node.Text.EnumerateRunes().Count() == 1 ? node.Text : throw node.Wrong("a single character");

    private static int Amount(JsonNode node) => node.Integer is var amount and >= 0 ? amount : throw node.Wrong("a count");
}
