using System.Xml.Linq;

namespace InterpActors.Messages.Tests;

/// <summary>Host over Actors and Compute, both over Messages, neither of the two knowing the other.</summary>
public class FloorTests
{
    private static readonly Dictionary<string, string[]> Projects = new()
    {
        ["Messages"] = [],
        ["Compute"] = ["Messages"],
        ["Actors"] = ["Messages"],
        ["Host"] = ["Actors", "Compute"],
    };

    private static readonly Dictionary<string, string[]> ForbiddenPackages = new()
    {
        ["Messages"] = ["TorchSharp", "libtorch", "Akka."],
        ["Compute"] = ["Akka"],
        ["Actors"] = ["TorchSharp", "libtorch"],
        ["Host"] = [],
    };

    [Fact]
    public void Every_project_references_only_the_floors_below()
    {
        var found = Directory.GetDirectories(Path.Combine(Root, "src")).Select(d => Path.GetFileName(d)!).Order();
        Assert.Equal(Projects.Keys.Order(), found);
        foreach (var (project, allowed) in Projects)
        {
            var references = Items(project, "ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Replace('\\', '/')));
            Assert.Empty(references.Except(allowed));
        }
    }

    [Fact]
    public void Akka_stays_out_of_Compute_and_torch_out_of_Actors()
    {
        foreach (var (project, forbidden) in ForbiddenPackages)
            foreach (var package in Items(project, "PackageReference"))
                Assert.DoesNotContain(forbidden, f => package.StartsWith(f, StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("Compute", "using Akka")]
    [InlineData("Actors", "TorchSharp")]
    [InlineData("Messages", "TorchSharp")]
    public void Source_names_nothing_of_the_other_floor(string project, string text)
    {
        var files = Directory.EnumerateFiles(Path.Combine(Root, "src", project), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"));
        Assert.DoesNotContain(files, f => File.ReadLines(f).Any(
            l => l.Contains(text, StringComparison.Ordinal) && !l.TrimStart().StartsWith("//", StringComparison.Ordinal)));
    }

    private static IEnumerable<string> Items(string project, string kind) =>
        XDocument.Load(Path.Combine(Root, "src", project, project + ".csproj")).Descendants(kind)
            .Select(e => (string)e.Attribute("Include")!);

    private static string Root
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "InterpActors.sln"))) folder = folder.Parent!;
            return folder.FullName;
        }
    }
}
