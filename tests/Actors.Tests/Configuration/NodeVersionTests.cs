using Akka.Util;
using InterpActors.Actors.Configuration;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Tests.Configuration;

/// <summary>What members tell each other about their versions.</summary>
public class NodeVersionTests
{
    [Theory]
    [InlineData("0.1.0", 1, "0.1.0-wire1")]
    [InlineData("1.12.3-rc.2", 7, "1.12.3-wire7")]
    public void What_is_announced_is_read_and_is_something_that_Akka_reads(string program, int wire, string announced)
    {
        var version = new NodeVersion(program, wire);
        Assert.Equal(announced, version.Announced);
        Assert.Equal(wire, NodeVersion.Parse(announced).Wire);
        Assert.Equal(announced.Split('-')[0], $"{NodeVersion.Parse(announced)}");
        Assert.True(AppVersion.Create(announced).CompareTo(AppVersion.Create("99.0.0")) < 0);
    }

    [Fact]
    public void A_member_that_does_not_tell_has_the_first_version_of_the_messages() => Assert.Equal(1, NodeVersion.Parse("0.1.0").Wire);

    [Fact]
    public void A_process_name_tells_the_version()
    {
        Assert.Equal(ProcessName.Version, ProcessName.VersionOf(ProcessName.New("gpu 1")));
        Assert.DoesNotContain(' ', ProcessName.New("gpu 1"));
        Assert.Matches(@"^\d+\.\d+\.\d+", ProcessName.Version);
        Assert.Null(ProcessName.VersionOf("20260314T150926.535-4711"));
    }
}
