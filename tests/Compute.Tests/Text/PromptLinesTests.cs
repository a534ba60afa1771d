using System.IO.Pipes;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Text;

/// <summary>Where prompts may come from.</summary>
public sealed class PromptLinesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("prompts-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_pipe_is_read_like_a_file()
    {
        // A shell's <(…) is such a path.
        if (!OperatingSystem.IsLinux()) return;
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        pipe.Write("{\"text\":\"a\"}\n{\"text\":\"b\"}\n"u8);
        var path = $"/proc/self/fd/{pipe.GetClientHandleAsString()}";
        Assert.Equal(["a", "b"], PromptLines.Read(path).Take(2).Select(l => l.Text));
    }

    [Fact]
    public void A_file_beyond_the_limit_is_refused()
    {
        var path = Path.Combine(_folder, "large.jsonl");
        using (var file = File.Create(path)) file.SetLength(PromptLines.MaximumBytes + 1L);
        var refused = Assert.Throws<StudyException>(() => PromptLines.Read(path).Count());
        Assert.Contains("larger than", refused.Message, StringComparison.Ordinal);
    }
}
