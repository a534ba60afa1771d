using System.Text.RegularExpressions;
using InterpActors.Compute.Text;
using InterpActors.Compute.Text.Patterns;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Text;

/// <summary>The expressions of tokenizer files, against the platform's own where the two mean the same.</summary>
public class PatternTests
{
    private const string Llama3 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
        + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static string[] Pieces(string pattern, string text) =>
        [.. Pattern.Parse(pattern).Matches(text).Select(m => text[m.Start..m.End])];

    [Theory]
    [InlineData(SplitPreTokenizer.Gpt2)]
    [InlineData(Llama3)]
    [InlineData(@"(a|ab)(c|bcd)(d*)")]
    [InlineData(@"(?:a*)*b")]
    [InlineData(@"(?:(?:a|b)*c)*")]
    [InlineData(@"x{2,4}?y|x{3,}")]
    [InlineData(@"(?>a+)b|a")]
    [InlineData(@"(?=ab)a|b(?!a)")]
    [InlineData(@"[a-c\d]+|[^a-z]{2}")]
    [InlineData(@"(?:ab|a)*?b")]
    [InlineData(@"\bf\w*\b|^a|b$")]
    public void Matches_are_those_of_the_platform_inside_the_basic_plane(string pattern)
    {
        const string alphabet = "aabbccddxy  \n\r\t'sStTrRe12é½ \u00A0中,.!-_foo";
        var (ours, theirs, random) = (Pattern.Parse(pattern), new Regex(pattern, RegexOptions.Multiline), new Random(7));
        for (var i = 0; i < 500; i++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(14)).Select(_ => alphabet[random.Next(alphabet.Length)])]);
            var expected = theirs.Matches(text).Where(m => m.Length > 0).Select(m => (m.Index, m.Index + m.Length));
            Assert.Equal(expected, ours.Matches(text).Where(m => m.End > m.Start));
        }
    }

    [Fact]
    public void Letters_and_digits_outside_the_basic_plane_are_letters_and_digits()
    {
        Assert.Equal(["𝒜𝓁𝑔", " 𝟙𝟚", "🙂", " 𐐀𠀀x"], Pieces(SplitPreTokenizer.Gpt2, "𝒜𝓁𝑔 𝟙𝟚🙂 𐐀𠀀x"));
        Assert.Equal(["𝟙𝟚𝟛", "𝟜"], Pieces(Llama3, "𝟙𝟚𝟛𝟜"));
    }

    [Fact]
    public void White_space_is_Unicodes() =>
        Assert.Equal(["\u0085\u2028\u3000\u00A0", "\u200B", "\u180E"], Pieces(@"\s+|.", "\u0085\u2028\u3000\u00A0\u200B\u180E"));

    [Fact]
    public void Ignoring_case_folds_as_Unicode_does()
    {
        Assert.Equal(["'S", "'ſ", "'LL"], Pieces("(?i:'s|'ll)", "'S 'ſ 'LL"));
        Assert.Equal(["k", "K", "\u212A"], Pieces("(?i)k", "kK\u212A"));
        Assert.Equal(["a", "B"], Pieces("(?i:(?-i:a)|b)", "aAB"));
    }

    [Theory]
    [InlineData("a++a", "aaa", new string[0])]
    [InlineData("a{1,2}+", "aaaaa", new[] { "aaaaa" })]
    [InlineData(@"\p{^L}|\P{Ll}", "aB1", new[] { "B", "1" })]
    [InlineData("[a-z&&[^aeiou]]+", "abcde", new[] { "bcd" })]
    [InlineData("[[:digit:]x]+", "1x٣y", new[] { "1x٣" })]
    [InlineData(@"\x{1F642}|\u0041", "🙂A", new[] { "🙂", "A" })]
    [InlineData("[𐐀-𐑏]+", "𐐀𐑏a", new[] { "𐐀𐑏" })]
    [InlineData("{|a{,2}", "aa{", new[] { "aa", "{" })]
    [InlineData(@"\h+", "12xf", new[] { "12", "f" })]
    public void Syntax_is_Onigurumas(string pattern, string text, string[] expected) =>
        Assert.Equal(expected, Pieces(pattern, text).Where(p => p.Length > 0));

    [Theory]
    [InlineData("(")]
    [InlineData(")")]
    [InlineData("[a")]
    [InlineData("*a")]
    [InlineData(@"\p{Nonsense}")]
    [InlineData(@"(a)\1")]
    [InlineData("[z-a]")]
    [InlineData("a{3,1}")]
    [InlineData("(?:(?:a{900}b){900}c){900}")]
    [InlineData(@"\x{110000}")]
    public void What_cannot_be_read_is_refused(string pattern) => Assert.Throws<StudyException>(() => Pattern.Parse(pattern));

    [Fact]
    public void Deep_nesting_is_refused() =>
        Assert.Throws<StudyException>(() => Pattern.Parse(new string('(', 5000) + "a" + new string(')', 5000)));

    [Fact]
    public void A_hopeless_search_ends_with_an_error()
    {
        var slow = Pattern.Parse("(a|a|aa)+b");
        var error = Assert.Throws<StudyException>(() => slow.Matches(new string('a', 60)).Count());
        Assert.Contains("takes too long", error.Message);
    }

    [Fact]
    public void Long_texts_do_not_overflow_the_stack()
    {
        var text = string.Concat(Enumerable.Repeat("ab", 50_000));
        Assert.Equal([(0, text.Length)], Pattern.Parse("(?:a|b)+").Matches(text));
    }
}
