using System.Globalization;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text;

/// <summary>Reads the <c>model</c> of a tokenizer.json: BPE or WordLevel.</summary>
internal static class TokenizerJsonModel
{
    private const string Supported = "BPE, WordLevel";

    internal static (Vocabulary Vocabulary, ITokenModel Model) Read(JsonNode node)
    {
        if (!node.IsObject) throw node.Wrong("an object");
        var type = node["type"].TextOr(node["merges"].IsNull ? "WordLevel" : "BPE");
        var vocabulary = type is "BPE" or "WordLevel"
            ? new Vocabulary(node["vocab"].Members.Select(m => (m.Name, m.Value.TokenId)))
            : throw node["type"].Unsupported($"a tokenizer model of type '{type}'", Supported);
        var unknown = node["unk_token"].IsNull ? null : vocabulary.IdOf(node["unk_token"].Text);
        return (vocabulary, type == "WordLevel" ? new WordLevelModel(vocabulary, unknown) : ReadBpe(node, vocabulary, unknown));
    }

    private static BpeModel ReadBpe(JsonNode node, Vocabulary vocabulary, int? unknown)
    {
        if (!node["dropout"].IsNull) throw node["dropout"].Unsupported("dropout of merges", "null");
        var prefix = node["continuing_subword_prefix"].TextOr("");
        var options = new BpeOptions(
            unknown, node["fuse_unk"].Flag(false), node["byte_fallback"].Flag(false) ? new ByteFallback(vocabulary) : null,
            node["ignore_merges"].Flag(false), prefix, node["end_of_word_suffix"].TextOr(""));
        var list = node["merges"];
        var merges = new BpeMerges(vocabulary, prefix, list.Count);
        foreach (var merge in list.Items)
        {
            if (merge.IsText) merges.Add(merge.Text, merge.Where);
            else if (merge.Count == 2) merges.Add(merge.Items.First().Text, merge.Items.Last().Text, () => merge.Where);
            else throw merge.Wrong("two pieces");
        }
        return new BpeModel(vocabulary, merges.Table, options);
    }
}

/// <summary>Collects the merges of a BPE model in the order of their rank.</summary>
internal sealed class BpeMerges(Vocabulary vocabulary, string continuingPrefix, int count)
{
    private int _rank;

    /// <summary>Rank and result by <see cref="BpeModel.Pair"/>.</summary>
    internal Dictionary<long, (int Rank, int Id)> Table { get; } = new(count);

    /// <summary>A merge written as <c>left right</c>.</summary>
    internal void Add(string merge, string where)
    {
        var space = merge.IndexOf(' ');
        if (space <= 0 || space == merge.Length - 1 || merge.IndexOf(' ', space + 1) >= 0)
            throw new StudyException($"the merge '{merge}' is not two pieces with a space between", where);
        Add(merge[..space], merge[(space + 1)..], () => where);
    }

    internal void Add(string left, string right, Func<string> where)
    {
        var rest = continuingPrefix.Length > 0 && right.StartsWith(continuingPrefix, StringComparison.Ordinal)
            ? right[continuingPrefix.Length..]
            : right;
        Table[BpeModel.Pair(IdOf(left, where), IdOf(right, where))] = (_rank++, IdOf(left + rest, where));
    }

    private int IdOf(string piece, Func<string> where) => vocabulary.IdOf(piece)
        ?? throw new StudyException(string.Create(CultureInfo.InvariantCulture, $"merge {_rank} needs the piece '{piece}', "
            + $"which the vocabulary lacks"), where());
}
