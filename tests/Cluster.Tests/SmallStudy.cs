using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Cluster.Tests;

/// <summary>
/// A study of about twenty units on a small model, and the bytes that a run on one machine gives; made once for all tests.
/// </summary>
public sealed class SmallStudy : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cluster-study-").FullName;
    private readonly Lazy<Task<byte[]>> _local;

    public SmallStudy()
    {
        System.IO.File.WriteAllText(File, $$"""
            study {
              name = clustered
              model { path = "{{Path.Combine(Root(), "models", "tr-ioi")}}", dtype = fp32 }
              task { kind = ioi, n = 256 }
              metric { kind = logit-difference }
              method { kind = activation-patching, components = [resid_pre, attn_out, mlp_out, z], by = position }
            }
            """);
        _local = new Lazy<Task<byte[]>>(async () =>
        {
            var folder = Path.Combine(_folder, "local");
            Assert.Equal(0, await NodeProcess.RunAsync("run", File, "--out", folder, "--workers", "2", "--quiet"));
            return await System.IO.File.ReadAllBytesAsync(Path.Combine(folder, "results.csv"));
        });
        var file = StudyFile.Load(File, []);
        Study = StudyCompiler.Compile(file.Root, file.Source, file.Folder, 1);
    }

    public Study Study { get; }

    /// <summary>The study's file.</summary>
    public string File => Path.Combine(_folder, "study.conf");

    /// <summary><c>results.csv</c> of <c>interp run</c>.</summary>
    public Task<byte[]> LocalResults() => _local.Value;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    internal static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!System.IO.File.Exists(Path.Combine(folder.FullName, "InterpActors.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
