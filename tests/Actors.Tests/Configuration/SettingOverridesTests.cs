using Akka.Configuration;
using InterpActors.Actors.Configuration;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Tests.Configuration;

/// <summary>Settings from files, environment and command line: which wins, and what is refused.</summary>
public sealed class SettingOverridesTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("settings-").FullName;
    private readonly SettingOverrides _overrides = new(HoconFolder.Default);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string File(string text)
    {
        var path = Path.Combine(_root, "mine.conf");
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    private static Config Load(params string[] layers) =>
        HoconFolder.Load(HoconFolder.Default, HoconFolder.ComputeMember, string.Concat(layers));

    [Fact]
    public void The_file_wins_over_what_ships_the_environment_over_the_file_and_the_command_line_over_all()
    {
        var file = _overrides.FromFile(File("interp { work { lease = 21s, beat = 2s }, node.drain = 5s }\nakka.loglevel = INFO"));
        var environment = _overrides.FromEnvironment(new Dictionary<string, string>
        {
            ["INTERP__WORK__LEASE"] = "22s",
            ["INTERP__WORK__MAX_ATTEMPTS"] = "7",
            ["AKKA__CLUSTER__SPLIT_BRAIN_RESOLVER__STABLE_AFTER"] = "9s",
            ["INTERP_TOKEN"] = "no setting",
        });
        var line = _overrides.FromCommandLine(
            ["interp.work.lease=23s", "akka.cluster.roles=[compute, big]", "akka.remote.dot-netty.tcp.hostname=a:b"]);

        Assert.Equal(15, Load().GetTimeSpan("interp.work.lease").TotalSeconds);
        Assert.Equal(21, Load(file).GetTimeSpan("interp.work.lease").TotalSeconds);
        Assert.Equal(22, Load(file, environment).GetTimeSpan("interp.work.lease").TotalSeconds);
        var all = Load(file, environment, line);
        Assert.Equal(23, all.GetTimeSpan("interp.work.lease").TotalSeconds);
        Assert.Equal(2, all.GetTimeSpan("interp.work.beat").TotalSeconds);
        Assert.Equal(5, all.GetTimeSpan("interp.node.drain").TotalSeconds);
        Assert.Equal(7, all.GetInt("interp.work.max-attempts"));
        Assert.Equal(9, all.GetTimeSpan("akka.cluster.split-brain-resolver.stable-after").TotalSeconds);
        Assert.Equal("INFO", all.GetString("akka.loglevel"));
        Assert.Equal(["compute", "big"], all.GetStringList("akka.cluster.roles"));
        Assert.Equal("a:b", all.GetString("akka.remote.dot-netty.tcp.hostname"));
    }

    [Theory]
    [InlineData("a = {", "mine.conf:1")]
    [InlineData("interp.work.lease = 20s\n}", "mine.conf:2")]
    [InlineData("interp.work.lease = 20s\ninterp.work.leese = 5s",
        "mine.conf:2: there is no setting 'interp.work.leese'; did you mean 'interp.work.lease'?")]
    [InlineData("interp { work { max-atempts = 3 } }", "did you mean 'interp.work.max-attempts'?")]
    [InlineData("interp.works.lease = 3s", "did you mean 'interp.work.lease'?")]
    [InlineData("interp.work = 3", "there is no setting 'interp.work'")]
    [InlineData("interp.work.lease = soon", "write e.g. 15s")]
    [InlineData("interp.work.lease { a = 1 }", "cannot be the value of interp.work.lease")]
    [InlineData("interp.work.max-attempts = 5s", "'5s' cannot be the value of interp.work.max-attempts")]
    [InlineData("include \"other.conf\"", "include")]
    public void A_file_with_a_mistake_is_refused_in_one_line(string text, string what)
    {
        var message = Assert.Throws<StudyException>(() => _overrides.FromFile(File(text))).Message;
        Assert.Contains(what, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("interp.work.lease", "is not key=value")]
    [InlineData("=3", "is not key=value")]
    [InlineData("interp.work.lease=", "is not key=value")]
    [InlineData("interp.work.leas=3s", "--set interp.work.leas: there is no setting 'interp.work.leas'; did you mean 'interp.work.lease'?")]
    [InlineData("interp.work.lease=often", "--set interp.work.lease: 'often' cannot be")]
    [InlineData("akka.cluster.roles=[a", "--set akka.cluster.roles: ")]
    [InlineData("a b{=3", "--set a b{: ")]
    public void A_mistaken_assignment_is_refused_in_one_line(string assignment, string what)
    {
        var message = Assert.Throws<StudyException>(() => _overrides.FromCommandLine([assignment])).Message;
        Assert.Contains(what, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_variable_that_names_no_setting_is_refused()
    {
        var message = Assert.Throws<StudyException>(() =>
            _overrides.FromEnvironment(new Dictionary<string, string> { ["INTERP__WORK__LEES"] = "1s" })).Message;
        Assert.Equal("INTERP__WORK__LEES: there is no setting 'interp.work.lees'; did you mean 'interp.work.lease'?", message);
    }

    [Fact]
    public void Every_setting_that_ships_is_accepted_as_it_ships()
    {
        var files = Directory.EnumerateFiles(HoconFolder.Default, "*.conf");
        foreach (var path in files.Where(p => !System.IO.File.ReadAllText(p).Contains("${", StringComparison.Ordinal)))
            Assert.NotEqual("", _overrides.FromFile(path));
    }
}
