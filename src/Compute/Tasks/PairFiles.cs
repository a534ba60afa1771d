using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tasks;

/// <summary>
/// Reads files of prompt pairs: JSON lines of our own format, auto-circuit's JSON (<c>{"prompts":[…]}</c>, positions of roles in
/// <c>word_idxs</c>), or a CSV as EAP-IG's. The extension decides; without a known one, the content.
/// </summary>
internal static class PairFiles
{
    // A file within these bounds needs less than 200 MB to read, whatever it holds.
    public const int MaxBytes = 16 << 20;
    public const int MaxPairs = 100_000;
    public const int MaxLineBytes = 1 << 20;
    private const int MaxDocumentBytes = 8 << 20;

    /// <summary>The pairs of a file in its order, the SHA-256 of the file and its length in bytes.</summary>
    /// <param name="path">Absolute path.</param>
    /// <param name="name">The path as the user wrote it, for messages.</param>
    /// <param name="limit">Stops after so many.</param>
    /// <exception cref="StudyException">The file cannot be read.</exception>
    public static (IReadOnlyList<RawPair> Pairs, string Sha256, long Length) Read(
        string path, string name, int limit, string corruptedColumn)
    {
        var bytes = Bytes(path, name);
        var body = bytes.AsMemory(bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? 3 : 0);
        var pairs = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".jsonl" => Lines(body, name, limit),
            ".csv" => PairCsv.Read(Decode(body, name), name, limit, corruptedColumn),
            _ when First(body) != (byte)'{' => PairCsv.Read(Decode(body, name), name, limit, corruptedColumn),
            _ => IsAutoCircuit(body) ? AutoCircuit(body, name, limit) : Lines(body, name, limit),
        };
        if (pairs.Count > MaxPairs)
            throw new StudyException($"the file holds more than {MaxPairs} prompts", name, "write n = … to use the first ones");
        if (pairs.Count == 0) throw new StudyException("the file holds no prompts", name);
        return (pairs, Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length);
    }

    private static byte[] Bytes(string path, string name)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            using var bytes = new MemoryStream();
            var buffer = new byte[1 << 16];
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                bytes.Write(buffer, 0, read);
                if (bytes.Length > MaxBytes) throw new StudyException($"the file has more than {MaxBytes >> 20} MiB", name, "split it");
            }
            return bytes.ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var problem = e is FileNotFoundException or DirectoryNotFoundException ? "no such file"
                : Directory.Exists(path) ? "is a folder, not a file"
                : "cannot be read";
            throw new StudyException(problem, name, $"looked at {path}", e);
        }
    }

    private static string Decode(ReadOnlyMemory<byte> body, string name)
    {
        try
        {
            return new UTF8Encoding(false, true).GetString(body.Span);
        }
        catch (DecoderFallbackException e)
        {
            throw new StudyException("is not UTF-8 text", name, inner: e);
        }
    }

    private static byte First(ReadOnlyMemory<byte> body)
    {
        foreach (var b in body.Span)
            if (b is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
                return b;
        return 0;
    }

    private static List<RawPair> Lines(ReadOnlyMemory<byte> body, string name, int limit)
    {
        var pairs = new List<RawPair>();
        var start = 0;
        for (var line = 1; start < body.Length && pairs.Count < limit; line++)
        {
            var length = body.Span[start..].IndexOf((byte)'\n');
            var text = length < 0 ? body[start..] : body.Slice(start, length);
            start += text.Length + 1;
            var place = new SourcePlace(name, line);
            if (text.Length > MaxLineBytes) throw new StudyException($"the line has more than {MaxLineBytes >> 10} KiB", place.ToString());
            if (First(text) == 0) continue;
            using var document = JsonFields.Parse(text, name, line);
            var root = document.RootElement;
            pairs.Add(JsonFields.Guard(place, () => Line(JsonFields.Object(root, place), place)));
        }
        return pairs;
    }

    private static RawPair Line(JsonElement o, SourcePlace place) => new(
        place, JsonFields.Label(o, "id", place), JsonFields.Label(o, "group", place),
        JsonFields.Prompt(o, "clean", place) ?? throw new StudyException("\"clean\" is missing", place.ToString()),
        JsonFields.Prompt(o, "corrupt", place), JsonFields.Answers(o, "answers", place), JsonFields.Answers(o, "wrong", place),
        JsonFields.Roles(o, "roles", place), RolesCountBos: true);

    // A line of our own format is a whole object; auto-circuit's file is one object with "prompts".
    private static bool IsAutoCircuit(ReadOnlyMemory<byte> body)
    {
        var reader = new Utf8JsonReader(body.Span, new JsonReaderOptions { MaxDepth = JsonFields.Options.MaxDepth });
        try
        {
            while (reader.Read() && reader.CurrentDepth <= 1)
            {
                if (reader.TokenType == JsonTokenType.EndObject) return false;
                if (reader.TokenType != JsonTokenType.PropertyName) continue;
                if (reader.ValueTextEquals("prompts")) return true;
                if (reader.ValueTextEquals("clean")) return false;
                reader.Skip();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The reader of lines says where and why.
        }
        return false;
    }

    private static List<RawPair> AutoCircuit(ReadOnlyMemory<byte> body, string name, int limit)
    {
        if (body.Length > MaxDocumentBytes)
            throw new StudyException($"the file has more than {MaxDocumentBytes >> 20} MiB", name, "write it as JSON lines (.jsonl)");
        using var document = JsonFields.Parse(body, name, 1);
        var root = document.RootElement;
        return JsonFields.Guard(new SourcePlace(name, 1), () => AutoCircuit(root, new LineCounter(body.Span), name, limit));
    }

    private static List<RawPair> AutoCircuit(JsonElement root, LineCounter lines, string name, int limit)
    {
        var roles = JsonFields.Roles(root, "word_idxs", new SourcePlace(name, 1));
        if (JsonFields.Field(root, "prompts") is not { ValueKind: JsonValueKind.Array } prompts)
            throw new StudyException("\"prompts\" must be a list", name);
        var pairs = new List<RawPair>();
        foreach (var prompt in prompts.EnumerateArray().Take(limit))
        {
            var place = new SourcePlace(name, lines.LineOfPrompt(pairs.Count));
            pairs.Add(JsonFields.Guard(place, () =>
            {
                var o = JsonFields.Object(prompt, place);
                var clean = JsonFields.Prompt(o, "clean", place) ?? throw new StudyException("\"clean\" is missing", place.ToString());
                return new RawPair(place, null, null, clean, JsonFields.Prompt(o, "corrupt", place),
                    JsonFields.Answers(o, "answers", place),
                    JsonFields.Answers(o, "wrong_answers", place), roles, RolesCountBos: false);
            }));
        }
        return pairs;
    }

    /// <summary>The lines on which the entries of "prompts" begin.</summary>
    private sealed class LineCounter
    {
        private readonly List<int> _lines = [];

        public LineCounter(ReadOnlySpan<byte> body)
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = JsonFields.Options.MaxDepth });
            var (inside, at, line) = (false, 0, 1);
            while (reader.Read())
            {
                if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName)
                {
                    inside = reader.ValueTextEquals("prompts");
                    if (inside) _lines.Clear();
                }
                if (!inside || reader.CurrentDepth != 2 || reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray) continue;
                var start = (int)reader.TokenStartIndex;
                line += body[at..start].Count((byte)'\n');
                at = start;
                _lines.Add(line);
            }
        }

        public int LineOfPrompt(int index) => _lines[index];
    }
}
