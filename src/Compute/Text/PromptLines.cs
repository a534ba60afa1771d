using System.Globalization;
using System.Text;
using System.Text.Json;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text;

/// <summary>A prompt as a user wrote it: a text, a conversation, or token ids; exactly one of them is not null.</summary>
/// <param name="Id">Its own, or its number from 0.</param>
/// <param name="AddGenerationPrompt">For a conversation: whether the template opens the assistant's turn.</param>
public sealed record PromptLine(
    string Id, string? Text, IReadOnlyList<ChatMessage>? Messages, int[]? Tokens,
    bool AddGenerationPrompt, SourcePlace Place)
{
    /// <summary>What kind of text it is; null where the line does not say.</summary>
    public string? Class { get; init; }

    /// <summary>Which part of a data set it belongs to, e.g. <c>train</c>; null where the line does not say.</summary>
    public string? Split { get; init; }
}

/// <summary>
/// Reads prompts, one JSON object a line: <c>{"text":"…"}</c>, <c>{"tokens":[…]}</c> or <c>{"messages":[{"role":…,"content":…}]}</c>, with
/// an optional <c>id</c>, <c>class</c> and <c>split</c>. Other fields are ignored, empty lines are skipped.
/// </summary>
public static class PromptLines
{
    internal const long MaximumBytes = 512 << 20;
    private const int MaximumIdLength = 200;

    /// <exception cref="StudyException">The file cannot be read or a line is no prompt; the message names the line.</exception>
    public static IEnumerable<PromptLine> Read(string path)
    {
        var number = 0;
        var count = 0;
        foreach (var line in Lines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            yield return Parse(line, new SourcePlace(path, number), count++);
        }
    }

    private static IEnumerable<string> Lines(string path)
    {
        StreamReader reader;
        try
        {
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            // The length of a pipe shows only as it is read.
            if (file.CanSeek && file.Length > MaximumBytes) throw TooLarge(path);
            reader = new StreamReader(file, new UTF8Encoding(false, throwOnInvalidBytes: true));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new StudyException("the prompts cannot be read", path,
                e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : e.Message, e);
        }
        using (reader)
        {
            long length = 0;
            for (var number = 1; ; number++)
            {
                string? line;
                try
                {
                    line = reader.ReadLine();
                }
                catch (DecoderFallbackException e)
                {
                    throw new StudyException("not UTF-8 text", new SourcePlace(path, number).ToString(), "save the file as UTF-8", e);
                }
                catch (IOException e)
                {
                    throw new StudyException("the prompts cannot be read", path, e.Message, e);
                }
                if (line is null) yield break;
                length += line.Length;
                if (length > MaximumBytes) throw TooLarge(path);
                yield return line;
            }
        }
    }

    private static StudyException TooLarge(string path) => new($"the file is larger than {MaximumBytes >> 20} MiB", path, "split it");

    private static PromptLine Parse(string line, SourcePlace place, int index)
    {
        try
        {
            using var document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 16 });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw Wrong(place, "a prompt must be a JSON object");
            var text = Field(root, "text", JsonValueKind.String, place)?.GetString();
            var tokens = Field(root, "tokens", JsonValueKind.Array, place) is { } t ? Tokens(t, place) : null;
            var messages = Field(root, "messages", JsonValueKind.Array, place) is { } m ? Messages(m, place) : null;
            if (text is null && tokens is null && messages is null) throw Wrong(place, "the line has neither 'text' nor 'tokens'");
            if (messages is not null) (text, tokens) = (null, null);
            else if (tokens is not null) text = null;
            var generate = !root.TryGetProperty("add_generation_prompt", out var flag) || flag.ValueKind != JsonValueKind.False;
            return new PromptLine(Id(root, place) ?? index.ToString(CultureInfo.InvariantCulture), text, messages, tokens, generate, place)
            {
                Class = Label(root, "class"),
                Split = Label(root, "split"),
            };
        }
        catch (JsonException e)
        {
            throw new StudyException("not valid JSON", place.ToString(), "write {\"text\":\"…\"} or {\"tokens\":[…]} on each line", e);
        }
        catch (InvalidOperationException e)
        {
            // A lone surrogate written as \ud800 is valid JSON and no valid text.
            throw new StudyException("a text is not valid Unicode", place.ToString(), inner: e);
        }
    }

    private static string? Id(JsonElement root, SourcePlace place)
    {
        if (!root.TryGetProperty("id", out var id) || id.ValueKind == JsonValueKind.Null) return null;
        var text = id.ValueKind switch
        {
            JsonValueKind.String => id.GetString()!,
            JsonValueKind.Number => id.GetRawText(),
            _ => throw Wrong(place, "'id' must be a text or a number"),
        };
        return text.Length is > 0 and <= MaximumIdLength ? text : throw Wrong(place, $"'id' must have 1 to {MaximumIdLength} characters");
    }

    /// <summary>A text or a number; null for anything else, as for a field that means something to others.</summary>
    private static string? Label(JsonElement root, string name) => !root.TryGetProperty(name, out var label) ? null
        : label.ValueKind switch
        {
            JsonValueKind.String => label.GetString(),
            JsonValueKind.Number => label.GetRawText(),
            _ => null,
        };

    private static int[] Tokens(JsonElement list, SourcePlace place)
    {
        var result = new int[list.GetArrayLength()];
        var i = 0;
        foreach (var item in list.EnumerateArray())
        {
            result[i++] = item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) && id >= 0
                ? id
                : throw Wrong(
                    place, $"'tokens' holds {item.GetRawText()[..Math.Min(20, item.GetRawText().Length)]}, which is no token id");
        }
        return result.Length > 0 ? result : throw Wrong(place, "'tokens' is empty");
    }

    private static ChatMessage[] Messages(JsonElement list, SourcePlace place)
    {
        var result = new List<ChatMessage>();
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object
                || Field(item, "role", JsonValueKind.String, place) is not { } role
                || Field(item, "content", JsonValueKind.String, place) is not { } content)
                throw Wrong(place, "a message needs a 'role' and a 'content'");
            result.Add(new ChatMessage(role.GetString()!, content.GetString()!));
        }
        return result.Count > 0 ? [.. result] : throw Wrong(place, "'messages' is empty");
    }

    private static JsonElement? Field(JsonElement owner, string name, JsonValueKind kind, SourcePlace place)
    {
        if (!owner.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == kind
            ? value
            : throw Wrong(place, $"'{name}' must be {(kind == JsonValueKind.Array ? "a list" : "a text")}");
    }

    private static StudyException Wrong(SourcePlace place, string problem) => new(problem, place.ToString());
}
