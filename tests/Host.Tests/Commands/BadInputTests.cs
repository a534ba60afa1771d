using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using InterpActors.Host.Commands;

namespace InterpActors.Host.Tests.Commands;

/// <summary>Every kind of wrong input: one line, exit code 2, and nothing written.</summary>
public sealed class BadInputTests : IDisposable
{
    private const string Good =
        """{"clean":"f0 A f1 B f2 f3 B f4 END","corrupt":"f0 A f1 B f2 f3 A f4 END","answers":["A"],"wrong":["B"]}""";
    private const string Heads = "kind = activation-patching, components = [z], by = all";
    private readonly string _root = Directory.CreateTempSubdirectory("bad-input-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string At(string name) => Path.Combine(_root, name);

    /// <summary>Writes a study whose method stands on line 6.</summary>
    private string Study(string method, string? pairs = Good, string model = "gt-ioi")
    {
        if (pairs is not null) File.WriteAllText(At("pairs.jsonl"), pairs);
        var file = At("s.conf");
        File.WriteAllText(file, $$"""
            study {
              name = bad
              model { path = "{{model}}" }
              task { kind = pairs, file = "pairs.jsonl" }
              metric { kind = logit-difference }
              method { {{method}} }
            }
            """);
        return file;
    }

    private List<string> Everything() =>
        [.. Directory.GetFileSystemEntries(_root, "*", SearchOption.AllDirectories)
            .Where(f => !f.EndsWith(".db-shm", StringComparison.Ordinal)).Order()];

    private async Task<string> Refused(params string[] arguments)
    {
        var before = Everything();
        var outcome = await Interp.Here(arguments);
        Assert.True(outcome.Code == ExitCode.WrongInput, $"exit {outcome.Code}: {outcome.Output}{outcome.Error}");
        var line = Assert.Single(outcome.Error.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("interp: ", line, StringComparison.Ordinal);
        Assert.Equal(before, Everything());
        return line;
    }

    private Task<string> RunRefused(string study, params string[] more) => Refused(["run", study, "--out", At("out"), .. more]);

    [Fact]
    public async Task The_good_study_runs()
    {
        var outcome = await Interp.Here("run", Study(Heads), "--out", At("out"), "--workers", "1");
        Assert.True(outcome.Code == ExitCode.Done, outcome.Error);
        Assert.Equal(1 + 3 * 2, (await File.ReadAllLinesAsync(At("out/results.csv"))).Length);
        foreach (var name in new[] { "results.parquet", "summary.json", "manifest.json", "report.html", "journal.db" })
            Assert.True(File.Exists(At("out/" + name)), name);
    }

    [Theory]
    [InlineData("kind = activation-patching, componets = [z]", "did you mean 'components'?")]
    [InlineData("kind = activation-patchin, components = [z]", "did you mean 'activation-patching'?")]
    [InlineData("kind = activation-patching, components = [zz]", "zz")]
    [InlineData("kind = activation-patching, components = [z], by = all, heads = [2]", "2")]
    [InlineData("kind = activation-patching, components = [z], by = all, layers = [0, 3]", "3")]
    [InlineData("kind = activation-patching, components = [z], by = position, positions = [10]", "10")]
    [InlineData("kind = activation-patching, components = [z], by = all, hooks = [blocks.0.attn.hook_zz]", "hook_zz")]
    [InlineData("kind = activation-patching, components = [z], by = role", "role")]
    [InlineData("kind = activation-patching, components = [mlp_out]", "mlp")]
    [InlineData("kind = ablation, components = [z], value = mean, reference = \"nothing.jsonl\"", "nothing.jsonl")]
    public async Task Keys_and_ranges(string method, string what)
    {
        var line = await RunRefused(Study(method));
        Assert.Contains("s.conf:6", line, StringComparison.Ordinal);
        Assert.Contains(what, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"clean":"f0 A f1 B f2 f3 B f4 END","corrupt":"f0 A f1 B f2 f3 A f4 END","answers":["A B"],"wrong":["B"]}""",
        "pairs.jsonl:1", "A B")]
    [InlineData("""{"clean":"f0 A f1 B f2 f3 B f4 END","corrupt":"f0 A f1 B f2 f3 A END","answers":["A"],"wrong":["B"]}""", "pairs.jsonl:1",
        "tokens")]
    [InlineData("""{"clean":"f0 A f1 B f2 f3 B f4 END","corrupt":"f0 A f1 B f2 f3 B f4 END","answers":["A"],"wrong":["B"]}""", "", "")]
    [InlineData("""{"clean":[0,2],"corrupt":[0,99],"answers":[2],"wrong":[3]}""", "", "99")]
    [InlineData("""{"clean":"f0 A f1 B f2 f3 B f4 END","corrupt":"f0 A f1 B f2 f3 A f4 END","wrong":["B"]}""", "pairs.jsonl:1", "answers")]
    [InlineData("{\"clean\":", "pairs.jsonl:1", "JSON")]
    [InlineData("", "pairs.jsonl", "")]
    public async Task Pairs(string pairs, string where, string what)
    {
        var line = await RunRefused(Study(Heads, pairs));
        Assert.Contains(where, line, StringComparison.Ordinal);
        Assert.Contains(what, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prompts_of_unequal_length_need_roles()
    {
        var pairs = Good + "\n" + Good.Replace(" f3", "", StringComparison.Ordinal);
        Assert.Contains("by", await RunRefused(Study("kind = activation-patching, components = [z], by = position", pairs)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_that_are_not_there()
    {
        Assert.Contains("no such file", await Refused("run", At("none.conf"), "--out", At("out")), StringComparison.Ordinal);
        Assert.Contains("pairs.jsonl", await RunRefused(Study(Heads, pairs: null)), StringComparison.Ordinal);
        Assert.Contains("no-such-model", await RunRefused(Study(Heads, model: "no-such-model")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damaged_models()
    {
        var folder = At("model");
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.GetFiles(Interp.Model("gt-ioi"))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        var weights = Path.Combine(folder, "model.safetensors");
        var whole = await File.ReadAllBytesAsync(weights);
        var study = Study(Heads, model: "model");

        await Damaged(whole[..(whole.Length / 2)], "model.safetensors");
        await Damaged(whole[..5], "model.safetensors");
        await Damaged([], "model.safetensors");
        await Damaged([.. BitConverter.GetBytes(1UL << 63), .. whole[8..]], "model.safetensors");
        await Damaged(Header(whole, h =>
        {
            var tensor = h["blocks.0.attn.W_O"]!;
            h.Remove("blocks.0.attn.W_O");
            h["another"] = tensor;
        }), "blocks.0.attn.W_O");
        await Damaged(Header(whole, h => h["blocks.0.attn.W_O"]!["data_offsets"]![1] = 35380), "model.safetensors");
        await Damaged(Header(whole, h => h["blocks.0.attn.W_O"]!["data_offsets"] = new JsonArray(0, 1L << 60)), "model.safetensors");
        var nan = (byte[])whole.Clone();
        BinaryPrimitives.WriteSingleLittleEndian(nan.AsSpan(whole.Length - 400), float.NaN);
        await Damaged(nan, "");
        await File.WriteAllBytesAsync(weights, whole);
        await File.WriteAllTextAsync(Path.Combine(folder, "config.json"), """{"model_type":"mamba"}""");
        Assert.Contains("mamba", await RunRefused(study), StringComparison.Ordinal);

        async Task Damaged(byte[] bytes, string what)
        {
            await File.WriteAllBytesAsync(weights, bytes);
            Assert.Contains(what, await RunRefused(study), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_gguf_file_cut_anywhere()
    {
        // A header that promises one tensor and one key, and nothing else.
        byte[] bytes =
        [
            .. "GGUF"u8, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
            20, 0, 0, 0, 0, 0, 0, 0, .. "general.architecture"u8, 8, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, .. "llama"u8,
        ];
        var study = Study(Heads, model: "m.gguf");
        for (var length = 0; length <= bytes.Length; length += 7)
        {
            await File.WriteAllBytesAsync(At("m.gguf"), bytes[..length]);
            Assert.Contains("m.gguf", await RunRefused(study), StringComparison.Ordinal);
            Assert.Contains("m.gguf", await Refused("model", "inspect", At("m.gguf")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Output_folders_that_cannot_be_used()
    {
        var study = Study(Heads);
        Assert.Contains("not writable", await Refused("run", study, "--out", "/proc/interp-out"), StringComparison.Ordinal);
        Assert.Contains("is a file", await Refused("run", study, "--out", study), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_study_that_changed_since_its_run_began()
    {
        var study = Study(Heads);
        Assert.Equal(ExitCode.Done, (await Interp.Here("run", study, "--out", At("out"), "--quiet")).Code);
        Assert.Contains("method.direction: denoising → noising", await RunRefused(study, "--set", "method.direction=noising"),
            StringComparison.Ordinal);
        Assert.Contains("--threads 1", await RunRefused(study, "--threads", "2"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(At("pairs.jsonl"), Good.Replace("f0", "f5", StringComparison.Ordinal));
        Assert.Contains("sha256", await RunRefused(study), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("nonsense")]
    [InlineData("run", "a.conf", "b.conf")]
    [InlineData("run", "a.conf", "--workers", "0")]
    [InlineData("run", "a.conf", "--workers", "many")]
    [InlineData("run", "a.conf", "--no-such-option")]
    [InlineData("plan", "a.conf", "--set", "nonsense")]
    [InlineData("methods", "no-such-kind")]
    [InlineData("status", "/no/such/folder")]
    [InlineData("model", "inspect")]
    [InlineData("model", "inspect", "no-such-model")]
    [InlineData("model", "tokenize", "gt-ioi")]
    [InlineData("model", "generate", "gt-ioi", "--tokens", "1,x")]
    [InlineData("model", "generate", "gt-ioi", "--tokens", "1,99")]
    [InlineData("model", "run", "gt-ioi", "--prompts", "none.jsonl", "--save", "z", "--out", "x.safetensors")]
    [InlineData("model", "run", "gt-ioi", "--prompts", "none.jsonl", "--save", "z", "--out", "x.safetensors", "--dtype", "fp8")]
    public async Task Arguments(params string[] arguments) => Assert.NotEmpty(await Refused(arguments));

    private static byte[] Header(byte[] file, Action<JsonObject> change)
    {
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        var header = JsonNode.Parse(file.AsSpan(8, length))!.AsObject();
        change(header);
        var text = Encoding.UTF8.GetBytes(header.ToJsonString());
        return [.. BitConverter.GetBytes((ulong)text.Length), .. text, .. file[(8 + length)..]];
    }

    [Theory]
    [InlineData("cuda:0", "there is no cuda:0 here")]
    [InlineData("cpu,gpu", "'gpu' is no device")]
    [InlineData("cuda:-1", "'cuda:-1' is no device")]
    public async Task Devices_that_are_not_there(string devices, string what) => Assert.Contains(
        what, await Refused("node", "--roles", "compute", "--seed-node", "127.0.0.1:1", "--data", At("node"), "--devices", devices),
        StringComparison.Ordinal);

    [Fact]
    public async Task Devices_of_a_node_that_computes_nothing() => Assert.Contains(
        "only compute nodes have devices", await Refused("node", "--roles", "coordinator", "--data", At("node"), "--devices", "cpu"),
        StringComparison.Ordinal);

    [Fact]
    public async Task Priorities_and_kinds_of_devices_that_there_are_not()
    {
        var file = Study(Heads);
        Task<string> Submitted(params string[] more) => Refused(["submit", file, "--cluster", "http://127.0.0.1:1", .. more]);
        Assert.Contains("-10 to 10", await Submitted("--priority", "11"), StringComparison.Ordinal);
        Assert.Contains("gpu", await Submitted("--device", "gpu"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_on_a_device_that_is_not_there()
    {
        var line = await RunRefused(Study(Heads), "--device", "cuda");
        Assert.Contains("there is no cuda device here", line, StringComparison.Ordinal);
        Assert.Contains("-p:Cuda=true", line, StringComparison.Ordinal);
    }
}
