using System.Text.Json;
using InterpActors.Compute.Text;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Text;

/// <summary>Tokenizers as GGUF metadata, made from the fixtures' tokenizer.json, give the fixtures' ids.</summary>
public class GgufTokenizerTests
{
    private const string Prefix = "tokenizer.ggml.";

    /// <summary>What llama.cpp's converter writes for a folder.</summary>
    private static Dictionary<string, object> Metadata(string name, string model, string? pre)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(TokenizerFolders.Folder(name), "tokenizer.json")));
        var vocab = json.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject()
            .ToDictionary(p => p.Value.GetInt32(), p => p.Name);
        var types = vocab.Keys.ToDictionary(id => id, _ => 1);
        foreach (var token in json.RootElement.GetProperty("added_tokens").EnumerateArray())
        {
            vocab[token.GetProperty("id").GetInt32()] = token.GetProperty("content").GetString()!;
            types[token.GetProperty("id").GetInt32()] = token.GetProperty("special").GetBoolean() ? 3 : 4;
        }
        var merges = json.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray().Select(m =>
            m.ValueKind == JsonValueKind.String ? m.GetString()! : $"{m[0].GetString()} {m[1].GetString()}").ToArray();
        var values = new Dictionary<string, object>
        {
            [Prefix + "model"] = model,
            [Prefix + "tokens"] = Enumerable.Range(0, vocab.Count).Select(i => vocab[i]).ToArray(),
            [Prefix + "token_type"] = Enumerable.Range(0, vocab.Count).Select(i => types[i]).ToArray(),
        };
        if (pre is not null) values[Prefix + "pre"] = pre;
        if (model == "gpt2")
        {
            values[Prefix + "merges"] = merges;
            return values;
        }
        // The converter's scores: the earlier a piece was made by a merge, the higher.
        var scores = new float[vocab.Count];
        var ids = vocab.ToDictionary(p => p.Value, p => p.Key);
        for (var i = 0; i < merges.Length; i++) scores[ids[merges[i].Replace(" ", "")]] = -i;
        values[Prefix + "scores"] = scores;
        return values;
    }

    private static PipelineTokenizer? Read(Dictionary<string, object> values) =>
        GgufTokenizer.Read(new GgufMetadata("m.gguf", values), "m.gguf");

    [Theory]
    [InlineData("smollm2", "smollm", null)]
    [InlineData("gpt2-style", "gpt-2", null)]
    [InlineData("llama3-style", "llama-bpe", 1997)]
    [InlineData("qwen2-style", "qwen2", null)]
    public void Byte_level_files_give_the_folders_ids(string name, string pre, int? bos)
    {
        var values = Metadata(name, "gpt2", pre);
        if (bos is not null) values[Prefix + "bos_token_id"] = (uint)bos;
        var tokenizer = Read(values)!;
        foreach (var row in TokenizerFolders.Rows(name))
        {
            Assert.Equal(row.Tokens, tokenizer.Encode(row.Text));
            Assert.Equal(row.TokensNoSpecial, tokenizer.Encode(row.Text, addSpecialTokens: false));
            Assert.Equal(row.Decoded, tokenizer.Decode(row.Tokens));
            Assert.Equal(row.DecodedSkipSpecial, tokenizer.Decode(row.Tokens, skipSpecialTokens: true));
        }
    }

    [Fact]
    public void Scores_give_the_ids_of_the_same_pieces_as_merges()
    {
        var tokenizer = Read(Metadata("llama-style", "llama", null))!;
        Assert.Equal((1, 2), (tokenizer.BosId, tokenizer.EosId));
        foreach (var row in TokenizerFolders.Rows("llama-style"))
        {
            Assert.Equal(row.Tokens, tokenizer.Encode(row.Text));
            Assert.Equal(row.Decoded, tokenizer.Decode(row.Tokens));
        }
    }

    [Fact]
    public void Without_a_space_prefix_nothing_goes_in_front()
    {
        var values = Metadata("llama-style", "llama", null);
        values[Prefix + "add_space_prefix"] = false;
        values[Prefix + "add_bos_token"] = false;
        var tokenizer = Read(values)!;
        Assert.Equal("Hello", tokenizer.Decode(tokenizer.Encode("Hello")));
        Assert.DoesNotContain('▁', tokenizer.Piece(tokenizer.Encode("Hello")[0]));
    }

    [Fact]
    public void Unused_tokens_are_not_found_in_the_text()
    {
        var values = Metadata("gpt2-style", "gpt2", "gpt-2");
        var types = (int[])values[Prefix + "token_type"];
        Assert.Equal([1997], Read(values)!.Encode("<|endoftext|>"));
        types[1997] = 5;
        Assert.True(Read(values)!.Encode("<|endoftext|>").Length > 1);
    }

    [Fact]
    public void The_chat_template_inside_the_file_is_used()
    {
        var values = Metadata("gpt2-style", "gpt2", "gpt-2");
        Assert.Contains("no chat template", Assert.Throws<StudyException>(() => Read(values)!.ApplyChatTemplate([], false)).Message);
        values["tokenizer.chat_template"] = "{% for m in messages %}[{{ m.role }}]{{ m['content'] }}{% endfor %}";
        Assert.Equal("[user]hi", Read(values)!.ApplyChatTemplate([new ChatMessage("user", "hi")], false));
    }

    [Theory]
    [InlineData("pre", "nonsense", "the pre-tokenizer 'nonsense' (tokenizer.ggml.pre) is not supported; supported: a.x-4.0")]
    [InlineData("model", "t5", "a tokenizer of kind 't5'")]
    [InlineData("merges", null, "the key 'tokenizer.ggml.merges' is missing")]
    [InlineData("tokens", null, "the key 'tokenizer.ggml.tokens' is missing")]
    [InlineData("add_bos_token", true, "a bos token is to be added")]
    [InlineData("token_type", new[] { 1, 1 }, "2 types for 2000 tokens")]
    public void What_is_wrong_is_named(string key, object? value, string message)
    {
        var values = Metadata("gpt2-style", "gpt2", "gpt-2");
        if (value is null) values.Remove(Prefix + key);
        else values[Prefix + key] = value;
        Assert.StartsWith("m.gguf: " + message, Assert.Throws<StudyException>(() => Read(values)).Message);
    }

    [Fact]
    public void A_file_without_a_tokenizer_has_none() => Assert.Null(Read([]));
}
