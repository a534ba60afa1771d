using System.Diagnostics;
using InterpActors.Compute.Models;
using InterpActors.Compute.Text;

namespace InterpActors.Compute.Tests.Text;

/// <summary>Exact agreement with the tokenizers library on 109 texts for each structure of tokenizer.</summary>
public class TokenizerFixtureTests
{
    public static TheoryData<string> Names => [.. TokenizerFolders.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Ids_pieces_and_decoded_texts_are_exact(string name)
    {
        var tokenizer = TokenizerFolders.Load(name);
        var rows = TokenizerFolders.Rows(name);
        Assert.Equal(109, rows.Count);
        foreach (var row in rows)
        {
            Assert.Equal(row.Tokens, tokenizer.Encode(row.Text));
            Assert.Equal(row.TokensNoSpecial, tokenizer.Encode(row.Text, addSpecialTokens: false));
            Assert.Equal(row.Pieces, row.Tokens.Select(tokenizer.Piece));
            Assert.Equal(row.Decoded, tokenizer.Decode(row.Tokens));
            Assert.Equal(row.DecodedSkipSpecial, tokenizer.Decode(row.Tokens, skipSpecialTokens: true));
        }
    }

    [Theory]
    [InlineData("gemma-style", 2, 1, 1501)]
    [InlineData("llama3-style", 1997, 1998, 2000)]
    [InlineData("qwen2-style", null, 1499, 1500)]
    [InlineData("smollm2", 1, 2, 49152)]
    public void Begin_and_end_tokens_come_from_the_configuration(string name, int? bos, int? eos, int size)
    {
        var tokenizer = TokenizerFolders.Load(name);
        Assert.Equal(bos, tokenizer.BosId);
        Assert.Equal(eos, tokenizer.EosId);
        Assert.Equal(size, tokenizer.VocabularySize);
    }

    [Theory]
    [InlineData("gpt2-style", "a")]
    [InlineData("smollm2", "é")]
    [InlineData("gemma-style", " ")]
    public void A_long_run_of_one_letter_takes_under_a_second(string name, string unit)
    {
        var tokenizer = TokenizerFolders.Load(name);
        var text = string.Concat(Enumerable.Repeat(unit, 100_000));
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, addSpecialTokens: false)));

        // The best of a few runs: other tests share the processors.
        var best = Enumerable.Range(0, 5).Min(_ =>
        {
            var watch = Stopwatch.StartNew();
            tokenizer.Encode(text);
            return watch.Elapsed;
        });
        Assert.True(best.TotalSeconds < 1, $"{best.TotalSeconds} s");
    }

    [Fact]
    public void A_folder_without_a_tokenizer_has_none()
    {
        var folder = TestData.Path("models/gpt2");
        Assert.Null(TokenizerLoader.Load(new ModelLocation(folder, "gpt2", ModelFormat.HuggingFaceFolder)));
    }

    [Fact]
    public void Half_a_surrogate_pair_reads_as_the_replacement_character()
    {
        var tokenizer = TokenizerFolders.Load("gpt2-style");
        Assert.Equal(tokenizer.Encode("a\uFFFDb"), tokenizer.Encode("a\uD83Db"));
    }

    [Fact]
    public void An_id_beyond_the_vocabulary_is_skipped_in_text_and_numbered_as_a_piece()
    {
        var tokenizer = TokenizerFolders.Load("gpt2-style");
        Assert.Equal("!", tokenizer.Decode([0, 5000]));
        Assert.Equal("[5000]", tokenizer.Piece(5000));
    }
}
