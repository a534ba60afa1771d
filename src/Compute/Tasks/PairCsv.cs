using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tasks;

/// <summary>
/// Reads CSV files of the EAP-IG kind. Columns: <c>clean</c>, <c>corrupted</c> (or another one that the study names), and one of
/// <list type="bullet">
/// <item>token ids of the right and the wrong answer, one or a list in brackets: <c>correct_idx, incorrect_idx</c>;
/// <c>clean_answer_idx, corrupted_answer_idx</c>; <c>country_idx, corrupted_country_idx</c>; <c>answers_idx,
/// corrupted_answers_idx</c>;</item>
/// <item>greater-than: <c>label</c> (or <c>correct_idx</c> alone), the two-digit year YY; right are the tokens of the years above YY,
/// wrong those up to YY.</item>
/// </list>
/// </summary>
internal static partial class PairCsv
{
    private static readonly (string Right, string Wrong)[] IdColumns =
    [
        ("correct_idx", "incorrect_idx"), ("clean_answer_idx", "corrupted_answer_idx"), ("country_idx", "corrupted_country_idx"),
        ("answers_idx", "corrupted_answers_idx"),
    ];

    /// <exception cref="StudyException">The text is no such table.</exception>
    public static List<RawPair> Read(string text, string name, int limit, string corruptedColumn)
    {
        using var rows = Rows(text, name).GetEnumerator();
        if (!rows.MoveNext()) return [];
        var header = rows.Current.Fields;
        var top = new SourcePlace(name, rows.Current.Line).ToString();
        int Column(string column) => header.IndexOf(column);
        int Needed(string column) => Column(column) is >= 0 and var c
            ? c
            : throw new StudyException($"there is no column '{column}'", top,
                "a pairs file is .jsonl, auto-circuit's .json, or a .csv with clean, corrupted and answers");

        var clean = Needed("clean");
        var corrupted = Column(corruptedColumn);
        if (corrupted < 0 && corruptedColumn != "corrupted") Needed(corruptedColumn);
        var ids = IdColumns.FirstOrDefault(c => Column(c.Right) >= 0 && Column(c.Wrong) >= 0);
        var label = ids.Right is not null ? -1 : Column("label") is >= 0 and var l ? l : Needed("correct_idx");
        var pairs = new List<RawPair>();
        while (pairs.Count < limit && rows.MoveNext())
        {
            var (fields, line) = rows.Current;
            var place = new SourcePlace(name, line);
            if (fields.Count != header.Count)
                throw new StudyException($"{fields.Count} fields where the header has {header.Count}", place.ToString());
            var (answers, wrong) = label >= 0
                ? Years(fields[label], fields[clean], place)
                : (Ids(fields[Column(ids.Right!)], ids.Right!, place), Ids(fields[Column(ids.Wrong!)], ids.Wrong!, place));
            pairs.Add(new RawPair(place, null, null, new RawTokens(fields[clean], null),
                corrupted < 0 ? null : new RawTokens(fields[corrupted], null),
                answers, wrong, new Dictionary<string, int[]>(), RolesCountBos: true));
        }
        return pairs;
    }

    private static (List<RawTokens> Answers, List<RawTokens> Wrong) Years(string field, string clean, SourcePlace place)
    {
        if (!int.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out var year) || year > 98 || !TwoDigits().IsMatch(clean))
            throw new StudyException($"'{field}' is not a two-digit year below 99 of a greater-than prompt", place.ToString(),
                "give correct_idx and incorrect_idx for other tasks");
        List<RawTokens> Range(int from, int to) =>
            [.. Enumerable.Range(from, to - from).Select(y => new RawTokens(y.ToString("00", CultureInfo.InvariantCulture), null))];
        return (Range(year + 1, 100), Range(0, year + 1));
    }

    private static List<RawTokens> Ids(string field, string column, SourcePlace place)
    {
        var parts = field.Trim().TrimStart('[').TrimEnd(']')
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return [.. parts.Select(p => new RawTokens(null, [int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? id
            : throw new StudyException($"column {column}: '{p}' is not a token id", place.ToString())]))];
    }

    /// <summary>Rows with the line they begin on; quoted fields may hold commas, line ends and doubled quotes (RFC 4180).</summary>
    private static IEnumerable<(List<string> Fields, int Line)> Rows(string text, string name)
    {
        var field = new StringBuilder();
        var (at, line) = (0, 1);
        while (at < text.Length)
        {
            var (fields, first, ended) = (new List<string>(), line, false);
            while (!ended)
            {
                field.Clear();
                if (at < text.Length && text[at] == '"')
                {
                    for (at++; ; at++)
                    {
                        if (at >= text.Length)
                            throw new StudyException("a quoted field has no end", new SourcePlace(name, first).ToString());
                        if (text[at] == '"' && (at + 1 >= text.Length || text[at + 1] != '"')) break;
                        if (text[at] == '"') at++;
                        if (text[at] == '\n') line++;
                        field.Append(text[at]);
                    }
                    at++;
                }
                while (at < text.Length && text[at] is not (',' or '\n')) field.Append(text[at++]);
                ended = at >= text.Length || text[at] == '\n';
                at++;
                if (ended && field.Length > 0 && field[^1] == '\r') field.Length--;
                if (field.Length > PairFiles.MaxLineBytes)
                    throw new StudyException($"a field has more than {PairFiles.MaxLineBytes >> 10} Ki characters",
                        new SourcePlace(name, first).ToString());
                fields.Add(field.ToString());
                if (fields.Count > 1000)
                    throw new StudyException("a row has more than 1000 fields", new SourcePlace(name, first).ToString());
            }
            line++;
            if (fields is not [{ Length: 0 }]) yield return (fields, first);
        }
    }

    [GeneratedRegex(@"\d\d\s*$")]
    private static partial Regex TwoDigits();
}
