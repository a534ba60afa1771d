using InterpActors.Compute.Text;

namespace InterpActors.Compute.Tests.Text;

/// <summary>Tokens as people read them.</summary>
public class TokenTextTests
{
    [Theory]
    [InlineData("gpt2-style", " the", " the")]
    [InlineData("gpt2-style", "\n", @"\n")]
    [InlineData("llama-style", "the", " the")]
    [InlineData("llama-style-metaspace", "the", " the")]
    [InlineData("gemma-style", "\t", "<0x09>")]
    [InlineData("gemma-style", "$", "$")]
    [InlineData("word-level", "the", "the")]
    [InlineData("gpt2-style", "<|endoftext|>", "<|endoftext|>")]
    public void A_token_shows_its_text(string name, string text, string shown)
    {
        var tokenizer = TokenizerFolders.Load(name);
        Assert.Equal(shown, TokenText.Display(tokenizer, tokenizer.Encode(text, addSpecialTokens: false)[^1]));
    }

    [Fact]
    public void Bytes_that_are_no_whole_character_show_as_bytes()
    {
        var tokenizer = TokenizerFolders.Load("gpt2-style");
        var tokens = tokenizer.Encode("\u200D𠀀");
        var shown = string.Concat(tokens.Select(t => TokenText.Display(tokenizer, t)));
        Assert.Equal("<0xE2><0x80><0x8D><0xF0><0xA0><0x80><0x80>", shown.Replace(@"\u200D", "<0xE2><0x80><0x8D>"));
    }

    [Fact]
    public void A_tokenization_is_one_line_of_JSON()
    {
        var made = Tokenization.Of(TokenizerFolders.Load("llama-style"), "a\u2028\n");
        var json = made.ToJson();
        Assert.DoesNotContain('\u2028', json);
        Assert.DoesNotContain('\n', json);
        var read = System.Text.Json.JsonSerializer.Deserialize<Tokenization>(json)!;
        Assert.Equal((made.Text, made.Tokens.Length), (read.Text, read.Tokens.Length));
        Assert.Equal(made.Pieces, read.Pieces);
        Assert.Equal(1, made.Tokens[0]);
    }
}
