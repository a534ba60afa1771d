using System.Globalization;
using System.Text;

namespace InterpActors.Compute.Text;

/// <summary>
/// Unicode normalization forms C and D (Unicode standard annex 15). The programs run with invariant globalization, so that they need no
/// ICU library; in that mode the platform's own <c>string.Normalize</c> leaves everything outside ASCII as it is. The tables come from
/// <c>unicode-normalization.txt</c>, which is embedded.
/// </summary>
internal static class UnicodeNormalization
{
    private const int SyllableBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    private const int Leads = 19, Vowels = 21, Tails = 28, Syllables = Leads * Vowels * Tails;

    /// <summary>The first code point that any of the two forms can change.</summary>
    private const char FirstAffected = '\u00C0';

    private static readonly Lazy<Tables> Data = new(ReadTables);

    private sealed record Tables(
        Dictionary<int, int[]> Decompositions, Dictionary<(int First, int Second), int> Compositions, Dictionary<int, byte> Classes);

    internal static string ToFormD(string text) => IsUnaffected(text) ? text : ToText(Decompose(text));

    internal static string ToFormC(string text)
    {
        if (IsUnaffected(text)) return text;
        var points = Decompose(text);
        Compose(points);
        return ToText(points);
    }

    private static bool IsUnaffected(string text) => text.AsSpan().IndexOfAnyInRange(FirstAffected, char.MaxValue) < 0;

    private static List<int> Decompose(string text)
    {
        var points = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) AppendDecomposed(rune.Value, points);
        Reorder(points);
        return points;
    }

    private static void AppendDecomposed(int point, List<int> output)
    {
        var syllable = point - SyllableBase;
        if (syllable is >= 0 and < Syllables)
        {
            output.Add(LeadBase + syllable / (Vowels * Tails));
            output.Add(VowelBase + syllable % (Vowels * Tails) / Tails);
            if (syllable % Tails != 0) output.Add(TailBase + syllable % Tails);
        }
        else if (point >= FirstAffected && Data.Value.Decompositions.TryGetValue(point, out var parts))
        {
            foreach (var part in parts) AppendDecomposed(part, output);
        }
        else
        {
            output.Add(point);
        }
    }

    /// <summary>Sorts every run of combining marks by class, keeping the order within a class.</summary>
    private static void Reorder(List<int> points)
    {
        for (var start = 0; start < points.Count; start++)
        {
            if (ClassOf(points[start]) == 0) continue;
            var end = start + 1;
            while (end < points.Count && ClassOf(points[end]) != 0) end++;
            if (end - start > 1)
            {
                var sorted = points.GetRange(start, end - start).OrderBy(ClassOf).ToArray();
                for (var i = 0; i < sorted.Length; i++) points[start + i] = sorted[i];
            }
            start = end;
        }
    }

    private static void Compose(List<int> points)
    {
        var (write, starter, lastClass) = (0, -1, 0);
        foreach (var point in points.ToArray())
        {
            var combining = ClassOf(point);
            var blocked = starter >= 0 && write - 1 > starter && lastClass >= combining;
            if (starter >= 0 && !blocked && Combine(points[starter], point) is { } composed)
            {
                points[starter] = composed;
                continue;
            }
            if (combining == 0) starter = write;
            lastClass = combining;
            points[write++] = point;
        }
        points.RemoveRange(write, points.Count - write);
    }

    private static int? Combine(int first, int second)
    {
        var (lead, vowel) = (first - LeadBase, second - VowelBase);
        if (lead is >= 0 and < Leads && vowel is >= 0 and < Vowels) return SyllableBase + (lead * Vowels + vowel) * Tails;
        var (syllable, tail) = (first - SyllableBase, second - TailBase);
        if (syllable is >= 0 and < Syllables && syllable % Tails == 0 && tail is > 0 and < Tails) return first + tail;
        return Data.Value.Compositions.TryGetValue((first, second), out var composed) ? composed : null;
    }

    private static int ClassOf(int point) => point < 0x300 ? 0 : Data.Value.Classes.GetValueOrDefault(point);

    private static string ToText(List<int> points)
    {
        var text = new StringBuilder(points.Count);
        foreach (var point in points)
        {
            if (point < 0x10000) text.Append((char)point);
            else text.Append(char.ConvertFromUtf32(point));
        }
        return text.ToString();
    }

    private static Tables ReadTables()
    {
        var tables = new Tables([], [], []);
        using var stream = typeof(UnicodeNormalization).Assembly.GetManifestResourceStream("unicode-normalization.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            var fields = line.TrimStart('!').Split(' ');
            if (fields[0] == "c")
            {
                var range = fields[1].Split('-');
                for (var point = Hex(range[0]); point <= Hex(range[^1]); point++)
                    tables.Classes[point] = byte.Parse(fields[2], CultureInfo.InvariantCulture);
                continue;
            }
            var parts = fields.Skip(1).Select(Hex).ToArray();
            tables.Decompositions[Hex(fields[0])] = parts;
            if (line[0] != '!') tables.Compositions[(parts[0], parts[1])] = Hex(fields[0]);
        }
        return tables;
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
