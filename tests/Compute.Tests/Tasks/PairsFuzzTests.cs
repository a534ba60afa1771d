using System.Text;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Tasks;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Tasks;

/// <summary>Files damaged at random are read or refused, never anything else. <c>INTERP_FUZZ=N</c> tries N of each format.</summary>
public sealed class PairsFuzzTests : IDisposable
{
    private static readonly WordTokenizer Tokenizer = new("When Mary and John went to the store , gave a drink Tom 17 18".Split(' '));
    private readonly string _folder = Directory.CreateTempSubdirectory("pairs-fuzz-").FullName;
    private static readonly string[] Pieces =
    [
        "-", "99999999999", "1e400", "null", "[[[[[[[[[[[[[[[[[[[[", "\"", "\\u0000", "\\ud800", "{}", "\n", ",", "\0",
    ];

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData("f.jsonl",
        "{\"id\":\"x\",\"clean\":\"When Mary and John went , John\",\"corrupt\":[2,3,4],"
        + "\"answers\":[\" Mary\",3],\"wrong\":[5],\"roles\":{\"IO\":[2],\"end\":[-1]},\"group\":\"t0\"}\n"
        + "{\"clean\":[0,2,3],\"answers\":[4]}\n")]
    [InlineData("f.json",
        "{\"seq_labels\":[\"a\"],\"word_idxs\":{\"IO\":1,\"end\":2},\n\"prompts\":[{\"clean\":\"When Mary\",\"corrupt\":[0,2,3],"
        + "\"answers\":[3],\"wrong_answers\":[\" John\"]},\n"
        + "{\"clean\":[2,3,4],\"answers\":[3]}]}")]
    [InlineData("f.csv",
        ",clean,corrupted,corrupted_hard,correct_idx,incorrect_idx\r\n"
        + "0,\"When \"\"Mary\"\"\",When Tom,When,3,\"[5, 14]\"\r\n1,a,b,c,4,5\r\n")]
    [InlineData("g.csv", "clean,corrupted,label\nthe year 17,the year 01,12\n")]
    public void DamagedFilesAreRefusedInOneLine(string name, string content)
    {
        var runs = int.TryParse(Environment.GetEnvironmentVariable("INTERP_FUZZ"), out var n) ? n : 300;
        var path = Path.Combine(_folder, name);
        var (read, refused) = (0, 0);
        for (var i = 0; i < runs; i++)
        {
            File.WriteAllBytes(path, Damage(Encoding.UTF8.GetBytes(content), new SeededRandom(7, i)));
            try
            {
                TaskReader.Read(TaskTesting.Section(("kind", "pairs"), ("file", name)), _folder, 0, Tokenizer,
                    TaskTesting.Config(Tokenizer.VocabularySize));
                read++;
            }
            catch (StudyException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }
        Assert.True(refused > 0, $"{read} of {runs} were read");
    }

    private static byte[] Damage(byte[] bytes, SeededRandom random)
    {
        var list = bytes.ToList();
        for (var edits = 1 + random.Next(4); edits > 0 && list.Count > 0; edits--)
        {
            var at = random.Next(list.Count);
            switch (random.Next(6))
            {
                case 0: list[at] = (byte)random.Next(256); break;
                case 1: list.RemoveRange(at, Math.Min(list.Count - at, 1 + random.Next(20))); break;
                case 2: list.InsertRange(at, list.GetRange(at, Math.Min(list.Count - at, 1 + random.Next(30)))); break;
                case 3: list.RemoveRange(at, list.Count - at); break;
                case 4: list.InsertRange(at, Encoding.UTF8.GetBytes(random.Pick(Pieces))); break;
                default: list.Insert(at, (byte)random.Pick("{}[]\",:0-\\\n".ToCharArray())); break;
            }
        }
        return [.. list];
    }
}
