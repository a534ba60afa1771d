using InterpActors.Compute.Tasks;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Tasks;

public class InductionTaskTests
{
    private static readonly WordTokenizer Letters = new("a b c d e f g h i j".Split(' '));

    [Fact]
    public void RepeatsTheFirstHalfAndAsksForWhatFollowed()
    {
        var task = Read(("n", 50), ("length", 8));
        Assert.Equal(50, task.Prompts.Count);
        foreach (var p in task.Prompts)
        {
            Assert.Equal(16, p.Clean.Length);
            Assert.Equal(p.Clean[1..8], p.Clean[9..]);
            Assert.Equal(8, p.Clean[1..9].Distinct().Count());
            Assert.DoesNotContain(1, p.Clean);
            Assert.Equal(p.Answers[0], p.Clean[p.Roles["first"][0]]);
            Assert.Equal(p.Clean[^1], p.Clean[p.Roles["previous"][0]]);
            Assert.Equal(15, p.Roles["end"][0]);
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    public void AnotherTokenFollowsInTheCorruptedPrompt(int length) => Assert.All(Read(("length", length), ("n", 40)).Prompts, p =>
    {
        Assert.Equal(p.Clean[(length + 1)..], p.Corrupted![(length + 1)..]);
        Assert.Equal(p.Clean.Order(), p.Corrupted.Order());
        Assert.Equal(2, p.Clean.Zip(p.Corrupted).Count(x => x.First != x.Second));
        Assert.NotEqual(p.Clean[p.Roles["previous"][0]], p.Corrupted[p.Roles["previous"][0]]);
        Assert.Equal(p.Roles["wrong"][0], Array.IndexOf(p.Corrupted, p.Clean[^1]) + 1);
        Assert.Equal(p.Wrong[0], p.Corrupted[p.Roles["wrong"][0]]);
        Assert.NotEqual(p.Answers[0], p.Wrong[0]);
    });

    [Fact]
    public void WorksWithoutATokenizer()
    {
        var task = TaskReader.Read(TaskTesting.Section(("kind", "induction")), ".", 0, null, TaskTesting.Config(20));
        Assert.Equal(15, task.Prompts[0].Clean.Length);
    }

    [Fact]
    public void RefusesTooLongAHalf()
    {
        Assert.Contains("at most 24", Assert.Throws<StudyException>(() => Read(("length", 30))).Message);
        Assert.Contains("the model has 10", Assert.Throws<StudyException>(() => Read(("length", 11))).Message);
    }

    private static TaskData Read(params (string, object)[] keys) =>
        TaskReader.Read(TaskTesting.Section([("kind", "induction"), .. keys]), ".", 3, Letters, TaskTesting.Config(Letters.VocabularySize));
}
