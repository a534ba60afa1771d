using InterpActors.Compute.Tasks;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Tasks;

public class IoiTaskTests
{
    // A small vocabulary: three of the aligned templates, one of the others, few names.
    private static readonly WordTokenizer Small = new(
        ("When After While and went to the were at , gave sent bought a for Then had long talk store school drink book "
            + "Mary John Anna Paul Tom Lisa").Split(' '));

    private static readonly WordTokenizer Symbols = new(
        [.. Enumerable.Range('A', 20).Select(c => ((char)c).ToString()),
         .. Enumerable.Range(0, 10).Select(i => $"f{i}"), "END"]);

    [Fact]
    public void WritesPairsWhoseRolesAndAnswersFit()
    {
        var task = Read(Small, ("n", 12));
        Assert.Equal(12, task.Prompts.Count);
        Assert.True(task.OneLength);
        Assert.Equal(["when-went", "after-went", "while-were"], task.Prompts.Select(p => p.Group).Distinct());
        foreach (var p in task.Prompts)
        {
            var (io, s) = (p.Answers[0], p.Wrong[0]);
            Assert.Equal(io, p.Clean[p.Roles["IO"][0]]);
            Assert.Equal(s, p.Clean[p.Roles["S1"][0]]);
            Assert.Equal(s, p.Clean[p.Roles["S2"][0]]);
            Assert.Equal(p.Roles["S1"][0] + 1, p.Roles["S1+1"][0]);
            Assert.Equal(p.Clean.Length - 1, p.Roles["end"][0]);
            Assert.Equal(0, p.Clean[0]);
            Assert.DoesNotContain(1, p.Clean);
        }
        Assert.Equal(6, task.Prompts.Count(p => p.Roles["IO"][0] < p.Roles["S1"][0]));
        Assert.Equal(2, task.Prompts.Where(p => p.Group == "when-went").Select(p => p.Roles["IO"][0]).Distinct().Count());
        Assert.Empty(task.Dropped);
        Assert.Contains(task.Notes, n => n.StartsWith("names left out") && n.Contains("Mark"));
        Assert.Contains(task.Notes, n => n.StartsWith("template once-sat is left out"));
    }

    [Fact]
    public void FlipChangesOnlyTheRepeatedName() => Changes("s2-io-flip", p =>
    {
        Assert.Equal(p.Roles["S2"], Differences(p));
        Assert.Equal(p.Answers[0], p.Corrupted![p.Roles["S2"][0]]);
    });

    [Fact]
    public void AbcBringsThreeFreshNames() => Changes("abc", p =>
    {
        var places = new[] { p.Roles["IO"][0], p.Roles["S1"][0], p.Roles["S2"][0] };
        Assert.Equal(places.Order(), Differences(p));
        Assert.Equal(5, places.Select(i => p.Corrupted![i]).Append(p.Answers[0]).Append(p.Wrong[0]).Distinct().Count());
    });

    [Fact]
    public void SwapExchangesTheFirstTwoNames() => Changes("swap", p =>
    {
        var (io, s1) = (p.Roles["IO"][0], p.Roles["S1"][0]);
        Assert.Equal(new[] { io, s1 }.Order(), Differences(p));
        Assert.Equal((p.Clean[io], p.Clean[s1]), (p.Corrupted![s1], p.Corrupted[io]));
    });

    [Fact]
    public void OrderAndTemplatesCanBeChosen()
    {
        Assert.All(Read(Small, ("templates", "abba")).Prompts, p => Assert.True(p.Roles["IO"][0] < p.Roles["S1"][0]));
        Assert.All(Read(Small, ("templates", new[] { "baba", "long-talk" })).Prompts,
            p => Assert.Equal(("long-talk", true), (p.Group, p.Roles["IO"][0] > p.Roles["S1"][0])));
        Assert.False(Read(Small, ("templates", "all")).OneLength);
        Assert.Contains("did you mean 'long-talk'", Assert.Throws<StudyException>(() => Read(Small, ("templates", "long-tale"))).Message);
    }

    [Fact]
    public void TheSeedDecides()
    {
        Assert.Equal(Text(Read(Small)), Text(Read(Small)));
        Assert.NotEqual(Text(Read(Small)), Text(Read(Small, ("seed", 9))));
        static string Text(TaskData t) => string.Join('\n', t.Prompts.Select(p => string.Join(' ', p.Clean)));
    }

    [Fact]
    public void OwnNamesAreUsedAndOthersNamedAsDropped()
    {
        var task = Read(Small, ("names", new[] { "Mary", "John", "Anna", "Zebulon" }));
        Assert.All(task.Prompts, p => Assert.Contains(Small.Piece(p.Answers[0]), new[] { "Mary", "John", "Anna" }));
        Assert.Contains("Zebulon", task.Notes.First(n => n.StartsWith("names")));
        var refused = Assert.Throws<StudyException>(() => Read(Small, ("names", new[] { "Mary", "John", "Zebulon" })));
        Assert.Contains("only 2 names", refused.Message);
    }

    [Fact]
    public void RefusesAVocabularyWithoutTheWords() =>
        Assert.Contains("no template",
            Assert.Throws<StudyException>(() => Read(new WordTokenizer(["Mary", "John", "Anna", "xyz"]))).Message);

    [Fact]
    public void WritesSymbolsForHandBuiltModels()
    {
        var task = Read(Symbols, "attention-only", ("n", 64));
        Assert.All(task.Prompts, p =>
        {
            Assert.Equal(10, p.Clean.Length);
            Assert.Equal(("END", 7, 9), (Symbols.Piece(p.Clean[9]), p.Roles["S2"][0], p.Roles["end"][0]));
            Assert.Equal([7], Differences(p));
            Assert.Equal(p.Answers[0], p.Corrupted![7]);
        });
        Assert.Equal(32, task.Prompts.Count(p => p.Roles["S1"][0] == 2));
        Assert.Contains("symbols need", Assert.Throws<StudyException>(() => Read(Small, ("format", "symbols"))).Message);
    }

    [Fact]
    public void UnknownKeysAreLeftForTheSectionToRefuse()
    {
        var section = TaskTesting.Section(("kind", "ioi"), ("corruptoin", "abc"));
        TaskReader.Read(section, ".", 0, Small, TaskTesting.Config(Small.VocabularySize));
        Assert.Contains("did you mean 'corruption'", Assert.Throws<StudyException>(section.Finish).Message);
    }

    private static void Changes(string corruption, Action<PromptPair> check) =>
        Assert.All(Read(Small, ("corruption", corruption), ("n", 20)).Prompts, check);

    private static IEnumerable<int> Differences(PromptPair p) =>
        Enumerable.Range(0, p.Clean.Length).Where(i => p.Clean[i] != p.Corrupted![i]);

    private static TaskData Read(WordTokenizer tokenizer, params (string, object)[] keys) => Read(tokenizer, "gpt2", keys);

    private static TaskData Read(WordTokenizer tokenizer, string family, params (string, object)[] keys) =>
        TaskReader.Read(TaskTesting.Section([("kind", "ioi"), .. keys]), ".", 0, tokenizer,
            TaskTesting.Config(tokenizer.VocabularySize, family: family));
}
