using InterpActors.Compute.Models;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Tasks;

/// <summary>A small word-level tokenizer: ids 0 &lt;bos&gt;, 1 &lt;unk&gt;, then the words; BOS in front with special tokens.</summary>
internal sealed class WordTokenizer(IEnumerable<string> words) : ITokenizer
{
    private readonly string[] _pieces = ["<bos>", "<unk>", .. words];

    public int VocabularySize => _pieces.Length;
    public int? BosId => 0;
    public int? EosId => null;

    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        var ids = System.Text.RegularExpressions.Regex.Matches(text, @"\w+|[^\w\s]+")
            .Select(m => Math.Max(Array.IndexOf(_pieces, m.Value), -1))
            .Select(i => i < 0 ? 1 : i);
        return addSpecialTokens ? [0, .. ids] : [.. ids];
    }

    public string Decode(ReadOnlySpan<int> tokens, bool skipSpecialTokens = false) =>
        string.Join(' ', tokens.ToArray().Where(t => !skipSpecialTokens || t > 1).Select(t => _pieces[t]));

    public string Piece(int token) => _pieces[token];

    public string ApplyChatTemplate(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt) =>
        throw new StudyException("no chat template");
}

/// <summary>Builds task sections and model shapes for tests.</summary>
internal static class TaskTesting
{
    public static ModelConfig Config(int vocabulary, int context = 48, string family = "gpt2") => new(
        family, "test", 1, 1, 1, 8, 8, 0, context, vocabulary, NormKind.None, 0, ActivationKind.None, false,
        PositionKind.Learned, null, 1, [null]);

    /// <summary>A section of scalars and lists of texts.</summary>
    public static StudySection Section(params (string Key, object Value)[] keys)
    {
        var place = new SourcePlace("test.conf", 1);
        var o = new StudyObject(place);
        foreach (var (key, value) in keys)
        {
            o[key] = value is string[] list
                ? new StudyList([.. list.Select(v => new StudyScalar(v, true, place))], place)
                : new StudyScalar(
                    Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!.ToLowerInvariantIf(value is bool),
                    value is string, place);
        }
        return new StudySection(o, "study.task");
    }

    private static string ToLowerInvariantIf(this string text, bool condition) => condition ? text.ToLowerInvariant() : text;
}
