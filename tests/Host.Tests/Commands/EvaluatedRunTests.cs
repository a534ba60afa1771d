using System.Net;
using System.Text.Json.Nodes;
using InterpActors.Compute.Studies;
using InterpActors.Host.Commands;
using InterpActors.Host.Tests.Web;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Tests.Commands;

/// <summary>A training run evaluated as a whole, and its results in SAEBench's form.</summary>
public sealed class EvaluatedRunTests : IDisposable
{
    private static readonly string Data = Path.Combine(Interp.Root, "tests", "Compute.Tests", "Data", "evaluation");

    private readonly string _root = Directory.CreateTempSubdirectory("evaluated-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Every_SAE_of_a_run_is_evaluated_under_its_units_name_and_exported()
    {
        await TrainAsync();
        var (evaluation, run) = (Evaluation(), Path.Combine(_root, "evaluated"));
        await Done("run", evaluation, "--out", run, "--quiet");
        var lines = await File.ReadAllLinesAsync(Path.Combine(run, "results.csv"));
        Assert.Equal("sae,architecture,hook,group,metric,value,n", lines[0]);
        Assert.Equal(["topk-seed0", "topk-seed1"], lines.Skip(1).Select(l => l.Split(',')[0]).Distinct());
        Assert.Contains(lines, l => l.Contains("agreement,pairwise_mcc_topk-seed0_vs_topk-seed1", StringComparison.Ordinal));
        // The canonical form is a study of its own: it names what was found, and another list of units is another study.
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(run, "manifest.json")))!;
        Assert.Equal(["topk-seed0", "topk-seed1"], Method(manifest)["units"]!.AsArray().Select(u => (string)u!));
        Assert.Equal(["topk-seed0/sae", "topk-seed1/sae"], Method(manifest)["folders"]!.AsArray().Select(u => (string)u!));
        // Asked for again, also with another number of workers, it is the same run.
        await Done("run", evaluation, "--out", run, "--quiet");
        await Done("run", evaluation, "--out", run + "-again", "--workers", "2", "--quiet");
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(run, "results.csv")),
            await File.ReadAllBytesAsync(Path.Combine(run + "-again", "results.csv")));

        var exported = Path.Combine(_root, "bench");
        await Done("export", run, "--format", "saebench", "--out", exported);
        foreach (var unit in (string[])["topk-seed0", "topk-seed1"])
        {
            var json = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(exported, unit, "saebench-tpp.json")))!;
            Assert.Equal(("tpp", unit), ((string)json["eval_type_id"]!, (string)json["sae_lens_id"]!));
        }
        await Done("export", Path.Combine(_root, "trained"), "--format", "saelens", "--out", Path.Combine(_root, "saes"));
        Assert.True(File.Exists(Path.Combine(_root, "saes", "topk-seed1", "sae", "sae_weights.safetensors")));
    }

    [Fact]
    public async Task Agreement_of_a_run_is_between_those_that_differ_by_the_seed_alone()
    {
        await TrainAsync("k = [2, 4], seed = [0, 1]");
        await Done("run", Evaluation(metrics: "agreement"), "--out", Path.Combine(_root, "evaluated"), "--quiet");
        var metrics = (await File.ReadAllLinesAsync(Path.Combine(_root, "evaluated", "results.csv"))).Skip(1).Select(l => l.Split(',')[4]);
        Assert.Equal(["pairwise_mcc_topk-k2-seed0_vs_topk-k2-seed1", "pairwise_mcc_topk-k4-seed0_vs_topk-k4-seed1"], metrics);
    }

    [Fact]
    public async Task A_cluster_needs_nothing_of_the_folder_but_what_is_sent()
    {
        await TrainAsync();
        var file = StudyFile.Load(Evaluation(), []);
        var study = StudyCompiler.Compile(file.Root, file.Source, file.Folder, 1);
        await using var web = await WebFixture.StartAsync();
        foreach (var (input, path) in FilesByContent.InPlace(file.Folder, study.Inputs!)) Assert.True(web.Artifacts.Copy(input, path));
        Directory.Delete(_root, recursive: true);
        var submission = new JsonObject
        {
            ["source"] = file.Source,
            ["folder"] = "/home/somebody/else",
            ["inputs"] = new JsonArray([.. study.Inputs!.Select(i => new JsonObject
            {
                ["path"] = i.Path, ["name"] = i.Name, ["sha256"] = i.Sha256.Value, ["bytes"] = i.Bytes,
            })]),
        };
        using (var accepted = await web.Post("/api/studies", submission.ToJsonString()))
            Assert.True(accepted.StatusCode == HttpStatusCode.Created, await accepted.Content.ReadAsStringAsync());
        Assert.Equal(1, web.Desk.Begun);
        Directory.CreateDirectory(_root);
    }

    [Fact]
    public async Task A_folder_that_is_no_training_run_is_refused_in_one_line()
    {
        await TrainAsync();
        var trained = Path.Combine(_root, "trained");
        await Refused(Evaluation(from: "nowhere"), "nowhere: there is no such folder");
        Directory.CreateDirectory(Path.Combine(_root, "empty"));
        await Refused(Evaluation(from: "empty"), "'empty' is no run folder");
        await Refused(Evaluation(more: "units = [topk-seed3]"), "has no 'topk-seed3'; did you mean 'topk-seed");
        await Refused(Evaluation(more: "units = [topk-seed1, topk-seed1]"), "names an SAE twice");
        await Refused(Evaluation(more: $"sae = \"{Data}/planted/topk\""), "sae is given too");
        await Refused(Evaluation(more: "ablation { top_n = [49] }"), "49 is more than the 48 latents");

        var summary = Path.Combine(trained, "summary.json");
        var whole = await File.ReadAllTextAsync(summary);
        await File.WriteAllTextAsync(summary, whole.Replace("\"completed\"", "\"paused\"", StringComparison.Ordinal));
        await Refused(Evaluation(), "is not over: paused");
        await File.WriteAllTextAsync(summary, whole[..20]);
        await Refused(Evaluation(), "summary.json cannot be read");
        File.Delete(summary);
        await Refused(Evaluation(), "is not over; run it to its end first");
        await File.WriteAllTextAsync(summary, whole);
        var manifest = Path.Combine(trained, "manifest.json");
        var facts = await File.ReadAllTextAsync(manifest);
        await File.WriteAllTextAsync(manifest,
            facts.Replace("topk-seed1/sae/cfg.json", "topk-seed1/sae/old.json", StringComparison.Ordinal));
        await Refused(Evaluation(), "has not trained 'topk-seed1' to its end");
        Assert.Equal(ExitCode.Done, (await Interp.Here("plan", Evaluation(more: "units = [topk-seed0]", metrics: "tpp"))).Code);
        const string Kind = "\"kind\": \"sae-training\",\n  \"source\"";
        await File.WriteAllTextAsync(manifest,
            facts.Replace(Kind, Kind.Replace("sae-training", "ablation"), StringComparison.Ordinal));
        await Refused(Evaluation(), "is of kind ablation; a run of kind sae-training is needed");
        await File.WriteAllTextAsync(manifest, facts);
        foreach (var weights in Directory.EnumerateFiles(Path.Combine(trained, "topk-seed0", "sae"))) File.Delete(weights);
        await Refused(Evaluation(), "topk-seed0/sae: it holds neither cfg.json nor config.json");
    }

    [Fact]
    public async Task What_has_nothing_to_export_is_refused_in_one_line()
    {
        var nothing = await Interp.Here("export", Path.Combine(_root, "nowhere"), "--format", "csv", "--out", Path.Combine(_root, "out"));
        Assert.Equal(ExitCode.WrongInput, nothing.Code);
        Assert.Contains("there is no such folder", Assert.Single(nothing.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        await TrainAsync();
        var none = await Interp.Here("export", Path.Combine(_root, "trained"), "--format", "saebench", "--out", Path.Combine(_root, "out"));
        Assert.Equal(ExitCode.WrongInput, none.Code);
        Assert.Contains("no evaluation that SAEBench has", none.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_root, "out")));
    }

    private async Task TrainAsync(string sweep = "seed = [0, 1]")
    {
        var study = Path.Combine(_root, "train.conf");
        await File.WriteAllTextAsync(study, $$"""
            study { name = train
              method { kind = sae-training, architecture = topk, d_sae = 48, k = 4, batch = 64, steps = 3
                data { kind = activations, file = "{{Data}}/planted/data.safetensors", tensor = x, order = shuffled } }
              sweep { {{sweep}} } }
            """);
        await Done("run", study, "--out", Path.Combine(_root, "trained"), "--quiet");
    }

    private string Evaluation(string from = "trained", string more = "", string metrics = "tpp, agreement")
    {
        var study = Path.Combine(_root, "evaluate.conf");
        File.WriteAllText(study, $$"""
            study { name = evaluate
              method { kind = sae-evaluation, from = {{from}}, metrics = [{{metrics}}]
                {{(metrics == "agreement" ? "" : $"data {{ kind = texts, file = \"{Data}/tpp/data.safetensors\" }}")}}
                {{more}} } }
            """);
        return study;
    }

    private async Task Refused(string study, string message)
    {
        var run = Path.Combine(_root, "refused");
        var outcome = await Interp.Here("run", study, "--out", run);
        Assert.True(outcome.Code == ExitCode.WrongInput, outcome.Output + outcome.Error);
        Assert.Contains(message, Assert.Single(outcome.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.False(Directory.Exists(run));
    }

    private static async Task Done(params string[] arguments)
    {
        var outcome = await Interp.Here(arguments);
        Assert.True(outcome.Code == ExitCode.Done, outcome.Output + outcome.Error);
    }

    private static JsonNode Method(JsonNode manifest) => (manifest["study"]!["study"] ?? manifest["study"]!)["method"]!;
}
