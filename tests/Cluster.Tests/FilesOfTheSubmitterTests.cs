using System.Text.Json.Nodes;

namespace InterpActors.Cluster.Tests;

/// <summary>Neither coordinator nor compute node has, or can see for long, any file of whoever submits.</summary>
public sealed class FilesOfTheSubmitterTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("submitter-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task A_study_whose_files_are_gone_after_submission_gives_the_bytes_of_a_local_run()
    {
        var study = Submitter();
        Assert.Equal(0, await NodeProcess.RunAsync("run", study, "--out", At("local"), "--workers", "2", "--quiet"));
        using var coordinator = await Node("coordinator", "--roles", "coordinator");
        using var compute = await Node("compute", "--roles", "compute", "--workers", "1", "--seed-node", coordinator.Address);

        Assert.Equal((0, ""), Sent(await NodeProcess.FinishAsync("submit", study, "--cluster", coordinator.Http)));
        Directory.Delete(At("submitter"), recursive: true);
        var id = await CompletedAsync(coordinator);
        Assert.Equal(0, await NodeProcess.RunAsync("report", id, "--cluster", coordinator.Http, "--out", At("report")));

        var local = await File.ReadAllBytesAsync(At("local/results.csv"));
        Assert.Equal(local, await File.ReadAllBytesAsync(At("report/results.csv")));
        Assert.Equal(Stored("coordinator"), Stored("compute"));
        Assert.Equal(5, Stored("compute").Length);
    }

    [Fact]
    public async Task A_training_run_is_evaluated_where_its_folder_is_not()
    {
        var data = Path.Combine(SmallStudy.Root(), "tests", "Compute.Tests", "Data", "evaluation");
        Directory.CreateDirectory(At("submitter"));
        File.Copy(Path.Combine(data, "planted", "data.safetensors"), At("submitter/rows.safetensors"));
        File.Copy(Path.Combine(data, "tpp", "data.safetensors"), At("submitter/texts.safetensors"));
        await File.WriteAllTextAsync(At("submitter/train.conf"), """
            study { name = train
              method { kind = sae-training, architecture = topk, d_sae = 48, k = 4, batch = 64, steps = 3
                data { kind = activations, file = "rows.safetensors", tensor = x, order = shuffled } }
              sweep { seed = [0, 1] } }
            """);
        await File.WriteAllTextAsync(At("submitter/evaluate.conf"), """
            study { name = evaluate
              method { kind = sae-evaluation, from = trained, metrics = [tpp, agreement]
                data { kind = texts, file = "texts.safetensors" } } }
            """);
        Assert.Equal(0, await NodeProcess.RunAsync("run", At("submitter/train.conf"), "--out", At("submitter/trained"), "--quiet"));
        Assert.Equal(0, await NodeProcess.RunAsync("run", At("submitter/evaluate.conf"), "--out", At("local"), "--quiet"));
        using var coordinator = await Node("coordinator", "--roles", "coordinator");
        using var compute = await Node("compute", "--roles", "compute", "--workers", "1", "--seed-node", coordinator.Address);

        Assert.Equal((0, ""), Sent(await NodeProcess.FinishAsync("submit", At("submitter/evaluate.conf"), "--cluster", coordinator.Http)));
        Directory.Delete(At("submitter"), recursive: true);
        var id = await CompletedAsync(coordinator);
        Assert.Equal(0, await NodeProcess.RunAsync("report", id, "--cluster", coordinator.Http, "--out", At("report")));
        Assert.Equal(0, await NodeProcess.RunAsync(
            "export", id, "--cluster", coordinator.Http, "--format", "saebench", "--out", At("there")));
        Assert.Equal(0, await NodeProcess.RunAsync("export", At("local"), "--format", "saebench", "--out", At("here")));
        foreach (var table in (string[])["results.csv", "ablations.csv", "effects.csv"])
            Assert.Equal(await File.ReadAllBytesAsync(At($"local/{table}")), await File.ReadAllBytesAsync(At($"report/{table}")));
        foreach (var unit in (string[])["topk-seed0", "topk-seed1"])
            Assert.Equal(await File.ReadAllBytesAsync(At($"here/{unit}/saebench-tpp.json")),
                await File.ReadAllBytesAsync(At($"there/{unit}/saebench-tpp.json")));
    }

    /// <summary>Model, prompts and study file in a folder of its own, named by relative paths.</summary>
    private string Submitter()
    {
        Directory.CreateDirectory(At("submitter/my model"));
        foreach (var file in Directory.EnumerateFiles(Path.Combine(SmallStudy.Root(), "models", "tr-ioi")))
            File.Copy(file, Path.Combine(At("submitter/my model"), Path.GetFileName(file)));
        static string Prompt(int first, int step) => string.Join(',', Enumerable.Range(0, 12).Select(t => (first + t * step) % 20));
        File.WriteAllLines(At("submitter/pairs.jsonl"), Enumerable.Range(0, 64).Select(i =>
            $$"""{"clean":[{{Prompt(i * 7, 3)}}],"corrupt":[{{Prompt(i * 5, 2)}}],"answers":[{{i % 20}}],"wrong":[{{(i + 3) % 20}}]}"""));
        File.WriteAllText(At("submitter/study.conf"), """
            study {
              name = moved
              model { path = "my model" }
              task { kind = pairs, file = pairs.jsonl }
              metric { kind = logit-difference }
              method { kind = activation-patching, components = [resid_pre, z], by = position }
            }
            """);
        return At("submitter/study.conf");
    }

    private async Task<NodeProcess> Node(string name, params string[] arguments)
    {
        Directory.CreateDirectory(At($"{name}/here"));
        return await NodeProcess.StartInAsync(At($"{name}/here"), [.. arguments, "--data", At($"{name}/data")]);
    }

    /// <summary>The one study that there is, once it is completed.</summary>
    private static async Task<string> CompletedAsync(NodeProcess coordinator)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var json = JsonNode.Parse(await http.GetStringAsync(new Uri($"{coordinator.Http}/api/studies"), limit.Token))!;
            var study = Assert.Single(json["studies"]!.AsArray())!;
            if ((string)study["state"]! == "completed") return (string)study["study"]!;
            await Task.Delay(200, limit.Token);
        }
    }

    /// <summary>Names of the files in a node's store.</summary>
    private string[] Stored(string node) =>
    [
        .. Directory.EnumerateFiles(At($"{node}/data/artifacts"), "*", SearchOption.AllDirectories)
            .Where(f => new FileInfo(f).LinkTarget is null).Select(f => Path.GetRelativePath(At($"{node}/data/artifacts"), f))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>What is sent is told; nothing else is.</summary>
    private static (int, string) Sent((int Code, string Errors) finished) =>
        (finished.Code, string.Join('\n', finished.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(l => !l.StartsWith("sending ", StringComparison.Ordinal))));

    private string At(string name) => Path.Combine(_root, name);
}
