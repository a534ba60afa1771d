using InterpActors.Compute.Text;

namespace InterpActors.Compute.Tests.Text;

/// <summary>Normalization forms, with the standard's own difficult cases.</summary>
public class UnicodeNormalizationTests
{
    [Theory]
    [InlineData("cafe\u0301", "café", "cafe\u0301")]
    [InlineData("\u1E9B\u0323", "\u1E9B\u0323", "\u017F\u0323\u0307")]
    [InlineData("\uAC00\uAC01", "\uAC00\uAC01", "\u1100\u1161\u1100\u1161\u11A8")]
    [InlineData("\u1100\u1161\u11A8", "\uAC01", "\u1100\u1161\u11A8")]
    [InlineData("\u0958", "\u0915\u093C", "\u0915\u093C")]
    [InlineData("\u212B\u2126", "\u00C5\u03A9", "A\u030A\u03A9")]
    [InlineData("a\u0301\u0327", "\u00E1\u0327", "a\u0327\u0301")]
    [InlineData("a\u0301\u0300\u0323", "\u1EA1\u0301\u0300", "a\u0323\u0301\u0300")]
    [InlineData("\U0001D15E", "\U0001D157\U0001D165", "\U0001D157\U0001D165")]
    [InlineData("\U00011099\U000110BA", "\U0001109A", "\U00011099\U000110BA")]
    [InlineData("\u0344", "\u0308\u0301", "\u0308\u0301")]
    [InlineData("ﬁ ① \uFFFF", "ﬁ ① \uFFFF", "ﬁ ① \uFFFF")]
    public void Forms_C_and_D(string text, string formC, string formD)
    {
        Assert.Equal(formC, UnicodeNormalization.ToFormC(text));
        Assert.Equal(formD, UnicodeNormalization.ToFormD(text));
        Assert.Equal(formC, UnicodeNormalization.ToFormC(formD));
    }

    [Fact]
    public void Lower_case_is_letter_by_letter_and_accents_go_in_every_script()
    {
        Assert.Equal("i\u0307ß𐐨σ", TextRewriter.Lowercase.Normalize("İẞ𐐀Σ"));
        Assert.Equal("नमसत a", TextRewriter.StripAccents.Normalize("नमस्ते a\u0301"));
    }
}
