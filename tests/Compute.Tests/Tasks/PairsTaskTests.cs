using InterpActors.Compute.Tasks;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Tasks;

public sealed class PairsTaskTests : IDisposable
{
    private static readonly WordTokenizer Tokenizer = new(
        "When Mary and John went to the store , gave a drink Tom 00 01 02 97 98 99 year".Split(' '));
    private readonly string _folder = Directory.CreateTempSubdirectory("pairs-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void ReadsALineOfTheContract()
    {
        var pair = Assert.Single(Read("p.jsonl",
            """{"id":"x","clean":"When Mary and John went , John gave a drink to","""
            + """ "corrupt":"When Mary and John went , Mary gave a drink to","answers":[" Mary"],"wrong":[" John"],"""
            + """ "roles":{"IO":[2],"S2":7,"end":[-1],"both":[-1,1,1]},"group":"t0"}""").Prompts);
        Assert.Equal(("x", "t0", 12), (pair.Id, pair.Group, pair.Clean.Length));
        Assert.Equal((0, 5, 3), (pair.Clean[0], pair.Clean[7], pair.Corrupted![7]));
        Assert.Equal((3, 5), (Assert.Single(pair.Answers), Assert.Single(pair.Wrong)));
        Assert.Equal([2], pair.Roles["IO"]);
        Assert.Equal([7], pair.Roles["S2"]);
        Assert.Equal([11], pair.Roles["end"]);
        Assert.Equal([1, 11], pair.Roles["both"]);
    }

    [Fact]
    public void ReadsTokenIdsWithoutATokenizer()
    {
        var lines = """{"clean":[0,2,3],"answers":[4]}""" + "\r\n\r\n" + """{"clean":[0,2,5],"answers":[4,5],"wrong":[6]}""";
        var section = TaskTesting.Section(("kind", "pairs"), ("file", Write("ids.jsonl", lines)));
        var task = TaskReader.Read(section, _folder, 0, null, TaskTesting.Config(10));
        Assert.Equal(["p0", "p1"], task.Prompts.Select(p => p.Id));
        Assert.Null(task.Prompts[0].Corrupted);
        Assert.Equal([4, 5], task.Prompts[1].Answers);
        Assert.True(task.OneLength);
    }

    [Fact]
    public void NTakesTheFirstPairs()
    {
        var lines = string.Join('\n', Enumerable.Repeat("""{"clean":[2],"answers":[3]}""", 5));
        Assert.Equal(2, Read("n.jsonl", lines, ("n", 2)).Prompts.Count);
    }

    [Fact]
    public void ReadsAutoCircuitAndShiftsItsPositionsPastBos()
    {
        var task = Read("a.json",
            """
            {"word_idxs": {"IO": 1, "end": 4},
             "prompts": [
               {"clean": "When Mary and John went", "corrupt": "When Tom and John went",
                "answers": [" Mary"], "wrong_answers": [" John", " Tom"]},
               {"clean": [2, 3, 4, 5, 6], "corrupt": [2, 14, 4, 5, 6], "answers": [3], "wrong_answers": []}]}
            """);
        Assert.Equal([2], task.Prompts[0].Roles["IO"]);
        Assert.Equal([5], task.Prompts[0].Roles["end"]);
        Assert.Equal(2, task.Prompts[0].Wrong.Length);
        Assert.Equal([1], task.Prompts[1].Roles["IO"]);
        Assert.Equal([2, 14, 4, 5, 6], task.Prompts[1].Corrupted!);
    }

    [Fact]
    public void PrependBosCountsInRolesAndIsNotDoubled()
    {
        var lines = """{"clean":[2,3],"answers":[4],"roles":{"x":[1]}}""" + "\n" + """{"clean":"When Mary","answers":[4]}""";
        var pairs = Read("b.jsonl", lines, ("prepend_bos", true)).Prompts;
        Assert.Equal([0, 2, 3], pairs[0].Clean);
        Assert.Equal([1], pairs[0].Roles["x"]);
        Assert.Equal([0, 2, 3], pairs[1].Clean);
    }

    [Fact]
    public void ReadsEapIgCsvWithQuotedFields()
    {
        var task = Read("ioi.csv",
            ",clean,corrupted,corrupted_hard,correct_idx,incorrect_idx\n"
            + "0,\"When Mary and John went , John\",\"When Mary and John went , Tom\",\"When Mary and John went , Mary\",3,\"[5, 14]\"\n");
        var pair = Assert.Single(task.Prompts);
        Assert.Equal(14, pair.Corrupted![^1]);
        Assert.Equal((3, 2), (pair.Answers[0], pair.Wrong.Length));
        Assert.Equal(3, Assert.Single(Read("ioi.csv", null, ("column", "corrupted_hard")).Prompts).Corrupted![^1]);
    }

    [Theory]
    [InlineData("clean,corrupted,label")]
    [InlineData("clean,corrupted,correct_idx")]
    public void ReadsGreaterThan(string header)
    {
        var words = new WordTokenizer(["the", "year", "17",
            .. Enumerable.Range(0, 100).Select(y => y.ToString("00")).Where(y => y != "17")]);
        var file = Write("gt.csv", header + "\nthe year 17,the year 01,32\n");
        var section = TaskTesting.Section(("kind", "pairs"), ("file", file));
        var pair = Assert.Single(TaskReader.Read(section, _folder, 0, words, TaskTesting.Config(words.VocabularySize)).Prompts);
        Assert.Equal((67, 33), (pair.Answers.Length, pair.Wrong.Length));
        Assert.Equal("33", words.Piece(pair.Answers[0]));
        Assert.Equal("32", words.Piece(pair.Wrong[^1]));
    }

    [Theory]
    [InlineData("", "no prompts")]
    [InlineData("\n  \n", "no prompts")]
    [InlineData("{\"clean\":[2],\"answers\":[3]}\n{\"clean\":[2],\"answers\":[3]", "p.jsonl:2: not valid JSON")]
    [InlineData("\n[1]", "p.jsonl:2: a prompt must be a JSON object")]
    [InlineData("{\"answers\":[3]}", "p.jsonl:1: \"clean\" is missing")]
    [InlineData("{\"clean\":[2]}", "p.jsonl:1: there is no answer")]
    [InlineData("{\"clean\":[],\"answers\":[3]}", "p.jsonl:1: \"clean\" has no tokens")]
    [InlineData("{\"clean\":[2,99],\"answers\":[3]}", "token id 99, outside the vocabulary of 22")]
    [InlineData("{\"clean\":[2,-1],\"answers\":[3]}", "token id -1")]
    [InlineData("{\"clean\":[2,1.5],\"answers\":[3]}", "whole numbers")]
    [InlineData("{\"clean\":[2],\"answers\":[22]}", "the answer holds the token id 22")]
    [InlineData("{\"clean\":[2],\"answers\":[\" the store\"]}", "p.jsonl:1: the answer ' the store' is 2 tokens ('the', 'store')")]
    [InlineData("{\"clean\":[2],\"answers\":[\" Zebra\"]}", "' Zebra' is not in the model's vocabulary")]
    [InlineData("{\"clean\":[2],\"answers\":[3],\"wrong\":[\"\"]}", "the wrong answer '' is 0 tokens")]
    [InlineData("{\"clean\":[2,3],\"corrupt\":[2],\"answers\":[3]}", "p.jsonl:1: the clean prompt has 2 tokens and the corrupted one 1")]
    [InlineData("{\"clean\":[2,3],\"answers\":[3],\"roles\":{\"end\":[2]}}", "p.jsonl:1: role 'end' is at 2 of a prompt with 2 tokens")]
    [InlineData("{\"clean\":[2,3],\"answers\":[3],\"roles\":{\"end\":[-3]}}", "role 'end' is at -3")]
    [InlineData("{\"clean\":[2,3],\"answers\":[3],\"roles\":[1]}", "\"roles\" must be an object")]
    [InlineData("{\"id\":\"a\",\"clean\":[2],\"answers\":[3]}\n{\"id\":\"a\",\"clean\":[2],\"answers\":[3]}",
        "p.jsonl:2: the id 'a' is used twice; also at p.jsonl:1")]
    [InlineData("{\"clean\":\"\\ud800\",\"answers\":[3]}", "p.jsonl:1: a text is not valid Unicode")]
    [InlineData("{\"clean\":{},\"answers\":[3]}", "a text or a list of token ids")]
    public void RefusesWithPlaceAndReason(string content, string message)
    {
        var e = Assert.Throws<StudyException>(() => Read("p.jsonl", content));
        Assert.Contains(message, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Theory]
    [InlineData("a.json", "{\"prompts\":[{\"clean\":[2],\"answers\":[3]},\n{\"clean\":[2],\n\"answers\":[99]}]}", "a.json:2: the answer")]
    [InlineData("a.json", "{\"prompts\":3}", "must be a list")]
    [InlineData("a.json", "{\"prompts\":[\n3]}", "a.json:2: a prompt must be")]
    [InlineData("c.csv", "a,b\n1,2", "c.csv:1: there is no column 'clean'")]
    [InlineData("c.csv", "clean,correct_idx,incorrect_idx\nWhen,3\n", "c.csv:2: 2 fields where the header has 3")]
    [InlineData("c.csv", "clean,correct_idx,incorrect_idx\nWhen,x,4\n", "c.csv:2: column correct_idx: 'x' is not a token id")]
    [InlineData("c.csv", "clean,correct_idx,incorrect_idx\n\"When,3,4\n", "c.csv:2: a quoted field has no end")]
    public void RefusesOtherFormatsWithPlaceAndReason(string file, string content, string message) =>
        Assert.Contains(message, Assert.Throws<StudyException>(() => Read(file, content)).Message);

    [Fact]
    public void RefusesPromptsLongerThanTheContext()
    {
        var line = $$"""{"clean":"{{string.Join(' ', Enumerable.Repeat("the", 48))}}","answers":[3]}""";
        Assert.Contains("49 tokens; the model's context is 48", Assert.Throws<StudyException>(() => Read("l.jsonl", line)).Message);
    }

    [Fact]
    public void RefusesTextWithoutATokenizer()
    {
        var section = TaskTesting.Section(("kind", "pairs"), ("file", Write("t.jsonl", """{"clean":"When","answers":[4]}""")));
        var refused = Assert.Throws<StudyException>(() => TaskReader.Read(section, _folder, 0, null, TaskTesting.Config(10)));
        Assert.Contains("no tokenizer", refused.Message);
    }

    [Fact]
    public void RefusesAMissingFileAndAFolder()
    {
        Assert.Contains("no such file", Assert.Throws<StudyException>(() => Read("none.jsonl", null)).Message);
        Assert.Contains("is a folder", Assert.Throws<StudyException>(() => Read(".", null)).Message);
    }

    [Fact]
    public void RecordsTheFilesHashAndRefusesAnotherFile()
    {
        var file = Write("h.jsonl", """{"clean":[2],"answers":[3]}""");
        var section = TaskTesting.Section(("kind", "pairs"), ("file", file));
        TaskReader.Read(section, _folder, 0, Tokenizer, TaskTesting.Config(22));
        section.Finish();
        var hash = section.Canonical["sha256"]!.GetValue<string>();
        TaskData Again() => Read(file, null, ("sha256", hash));
        Again();
        Write("h.jsonl", """{"clean":[2],"answers":[4]}""");
        var e = Assert.Throws<StudyException>(Again);
        Assert.Contains("has changed", e.Message);
    }

    private string Write(string name, string content)
    {
        File.WriteAllText(Path.Combine(_folder, name), content);
        return name;
    }

    private TaskData Read(string name, string? content, params (string, object)[] more)
    {
        if (content is not null) Write(name, content);
        var section = TaskTesting.Section([("kind", "pairs"), ("file", name), .. more]);
        return TaskReader.Read(section, _folder, 0, Tokenizer, TaskTesting.Config(Tokenizer.VocabularySize));
    }
}
