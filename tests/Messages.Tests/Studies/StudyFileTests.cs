using InterpActors.Messages.Studies;

namespace InterpActors.Messages.Tests.Studies;

public class StudyFileTests
{
    private static StudyObject Parse(string text, params string[] overrides) => StudyFile.Parse(text, "s.conf", overrides);

    private static StudyNode? At(StudyObject root, string path) =>
        path.Split('.').Aggregate((StudyNode?)root, (node, key) => (node as StudyObject)?[key]);

    private static string? Text(StudyObject root, string path) => ((StudyScalar)At(root, path)!).Text;

    private static string[] Items(StudyObject root, string path) =>
        [.. ((StudyList)At(root, path)!).Items.Select(i => ((StudyScalar)i).ToString())];

    [Fact]
    public void Reads_the_form_a_study_file_has()
    {
        var root = Parse("""
            // a study
            study {
              name = ioi-patching     # trailing comment
              seed = 0
              model { path = "../models/a \"b\".gguf", dtype = fp32 }
              method {
                kind = activation-patching
                components = [resid_pre, attn_out
                              z]
                by : position
              }
            }
            """);
        Assert.Equal("ioi-patching", Text(root, "study.name"));
        Assert.Equal(0, ((StudyScalar)At(root, "study.seed")!).AsNumber());
        Assert.Equal("../models/a \"b\".gguf", Text(root, "study.model.path"));
        Assert.Equal(["resid_pre", "attn_out", "z"], Items(root, "study.method.components"));
        Assert.Equal("position", Text(root, "study.method.by"));
        Assert.Equal(new SourcePlace("s.conf", 10), At(root, "study.method.by")!.Place);
        Assert.Equal(new SourcePlace("s.conf", 9), ((StudyList)At(root, "study.method.components")!).Items[2].Place);
    }

    [Fact]
    public void Reads_json()
    {
        var root = Parse("""{"study": {"name": "a\u00e9\n", "n": 1e-3, "on": true, "none": null, "list": [1, {"x": []}]}}""");
        Assert.Equal("aé\n", Text(root, "study.name"));
        Assert.Equal(1e-3, ((StudyScalar)At(root, "study.n")!).AsNumber());
        Assert.Equal("true", Text(root, "study.on"));
        Assert.Null(Text(root, "study.none"));
        Assert.Empty(((StudyList)((StudyObject)((StudyList)At(root, "study.list")!).Items[1])["x"]!).Items);
    }

    [Fact]
    public void Quoted_values_are_text_and_never_numbers_or_null()
    {
        var root = Parse("a = \"12\", b = \"null\", c = 1e+5");
        Assert.Null(((StudyScalar)root["a"]!).AsNumber());
        Assert.Equal("null", Text(root, "b"));
        Assert.Equal(1e5, ((StudyScalar)root["c"]!).AsNumber());
    }

    [Fact]
    public void Later_values_win_and_objects_merge()
    {
        var root = Parse("a { x = 1, y = 2 }\na.y = 3\na { z { w = 4 } }\nb = 1\nb = [2]\n\"a.b\" = 5");
        Assert.Equal(["x", "y", "z"], ((StudyObject)root["a"]!).Keys);
        Assert.Equal("3", Text(root, "a.y"));
        Assert.Equal("4", Text(root, "a.z.w"));
        Assert.Equal(["2"], Items(root, "b"));
        Assert.Equal("5", ((StudyScalar)root["a.b"]!).Text);
    }

    [Fact]
    public void Text_may_have_spaces_triple_quotes_and_slashes()
    {
        var root = Parse("a = two  words here  \nb = \"\"\"he said \"x\\n\"\"\"\"\n"
            + "c = ../up/and/down\nd = a0.h1 -> a3.h1<v>\ne = 1 // comment\n");
        Assert.Equal("two  words here", Text(root, "a"));
        Assert.Equal("he said \"x\\n\"", Text(root, "b"));
        Assert.Equal("../up/and/down", Text(root, "c"));
        Assert.Equal("a0.h1 -> a3.h1<v>", Text(root, "d"));
        Assert.Equal("1", Text(root, "e"));
    }

    [Fact]
    public void References_see_the_final_value_and_keep_the_line_of_their_use()
    {
        var root = Parse("base = \"models\"\nstudy {\n  path = ${base}/gt-ioi\n  all = ${list} [z]\n"
            + "  m = ${defaults} { by = all }\n  maybe = ${?nothing}\n}\n"
            + "list = [q]\ndefaults { by = role, n = 3 }\nbase = other");
        Assert.Equal("other/gt-ioi", Text(root, "study.path"));
        Assert.Equal(["q", "z"], Items(root, "study.all"));
        Assert.Equal("all", Text(root, "study.m.by"));
        Assert.Equal("3", Text(root, "study.m.n"));
        Assert.Null(At(root, "study.maybe"));
        Assert.Equal(3, At(root, "study.path")!.Place.Line);
    }

    [Fact]
    public void References_reach_into_objects_that_are_references()
    {
        var root = Parse("a = ${b}\na { y = ${a.x} }\nb { x = 7 }\nc = ${a.y}");
        Assert.Equal("7", Text(root, "c"));
    }

    [Fact]
    public void Overrides_come_last_and_need_no_leading_study()
    {
        var root = Parse("study { name = x, seed = 1, n = ${study.seed} }", "seed=5", "study.method.components=[q, k]", "name=C:\\a=b",
            "quoted=\"7\"");
        Assert.Equal("5", Text(root, "study.seed"));
        Assert.Equal("5", Text(root, "study.n"));
        Assert.Equal(["q", "k"], Items(root, "study.method.components"));
        Assert.Equal("C:\\a=b", Text(root, "study.name"));
        Assert.True(((StudyScalar)At(root, "study.quoted")!).Quoted);
        Assert.Equal("--set seed", At(root, "study.seed")!.Place.ToString());
    }

    [Theory]
    [InlineData("a = 1\nb {\n c = 2\n", "s.conf:4", "opened on line 2")]
    [InlineData("a = [1, 2\n", "s.conf:2", "opened on line 1")]
    [InlineData("a = 1\n}", "s.conf:2", "closes nothing")]
    [InlineData("{ a = 1 } b", "s.conf:1", "after the closing brace")]
    [InlineData("a = 1\ndtype fp32\n", "s.conf:2", "no '=' after key 'dtype'")]
    [InlineData("a = 1\nb =\n", "s.conf:2", "'b' has no value")]
    [InlineData("a = 1 b = 2", "s.conf:1", "'=' inside a value")]
    [InlineData("a = x*y", "s.conf:1", "'*' inside a value without quotes")]
    [InlineData("a = \"abc\nb = 1", "s.conf:1", "not closed on its line")]
    [InlineData("a = \"\"\"abc\nb = 1", "s.conf:1", "not closed")]
    [InlineData("a = \"\\q\"", "s.conf:1", "unknown escape")]
    [InlineData("a = \"\\ud800\"", "s.conf:1", "surrogate")]
    [InlineData("\n\ninclude \"other.conf\"", "s.conf:3", "'include' is not supported")]
    [InlineData("include file(\"other.conf\")", "s.conf:1", "'include' is not supported")]
    [InlineData("a = [1]\na += 2", "s.conf:2", "'+=' is not supported")]
    [InlineData("a = ${b.c}", "s.conf:1", "leads nowhere")]
    [InlineData("a = ${b}\nb = ${a}", "s.conf:", "refers to itself")]
    [InlineData("a = [1,,2]", "s.conf:1", "two commas")]
    [InlineData("a = [1] x", "s.conf:1", "cannot stand side by side")]
    [InlineData("[1]", "s.conf:1", "not a list")]
    [InlineData("a = 1\u0000", "s.conf:1", "control character U+0000")]
    public void Mistakes_are_named_with_their_line(string text, string where, string what)
    {
        var e = Assert.Throws<StudyException>(() => Parse(text));
        Assert.StartsWith(where, e.Message, StringComparison.Ordinal);
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void Refuses_what_would_eat_memory_or_stack()
    {
        Assert.Contains("deep", Assert.Throws<StudyException>(() => Parse("a = " + new string('[', 100_000))).Message,
            StringComparison.Ordinal);
        Assert.Contains("deep",
            Assert.Throws<StudyException>(() => Parse(string.Join('.', Enumerable.Repeat("a", 100_000)) + " = 1")).Message,
            StringComparison.Ordinal);
        Assert.Contains("values",
            Assert.Throws<StudyException>(() => Parse("a = [" + string.Join(',', Enumerable.Repeat("1", 200_000)) + "]")).Message,
            StringComparison.Ordinal);
        Assert.Contains("larger",
            Assert.Throws<StudyException>(() => Parse("a = \"" + new string('x', StudyFile.MaximumBytes) + "\"")).Message,
            StringComparison.Ordinal);
        var doubling = "k0 = [1, 1]\n" + string.Join('\n', Enumerable.Range(1, 40).Select(i => $"k{i} = ${{k{i - 1}}} ${{k{i - 1}}}"));
        Assert.Contains("too large", Assert.Throws<StudyException>(() => Parse(doubling)).Message, StringComparison.Ordinal);
        var chain = "k0 = 1\n" + string.Join('\n', Enumerable.Range(1, 5000).Select(i => $"k{i} {{ x = ${{k{i - 1}}} }}"));
        Assert.Throws<StudyException>(() => Parse(chain));
    }

    [Fact]
    public void Load_says_what_is_wrong_with_the_file()
    {
        var folder = Directory.CreateTempSubdirectory("study-file-").FullName;
        try
        {
            Assert.Contains("no such file", Assert.Throws<StudyException>(() => StudyFile.Load(Path.Combine(folder, "none.conf"))).Message,
                StringComparison.Ordinal);
            Assert.Contains("is a folder", Assert.Throws<StudyException>(() => StudyFile.Load(folder)).Message, StringComparison.Ordinal);
            var file = Path.Combine(folder, "x.conf");
            File.WriteAllBytes(file, [(byte)'a', (byte)'\n', 0xff, 0xfe]);
            Assert.StartsWith(file + ":2: the file is not UTF-8", Assert.Throws<StudyException>(() => StudyFile.Load(file)).Message,
                StringComparison.Ordinal);
            File.WriteAllText(file, "name = x");
            Assert.Contains("no object 'study'", Assert.Throws<StudyException>(() => StudyFile.Load(file)).Message,
                StringComparison.Ordinal);
            File.WriteAllText(file, "study { name = x }");
            Assert.Equal(folder, StudyFile.Load(file).Folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
