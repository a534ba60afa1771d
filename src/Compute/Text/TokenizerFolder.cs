using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text;

/// <summary>
/// Reads the tokenizer of a folder in the Hugging Face layout: <c>tokenizer.json</c> says how text becomes tokens,
/// <c>tokenizer_config.json</c> which tokens begin and end a sequence and how a conversation is written.
/// </summary>
internal static class TokenizerFolder
{
    /// <exception cref="StudyException">A file is damaged or of a kind that is not supported.</exception>
    internal static PipelineTokenizer Read(string folder)
    {
        var root = JsonNode.Read(Path.Combine(folder, "tokenizer.json"));
        var (vocabulary, model) = TokenizerJsonModel.Read(root["model"]);
        var added = ReadAddedTokens(root["added_tokens"], vocabulary);
        var ids = added.ToDictionary(t => t.Content, t => t.Id, StringComparer.Ordinal);
        int? IdOf(string? piece) => piece is null ? null : ids.TryGetValue(piece, out var id) ? id : vocabulary.IdOf(piece);

        var config = ReadOptional(Path.Combine(folder, "tokenizer_config.json"));
        var map = ReadOptional(Path.Combine(folder, "special_tokens_map.json"));
        var template = TokenizerJsonTemplate.Read(root["post_processor"]);
        var bos = IdOf(SpecialToken(config, "bos_token") ?? SpecialToken(map, "bos_token"));
        var eos = IdOf(SpecialToken(config, "eos_token") ?? SpecialToken(map, "eos_token"));
        if (config is null)
        {
            var modelConfig = ReadOptional(Path.Combine(folder, "config.json"));
            bos ??= FirstId(modelConfig, "bos_token_id");
            eos ??= FirstId(modelConfig, "eos_token_id");
        }
        AddOrRemove(template, config?["add_bos_token"].AsFlag, bos, 0);
        AddOrRemove(template, config?["add_eos_token"].AsFlag, eos, template.Count);

        return new PipelineTokenizer(new TokenizerParts(
            vocabulary, model, added, TokenizerJsonSteps.ReadNormalizer(root["normalizer"]),
            TokenizerJsonSteps.ReadPreTokenizer(root["pre_tokenizer"]), TokenizerJsonSteps.ReadDecoder(root["decoder"]),
            template, bos, eos, ReadChatTemplate(folder, config), root.File));
    }

    private static JsonNode? ReadOptional(string file)
    {
        if (!File.Exists(file)) return null;
        var node = JsonNode.Read(file);
        return node.IsObject ? node : throw node.Wrong("an object");
    }

    private static List<AddedToken> ReadAddedTokens(JsonNode list, Vocabulary vocabulary)
    {
        var tokens = new Dictionary<string, AddedToken>(StringComparer.Ordinal);
        var owners = new Dictionary<int, string>();
        if (list.IsNull) return [];
        foreach (var node in list.Items)
        {
            var content = node["content"].Text;
            if (content.Length == 0) continue;
            var id = vocabulary.IdOf(content) ?? node["id"].TokenId;
            var owner = owners.GetValueOrDefault(id) ?? vocabulary.PieceOf(id) ?? content;
            if (owner != content) throw new StudyException($"the id {id} is also that of '{owner}'", node.Where);
            owners[id] = content;
            tokens[content] = new AddedToken(id, content, node["special"].Flag(false), node["normalized"].Flag(true),
                node["lstrip"].Flag(false), node["rstrip"].Flag(false), node["single_word"].Flag(false));
        }
        return [.. tokens.Values];
    }

    /// <summary>A token's content, written as such or as an object that describes it.</summary>
    private static string? SpecialToken(JsonNode? config, string key)
    {
        if (config?[key] is not { IsNull: false } node) return null;
        return node.IsObject ? node["content"].Text : node.Text;
    }

    private static int? FirstId(JsonNode? config, string key)
    {
        if (config?[key] is not { IsNull: false } node) return null;
        return node.IsArray ? node.Items.Select(i => (int?)i.TokenId).FirstOrDefault() : node.TokenId;
    }

    /// <summary>Makes a flag such as <c>add_bos_token</c> come true; without the flag the post-processor alone decides.</summary>
    private static void AddOrRemove(List<int?> template, bool? wanted, int? token, int place)
    {
        if (wanted is null || token is null) return;
        var near = place == 0 ? 0 : place - 1;
        var there = template.Count > near && template[near] == token;
        if (wanted.Value && !there) template.Insert(place, token);
        if (!wanted.Value && there) template.RemoveAt(near);
    }

    private static string? ReadChatTemplate(string folder, JsonNode? config)
    {
        var file = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(file)) return File.ReadAllText(file);
        if (config?["chat_template"] is not { IsNull: false } node) return null;
        if (!node.IsArray) return node.Text;
        var named = node.Items.ToList();
        var chosen = named.FindIndex(n => n["name"].Text == "default");
        return named.Count == 0 ? null : named[Math.Max(chosen, 0)]["template"].Text;
    }
}
