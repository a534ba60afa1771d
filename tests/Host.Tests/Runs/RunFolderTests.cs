using InterpActors.Host.Runs;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("run-folder-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string At(string name) => Path.Combine(_root, name);

    [Fact]
    public void A_second_holder_is_refused_with_the_first_ones_process()
    {
        using var first = RunFolder.Open(At("a"));
        var e = Assert.Throws<StudyException>(() => RunFolder.Open(At("a")));
        Assert.Contains($"held by process {Environment.ProcessId}", e.Message, StringComparison.Ordinal);
        first.Dispose();
        using var second = RunFolder.Open(At("a"));
    }

    [Fact]
    public void Abandon_takes_back_every_folder_it_made_and_nothing_else()
    {
        Directory.CreateDirectory(At("kept"));
        RunFolder.Open(At("kept/x/y")).Abandon();
        Assert.Empty(Directory.GetFileSystemEntries(At("kept")));
        File.WriteAllText(At("kept/mine.txt"), "");
        RunFolder.Open(At("kept")).Abandon();
        Assert.True(File.Exists(At("kept/mine.txt")));
    }

    [Fact]
    public void Check_leaves_no_trace_and_refuses_what_cannot_hold_a_run()
    {
        RunFolder.Check(At("new/deep"));
        Assert.Empty(Directory.GetFileSystemEntries(_root));
        File.WriteAllText(At("file"), "");
        Assert.Contains("is a file", Assert.Throws<StudyException>(() => RunFolder.Check(At("file"))).Message, StringComparison.Ordinal);
        Assert.Contains("is a file", Assert.Throws<StudyException>(() => RunFolder.Check(At("file/below"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("not writable", Assert.Throws<StudyException>(() => RunFolder.Check("/proc/interp-run")).Message,
            StringComparison.Ordinal);
        Directory.CreateDirectory(At("foreign"));
        File.WriteAllText(At("foreign/results.csv"), "");
        Assert.Contains("no journal.db", Assert.Throws<StudyException>(() => RunFolder.Check(At("foreign"))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Fresh_runs_go_beside_the_old_ones()
    {
        var study = StudyId.From("x", "{}");
        Assert.Equal(Path.Combine("runs", study.Value), RunFolder.Choose(study, null, fresh: false));
        Assert.Equal(At("a"), RunFolder.Choose(study, At("a") + "/", fresh: true));
        Directory.CreateDirectory(At("a"));
        Directory.CreateDirectory(At("a-2"));
        Assert.Equal(At("a-3"), RunFolder.Choose(study, At("a"), fresh: true));
        Assert.Equal(At("a"), RunFolder.Choose(study, At("a"), fresh: false));
    }

    [Fact]
    public void Differences_between_studies_are_named_by_key()
    {
        var before = """{"study":{"seed":0,"method":{"by":"position","components":["z"]},"gone":1}}""";
        var after = """{"study":{"seed":0,"method":{"by":"role","components":["z","q"]}}}""";
        Assert.Equal("method.by: position → role, method.components: [\"z\"] → [\"z\",\"q\"], gone: 1 → (absent)",
            StudyDifference.Between(before, after));
        Assert.Equal("", StudyDifference.Between(before, before));
    }

    [Fact]
    public void Cores_with_two_threads_count_once()
    {
        var info =
            "processor : 0\nphysical id : 0\ncore id : 0\nprocessor : 1\nphysical id : 0\ncore id : 0\n"
            + "processor : 2\nphysical id : 1\ncore id : 0";
        Assert.Equal(2, PhysicalCores.FromCpuInfo(info.Split('\n')));
        Assert.Null(PhysicalCores.FromCpuInfo(["model name : x"]));
        Assert.InRange(PhysicalCores.Count, 1, Environment.ProcessorCount);
    }
}
