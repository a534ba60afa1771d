using System.Globalization;

namespace InterpActors.Host.Tests.Runs;

/// <summary>
/// A small training study on a model's activations, one that evaluates what it trained, and the files they must agree in.
/// </summary>
internal sealed class TrainingStudies
{
    public const int CheckpointEvery = 50;

    /// <summary>Shards of activations that 1024 rows of tokens give.</summary>
    public const int Shards = 7;

    private readonly string _folder;

    /// <param name="folder">Where the study files go.</param>
    /// <param name="steps">Of training.</param>
    /// <param name="rows">Of 48 tokens.</param>
    public TrainingStudies(string folder, int steps = 400, int rows = 1024)
    {
        _folder = folder;
        var random = new Random(7);
        File.WriteAllLines(At("tokens.jsonl"), Enumerable.Range(0, rows).Select(_ =>
            $"{{\"tokens\":[{string.Join(',', Enumerable.Range(0, 48).Select(_ => random.Next(1, 144)))}]}}"));
        File.WriteAllText(Training, string.Create(CultureInfo.InvariantCulture, $$"""
            study {
              name = trained
              model { path = "{{Interp.Model("tr-ioi")}}" }
              method { kind = sae-training, architecture = topk, expansion = 8, k = 8
                normalisation { kind = mean-norm, batches = 4 }
                data { kind = model, hook = blocks.2.hook_resid_post, tokens = tokens.jsonl, mix = 0.5 }
                batch = 512, steps = {{steps}}, checkpoint_every = {{CheckpointEvery}}, log_every = 5 }
            }
            """));
    }

    public string Training => At("training.conf");

    /// <summary>The study that evaluates the dictionary of a run folder.</summary>
    public string Evaluation(string run)
    {
        var file = At($"evaluation-{Path.GetFileName(run)}.conf");
        File.WriteAllText(file, $$"""
            study {
              name = evaluated
              model { path = "{{Interp.Model("tr-ioi")}}" }
              method { kind = sae-evaluation, sae = "{{run}}/topk/sae", metrics = [core, features]
                data { kind = tokens, file = tokens.jsonl } }
            }
            """);
        return file;
    }

    /// <summary>Names and hashes of all that has to be the same whatever happened on the way.</summary>
    public static IReadOnlyList<string> Compared(string run) =>
        [.. Directory.EnumerateFiles(run, "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(run, f)).Where(IsCompared).Order(StringComparer.Ordinal)
            .Select(f => f + " "
                + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(run, f)))))];

    /// <summary>A file that the end of a run writes.</summary>
    public static bool IsResult(string name) => Path.GetExtension(name) is ".csv" or ".parquet" or ".html" or ".json";

    // Times, processes and this machine stand in the others.
    private static bool IsCompared(string name) =>
        Path.GetExtension(name) is ".csv" or ".parquet" or ".safetensors" or ".html" or ".json" or ""
        && name is not ("summary.json" or "manifest.json" or "report.html" or "run.lock" or "run.pid");

    private string At(string name) => Path.Combine(_folder, name);
}
