using System.Globalization;
using System.Text.Json;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Models;

/// <summary>One prompt as token ids.</summary>
/// <param name="Id">Its own, or its index in the file.</param>
public sealed record Prompt(string Id, int[] Tokens);

/// <summary>Reads prompts: JSON lines of <c>{"text":"…"}</c> or <c>{"tokens":[…]}</c>, each with an optional <c>"id"</c>.</summary>
public static class PromptFile
{
    private const long LargestFile = 64L << 20;

    /// <param name="tokenizer">The model's; null where it has none, which only matters to prompts given as text.</param>
    /// <param name="prependBos">Puts the beginning-of-sequence token in front where the tokenizer's configuration does not.</param>
    /// <exception cref="StudyException">The file cannot be read, a line is not a prompt, two ids are the same, or the model cannot take a prompt.</exception>
    public static IReadOnlyList<Prompt> Read(string path, ModelConfig config, ITokenizer? tokenizer, bool prependBos = false)
    {
        string[] lines;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > LargestFile }) throw new StudyException("prompt files hold at most 64 MiB", path, "split the file");
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StudyException($"cannot read the prompts: {e.Message}", path, null, e);
        }
        var prompts = new List<Prompt>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i])) continue;
            var where = $"{path}:{i + 1}";
            var prompt = Parse(lines[i], where, prompts.Count, tokenizer, prependBos);
            HookedTransformer.CheckPrompt(config, prompt.Tokens, where);
            if (!ids.Add(prompt.Id)) throw new StudyException($"the id '{prompt.Id}' is taken", where, "give each prompt an id of its own");
            prompts.Add(prompt);
        }
        return prompts.Count > 0 ? prompts : throw new StudyException("no prompts", path, "write one JSON object a line");
    }

    private static Prompt Parse(string line, string where, int index, ITokenizer? tokenizer, bool prependBos)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw Bad();
            var id = root.TryGetProperty("id", out var given)
                ? given.ValueKind == JsonValueKind.String ? given.GetString()! : given.GetRawText()
                : index.ToString(CultureInfo.InvariantCulture);
            if (id.Length == 0) throw new StudyException("an empty id", where, "leave it out, or name the prompt");
            if (root.TryGetProperty("tokens", out var tokens))
            {
                if (tokens.ValueKind != JsonValueKind.Array) throw Bad();
                return new(id, [.. tokens.EnumerateArray().Select(t => t.ValueKind == JsonValueKind.Number && t.TryGetInt32(out var token) ? token : throw Bad())]);
            }
            if (!root.TryGetProperty("text", out var text) || text.ValueKind != JsonValueKind.String) throw Bad();
            if (tokenizer is null) throw new StudyException("the model has no tokenizer", where, "give token ids: {\"tokens\":[…]}");
            var encoded = tokenizer.Encode(text.GetString()!);
            if (!prependBos) return new(id, encoded);
            var bos = tokenizer.BosId ?? throw new StudyException("the tokenizer has no beginning-of-sequence token", where, "leave --prepend-bos out");
            return new(id, encoded.Length > 0 && encoded[0] == bos ? encoded : [bos, .. encoded]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new StudyException($"not a prompt: {e.Message}", where, "write {\"text\":\"…\"} or {\"tokens\":[…]}", e);
        }

        StudyException Bad() => new("not a prompt", where, "write {\"text\":\"…\"} or {\"tokens\":[…]}");
    }
}
