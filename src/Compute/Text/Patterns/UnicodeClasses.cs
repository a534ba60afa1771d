using System.Globalization;
using System.Text;

namespace InterpActors.Compute.Text.Patterns;

/// <summary>The character classes of tokenizer expressions: general categories, white space, word characters, case variants.</summary>
internal static class UnicodeClasses
{
    private static readonly Lazy<CodePointSet[]> Categories = new(ScanCategories);
    private static readonly Lazy<ILookup<int, int>> CaseFamilies = new(ScanCase);

    private static readonly string[] ShortNames =
        ["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe",
         "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn"];

    private static readonly Dictionary<string, string> LongNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["letter"] = "L",
        ["uppercaseletter"] = "Lu",
        ["lowercaseletter"] = "Ll",
        ["titlecaseletter"] = "Lt",
        ["modifierletter"] = "Lm",
        ["otherletter"] = "Lo",
        ["mark"] = "M",
        ["nonspacingmark"] = "Mn",
        ["spacingmark"] = "Mc",
        ["enclosingmark"] = "Me",
        ["number"] = "N",
        ["decimalnumber"] = "Nd",
        ["letternumber"] = "Nl",
        ["othernumber"] = "No",
        ["punctuation"] = "P",
        ["symbol"] = "S",
        ["mathsymbol"] = "Sm",
        ["currencysymbol"] = "Sc",
        ["separator"] = "Z",
        ["spaceseparator"] = "Zs",
        ["other"] = "C",
        ["control"] = "Cc",
        ["format"] = "Cf",
    };

    /// <summary>Unicode's White_Space.</summary>
    internal static CodePointSet WhiteSpace { get; } = CodePointSet.Union(
        [(0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
         (0x205F, 0x205F), (0x3000, 0x3000)]);

    /// <summary>
    /// Word characters of Unicode's regular expressions (UTS 18, annex C): alphabetic (letters, letter numbers, circled and squared
    /// letters), marks, decimal digits, connector punctuation, join controls.
    /// </summary>
    internal static CodePointSet Word => _word.Value;

    private static readonly Lazy<CodePointSet> _word = new(() => new[] { "L", "M", "Nd", "Nl", "Pc" }.Select(n => Category(n)!)
        .Append(CodePointSet.Union([(0x200C, 0x200D), (0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189)]))
        .Aggregate((a, b) => a.Or(b)));

    /// <summary>
    /// The code points of a category such as <c>L</c>, <c>Nd</c> or <c>Letter</c>, or of <c>Any</c>; null for other names.
    /// </summary>
    internal static CodePointSet? Category(string name)
    {
        name = name.Replace("_", "").Replace(" ", "").Replace("-", "");
        if (LongNames.TryGetValue(name, out var shortName)) name = shortName;
        if (name.Equals("any", StringComparison.OrdinalIgnoreCase)) return CodePointSet.All;
        var members = Enumerable.Range(0, ShortNames.Length)
            .Where(i => name.Length is 1 or 2 && ShortNames[i].StartsWith(name, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (members.Length == 0) return null;
        return members.Length == 1
            ? Categories.Value[members[0]]
            : CodePointSet.Union(members.SelectMany(m => Categories.Value[m].Ranges));
    }

    /// <summary>Everything that equals a code point when case is ignored (simple folding): K, k and the Kelvin sign.</summary>
    internal static CodePointSet IgnoringCase(CodePointSet set)
    {
        var variants = set.Ranges.ToList();
        foreach (var family in CaseFamilies.Value)
            if (family.Any(set.Contains)) variants.AddRange(family.Select(c => (c, c)));
        return CodePointSet.Union(variants);
    }

    private static CodePointSet[] ScanCategories()
    {
        var ranges = ShortNames.Select(_ => new List<(int, int)>()).ToArray();
        var start = 0;
        var current = CharUnicodeInfo.GetUnicodeCategory(0);
        for (var c = 1; c <= CodePointSet.Last + 1; c++)
        {
            var category = c <= CodePointSet.Last ? CharUnicodeInfo.GetUnicodeCategory(c) : (UnicodeCategory)(-1);
            if (category == current) continue;
            ranges[(int)current].Add((start, c - 1));
            (start, current) = (c, category);
        }
        return ranges.Select(r => CodePointSet.Union(r)).ToArray();
    }

    private static ILookup<int, int> ScanCase()
    {
        var cased = new[] { "Lu", "Ll", "Lt", "Mn", "Nl", "So" }.SelectMany(n => Category(n)!.Ranges)
            .SelectMany(r => Enumerable.Range(r.Start, r.End - r.Start + 1));
        return cased.Select(c => (Code: c, Folded: Fold(c)))
            .GroupBy(c => c.Folded).Where(g => g.Count() > 1)
            .SelectMany(g => g).ToLookup(c => c.Folded, c => c.Code);
    }

    /// <summary>Simple case folding. The platform's invariant casing leaves out the long s, which folds to an ASCII letter.</summary>
    private static int Fold(int c) => c == 0x17F ? 's' : Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(c))).Value;
}
