using InterpActors.Messages.Studies;

namespace InterpActors.Messages.Tests.Studies;

public sealed class StudySectionTests
{
    [Fact]
    public void A_section_over_another_has_its_values_and_what_they_lack()
    {
        var (own, common) = Read("own { a = 1, o { x = 1 } }, common { a = 2, b = 3, o { x = 2, y = 4 } }");
        var joined = own.Over(common);
        Assert.Equal((1, 3), (joined.Int("a"), joined.Int("b")));
        Assert.Equal((1, 4), (joined.Section("o").Int("x"), joined.Section("o").Int("y")));
        Assert.Equal(["a", "o"], own.Keys);
        Assert.Contains("root.own.a", joined.Where("a"));
        Assert.StartsWith("test.conf", joined.Where("b"));
    }

    [Fact]
    public void What_was_read_of_the_two_together_counts_in_both()
    {
        var (own, common) = Read("own { a = 1 }, common { b = 3, c = 4 }");
        var joined = own.Over(common);
        joined.Int("a");
        joined.Int("b");
        joined.Int("d", 7);
        own.Adopt(joined, key => key != "b");
        common.Adopt(joined, key => key == "b");
        Assert.Equal("""{"a":1,"d":7}""", own.Canonical.ToJsonString());
        Assert.Equal("""{"b":3}""", common.Canonical.ToJsonString());
        own.Finish();
        Assert.Contains("root.common.c", Assert.Throws<StudyException>(common.Finish).Message);
    }

    private static (StudySection Own, StudySection Common) Read(string text)
    {
        var root = new StudySection(StudyFile.Parse(text, "test.conf"), "root");
        return (root.Section("own"), root.Section("common"));
    }
}
