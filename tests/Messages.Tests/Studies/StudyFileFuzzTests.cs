using System.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Messages.Tests.Studies;

/// <summary>
/// Mutated study files: read, or refused with a message; nothing else. <c>INTERP_FUZZ=N</c> runs N inputs instead of 300.
/// </summary>
public class StudyFileFuzzTests
{
    private const string Seed = """"
        base = "../models"  # a comment
        study {
          name = ioi-patching, seed = 0
          model { path = ${base}"/gt-ioi", dtype = fp64 }
          "task" : { kind = pairs, file = 'x', note = "tab\tand \u00e9 \"q\"", long = """three
          lines""" }
          metric.kind = logit-difference // another
          method = ${?defaults} { kind = activation-patching, components = [resid_pre, z
            mlp_out], layers = [0, 1, -2, 1e+3], by = position, on = true, none = null }
        }
        defaults { direction = noising, list = [1] [2] }
        """";

    private static readonly string[] Splinters =
        ["{", "}", "[", "]", "\"", "\"\"\"", "${", "${?", "}", "=", ":", ",", "+=", "#", "//", "\\u", "\\", "\n", "\r", "\0", "é", "\ud83d",
            "include \"x\"", ".", "a.b.c", "${study}", "${study.model}", "null", "-", "\uFEFF"];

    [Fact]
    public void The_seed_itself_is_a_study_file() => Assert.Contains("study", StudyFile.Parse(Seed, "seed.conf").Keys);

    [Fact]
    public void Mutated_files_are_read_or_refused()
    {
        var count = int.TryParse(Environment.GetEnvironmentVariable("INTERP_FUZZ"), out var n) ? n : 300;
        for (var i = 0; i < count; i++)
        {
            var text = Mutate(new Random(i));
            var before = GC.GetAllocatedBytesForCurrentThread();
            var clock = System.Diagnostics.Stopwatch.StartNew();
            try
            {
                var root = StudyFile.Parse(text, "fuzz.conf", i % 7 == 0 ? [text.Length > 20 ? text[..20] : text] : null);
                Assert.NotNull(root);
            }
            catch (StudyException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"input {i}: {e.GetType().Name} {e.Message}\n{text}");
            }
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"input {i} took {clock.Elapsed}");
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 200 << 20, $"input {i} allocated too much");
        }
    }

    private static string Mutate(Random random)
    {
        var text = new StringBuilder(Seed);
        for (var k = random.Next(1, 12); k > 0; k--)
        {
            var at = random.Next(text.Length + 1);
            var length = Math.Min(random.Next(1, 30), text.Length - at);
            switch (random.Next(6))
            {
                case 0: text.Remove(at, length); break;
                case 1: text.Insert(at, Splinters[random.Next(Splinters.Length)]); break;
                case 2: text.Insert(random.Next(text.Length + 1), text.ToString(at, length)); break;
                case 3 when at < text.Length: text[at] = (char)random.Next(random.Next(2) == 0 ? 128 : 65536); break;
                case 4: text.Length = at; break;
                default:
                    text.Insert(at, string.Concat(Enumerable.Repeat(Splinters[random.Next(Splinters.Length)], random.Next(200))));
                    break;
            }
        }
        return text.ToString();
    }
}
