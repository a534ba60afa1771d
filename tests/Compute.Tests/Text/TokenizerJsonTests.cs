using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Text;

/// <summary>Parts of tokenizer.json that the fixture folders do not have, and what is refused.</summary>
public class TokenizerJsonTests
{
    private const string Letters = """{"a":0,"b":1,"ab":2,"<m>":3,"<s>":4,"</s>":5,"?":6,"c":7,"abc":8,"bc":9}""";

    private static string Bpe(string more = "", string merges = """["a b","ab c","b c"]""", string model = "") =>
        $$"""{"model":{"type":"BPE","vocab":{{Letters}},"merges":{{merges}}{{model}}}{{more}}}""";

    private static void Gives(string json, string text, params int[] expected) =>
        TokenizerFolders.With(json, null, tokenizer => Assert.Equal(expected, tokenizer.Encode(text)));

    [Fact]
    public void The_best_ranked_merge_goes_first()
    {
        Gives(Bpe(), "abc", 8);
        Gives(Bpe(merges: """[["b","c"],["a","b"],["ab","c"]]"""), "abc", 0, 9);
    }

    [Fact]
    public void Characters_without_a_token_are_unknown_or_dropped()
    {
        Gives(Bpe(), "axxb", 2);
        Gives(Bpe(model: ""","unk_token":"?" """), "axxb", 0, 6, 6, 1);
        Gives(Bpe(model: ""","unk_token":"?","fuse_unk":true"""), "axxb", 0, 6, 1);
    }

    [Theory]
    [InlineData("""{"content":"<m>","id":3,"lstrip":true,"rstrip":true,"normalized":false}""", "a  <m> \n b", new[] { 0, 3, 1 })]
    [InlineData("""{"content":"<m>","id":3,"normalized":false}""", "a<m>b", new[] { 0, 3, 1 })]
    [InlineData("""{"content":"<m>","id":3,"normalized":false,"single_word":true}""", "a<m>b <m> é<m> .<m>.", new[] { 2, 3, 3 })]
    [InlineData("""{"content":"<m>","id":3,"normalized":false},{"content":"<m>b","id":10,"normalized":false}""",
        "<m>b<m>a", new[] { 10, 3, 0 })]
    public void Added_tokens_are_found_in_the_raw_text(string tokens, string text, int[] expected) =>
        Gives(Bpe(more: $""","added_tokens":[{tokens}]"""), text, expected);

    [Fact]
    public void Normalized_added_tokens_are_found_in_the_normalized_text()
    {
        const string added = ""","normalizer":{"type":"Lowercase"},"added_tokens":[{"content":"AB","id":10,"normalized":true}]""";
        Gives(Bpe(more: added), "caBc", 7, 10, 7);
    }

    [Theory]
    [InlineData("Removed", false, new[] { 0, 1 })]
    [InlineData("Isolated", false, new[] { 0, 7, 7, 1 })]
    [InlineData("MergedWithPrevious", false, new[] { 0, 7, 7, 1 })]
    [InlineData("MergedWithNext", false, new[] { 0, 7, 7, 1 })]
    [InlineData("Contiguous", true, new[] { 0, 7, 7, 1 })]
    [InlineData("Removed", true, new[] { 7, 7 })]
    public void A_split_does_with_its_delimiter_as_told(string behavior, bool invert, int[] expected)
    {
        var split = $$"""
            ,"pre_tokenizer":{"type":"Split","pattern":{"String":"c"},"behavior":"{{behavior}}",
            "invert":{{(invert ? "true" : "false")}}}
            """;
        Gives(Bpe(more: split), "accb", expected);
    }

    [Fact]
    public void A_flag_of_the_configuration_outdoes_the_template()
    {
        const string template = """
            ,"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},
            {"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<s>":{"id":"<s>","ids":[4],"tokens":["<s>"]}}}
            """;
        const string tokens = "\"bos_token\":\"<s>\",\"eos_token\":{\"content\":\"</s>\"}";
        void Gives(string config, params int[] expected) => TokenizerFolders.With(Bpe(more: template), config, tokenizer =>
        {
            Assert.Equal(expected, tokenizer.Encode("a"));
            Assert.Equal(5, tokenizer.EosId);
        });
        Gives($"{{{tokens}}}", 4, 0);
        Gives($"{{{tokens},\"add_bos_token\":true}}", 4, 0);
        Gives($"{{{tokens},\"add_bos_token\":false,\"add_eos_token\":true}}", 0, 5);
    }

    [Theory]
    [InlineData("", "this is not JSON")]
    [InlineData("[]", "expected an object")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[]}}""", "'Unigram' is not supported; supported: BPE, WordLevel")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}""", "model.vocab.a: expected a token id")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}""", "merge 0 needs the piece 'b'")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":["ab"]}}""", "model.merges[0]: the merge 'ab' is not two pieces")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"NFKC"}}""", "normalizer.type")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"added_tokens":[{"content":"x","id":0}]}""", "also that of 'a'")]
    [InlineData("""
        {"model":{"type":"BPE","vocab":{"a":0},"merges":[]},
         "pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?<=a)b"},"behavior":"Isolated"}}
        """, "pre_tokenizer.pattern.Regex: lookbehind is not supported")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a\ud800":0},"merges":[]}}""", "not valid Unicode")]
    public void What_is_wrong_is_named_with_its_place(string json, string message)
    {
        var wrong = Assert.Throws<StudyException>(() => TokenizerFolders.With(json, null, _ => { }));
        Assert.Contains(message, wrong.Message);
        Assert.Contains("tokenizer.json", wrong.Message);
        Assert.DoesNotContain('\n', wrong.Message);
    }

    [Fact]
    public void A_word_without_a_token_is_an_error_where_there_is_no_unknown_token()
    {
        const string json = """{"model":{"type":"WordLevel","vocab":{"a":0}},"pre_tokenizer":{"type":"Whitespace"}}""";
        TokenizerFolders.With(json, null, tokenizer =>
        {
            Assert.Equal([0, 0], tokenizer.Encode("a a"));
            Assert.Contains("'b'", Assert.Throws<StudyException>(() => tokenizer.Encode("a b")).Message);
        });
    }
}
