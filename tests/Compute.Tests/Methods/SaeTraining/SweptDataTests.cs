using System.Globalization;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Tests.Dictionaries.Data;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Methods.SaeTraining;

/// <summary>Several data in one study (the arms of FAST), and what every dictionary is measured on at its end.</summary>
public sealed class SweptDataTests : IDisposable
{
    private const string Arms = """
        data {
          fast { packing = none }, btf { packing = blocks, end_of_sequence = 263 }
          btp { kind = model, tokens = text.jsonl, context = 24 }
        }
        """;

    private const string Chat = """
        data { kind = chat, file = chat.jsonl, context = 40, special_tokens = [256, 257, 258] }
        evaluate { data { kind = chat, file = heldout.jsonl, context = 40, special_tokens = [256, 257, 258] } }
        """;

    private static readonly string ChatAtHook = Chat.Replace("file = chat.jsonl", "file = chat.jsonl, hook = blocks.1.hook_resid_post");

    private readonly DataFolder _folder = new();

    public SweptDataTests()
    {
        var random = new Random(5);
        string Conversation() => $"{{\"tokens\":[256,{string.Join(',', Enumerable.Range(0, 2).SelectMany(_ => (int[])[257,
            .. Enumerable.Range(0, 3 + random.Next(9)).Select(_ => random.Next(128)), 258]))}]}}";
        _folder.Write("chat.jsonl", string.Join('\n', Enumerable.Range(0, 40).Select(_ => Conversation())));
        _folder.Write("heldout.jsonl", string.Join('\n', Enumerable.Range(0, 10).Select(_ => Conversation())));
        _folder.Write("text.jsonl", string.Join('\n', Enumerable.Range(0, 40).Select(_ =>
            $"{{\"tokens\":[{string.Join(',', Enumerable.Range(0, 30).Select(_ => random.Next(128)))}]}}")));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Arms_of_FAST_are_one_study_with_a_table_of_errors_on_special_tokens()
    {
        var study = Compile(Arms + "\nseed = [0, 1]", ChatAtHook, "expect_order = [\"eval_mse_special: fast < btp\"]");
        using var engine = new StudyEngine();
        var plan = engine.Plan(study);
        var units = StudyRuns.Ordinals(plan).Select(o => plan[o].Label).ToArray();
        Assert.Equal(["harvest fast shard 0", "harvest btf shard 0", "harvest btp shard 0", "harvest held-out shard 0", "topk-fast-seed0",
            "topk-fast-seed1", "topk-btf-seed0", "topk-btf-seed1", "topk-btp-seed0", "topk-btp-seed1"], units);

        var payloads = Payloads(engine, plan, "one");
        var result = StudyRuns.Reduce(engine, plan, payloads).Result;

        Assert.Equal(6, result.Results!.Rows.Count);
        foreach (var row in result.Results.Rows)
        {
            var (all, text) = (Number(result, row, "eval_mse"), Number(result, row, "eval_mse_text"));
            var special = Number(result, row, "eval_mse_special");
            var share = Number(result, row, "eval_special_tokens") / Number(result, row, "eval_tokens");
            Assert.Equal(50, Number(result, row, "eval_special_tokens"));
            Assert.Equal(all, share * special + (1 - share) * text, 9);
            Assert.Equal(special / 48, Number(result, row, "eval_mse_special_per_dimension"), 9);
        }
        // Arms begin with the same weights and end with others.
        Assert.Equal(6, result.Results.Rows.Select(r => Number(result, r, "eval_mse")).Distinct().Count());
        var order = Assert.Single(result.Trust, t => t.Name == "order: eval mse special");
        Assert.Equal("good", order.State);
        Assert.Contains("topk-fast-seed0", order.Words);
        Assert.Matches(@"special tokens \(of all tokens\) is [0-9.]+ \([0-9.]+\) for fast, .* for btf, .* for btp\.$", result.Answer);
        AssertSameAsEvaluation(result, "topk-btf-seed1");
        // Another process gives the same bytes, whichever units it is given first.
        Assert.Equal(payloads[^2], engine.Run(study, plan[plan.UnitCount - 2], Context("other")).Payload);
    }

    [Fact]
    public void Hooks_can_be_listed_and_each_dictionary_is_measured_at_its_own()
    {
        var bounded = Chat.Replace("context = 40", "context = 40, max_norm = 1.2", StringComparison.Ordinal);
        var study = Compile("data { hook = [blocks.1.hook_resid_post, blocks.0.hook_mlp_out] }", bounded, "");
        using var engine = new StudyEngine();
        var plan = engine.Plan(study);
        Assert.Equal([-1, 0, 1], plan.Layers.Select(l => l.Layer));

        var result = StudyRuns.Reduce(engine, plan, Payloads(engine, plan, "hooks")).Result;

        Assert.Equal(["topk-hookblocks.0.hook_mlp_out", "topk-hookblocks.1.hook_resid_post"],
            result.Results!.Rows.Select(r => (string)r[0]!));
        Assert.Equal(["blocks.0.hook_mlp_out", "blocks.1.hook_resid_post"], result.Results.Rows.Select(r => (string)r[2]!));
        AssertSameAsEvaluation(result, "topk-hookblocks.0.hook_mlp_out", ", max_norm = 1.2");
    }

    [Fact]
    public void The_canonical_form_is_the_same_study()
    {
        var study = Compile(Arms, ChatAtHook, "");
        var again = StudyCompiler.Compile(StudyFile.Parse(study.Canonical, "canonical"), study.Canonical, new StudyFolder(_folder.Root), 1);
        Assert.Equal(study.Canonical, again.Canonical);
        // Each arm's file is pinned: a changed one is noticed.
        _folder.Write("text.jsonl", "{\"tokens\":[1,2,3]}");
        Assert.Contains("has changed", Assert.Throws<StudyException>(() => StudyCompiler.Compile(
            StudyFile.Parse(study.Canonical, "canonical"), study.Canonical, new StudyFolder(_folder.Root), 1)).Message);
    }

    [Theory]
    [InlineData("data { a { packing = none, per_bach = 3 } }", "", "per_bach")]
    [InlineData("data { a { packing = none } }", "data.nothing = 1", "nothing")]
    [InlineData("data { }", "", "names no data")]
    [InlineData("data { file = [chat.jsonl, heldout.jsonl] }", "", "cannot be a list")]
    [InlineData("data { contxt = [10, 20] }", "", "contxt")]
    [InlineData("data { \"a/b\" { packing = none } }", "", "no name for a folder")]
    [InlineData("data { a { packing = none } }", "evaluate { data { kind = tokens, file = nowhere.npy } }", "nowhere.npy")]
    [InlineData("data { a { packing = none } }", "evaluate { data { kind = chat, file = chat.jsonl, buffer = 9 batches } }", "buffer")]
    [InlineData("data { a { packing = none } }", "evaluate { data { kind = chat, file = chat.jsonl, hook = blocks.1.mlp.hook_post } }",
        "wide")]
    [InlineData("data { a { packing = none }, b { packing = blocks, end_of_sequence = 263 } }", "expect_order = [\"mse: a < b\"]",
        "not measured")]
    [InlineData("data { a { packing = none }, b { packing = blocks, end_of_sequence = 263 } }",
        "evaluate { data { kind = chat, file = chat.jsonl } }, expect_order = [\"eval_mse: a < c\"]", "'c' is not swept")]
    public void What_does_not_go_together_is_refused(string sweep, string method, string message) =>
        Assert.Contains(message, Assert.Throws<StudyException>(() => Compile(sweep,
            "data { kind = chat, file = chat.jsonl, context = 40, hook = blocks.1.hook_resid_post }", method)).Message);

    private Study Compile(string sweep, string data, string more) => StudyRuns.CompileText(
        $$"""
        study { name = arms, seed = 1, model { path = "{{TestData.Path("evaluation/tiny/model")}}", dtype = fp64 }
          sweep { {{sweep}} }
          method { kind = sae-training, architecture = topk, d_sae = 96, k = 4, dtype = fp64, batch = 64, steps = 40
            optimiser { lr = 3e-3 }
            {{data}}
            {{more}} } }
        """, _folder.Root);

    private byte[]?[] Payloads(StudyEngine engine, IStudyPlan plan, string folder) =>
        [.. StudyRuns.Ordinals(plan).Select(o => engine.Run(plan.Study, plan[o], Context(folder)).Payload)];

    private UnitContext Context(string folder) => new("cpu", _ => { }, CancellationToken.None) { Folder = _folder.At(folder) };

    private static double Number(StudyResult result, IReadOnlyList<object?> row, string column) =>
        Convert.ToDouble(row[result.Results!.Columns.ToList().IndexOf(column)], CultureInfo.InvariantCulture);

    /// <summary>What a study of kind sae-evaluation says of the saved dictionary, on the same conversations.</summary>
    private void AssertSameAsEvaluation(StudyResult result, string name, string bound = "")
    {
        var row = result.Results!.Rows.Single(r => (string)r[0]! == name);
        Directory.CreateDirectory(_folder.At(name));
        foreach (var file in result.Linked.Where(f => f.Name.StartsWith($"{name}/sae/", StringComparison.Ordinal)))
            File.Copy(Directory.EnumerateFiles(_folder.Root, file.Artifact.Value, SearchOption.AllDirectories).First(),
                Path.Combine(_folder.At(name), Path.GetFileName(file.Name)));
        var evaluation = StudyRuns.Run(StudyRuns.CompileText(
            $$"""
            study { name = e, model { path = "{{TestData.Path("evaluation/tiny/model")}}", dtype = fp64 }
              method { kind = sae-evaluation, sae = "{{name}}"
                data { kind = chat, file = heldout.jsonl, context = 40, special_tokens = [256, 257, 258]{{bound}} } } }
            """, _folder.Root));
        Assert.Equal((long)evaluation.Results!.Rows.First(r => (string?)r[4] == "mse")[6]!, Number(result, row, "eval_tokens"));
        Assert.Equal(bound.Length > 0, evaluation.Results.Rows.Any(r => (string?)r[4] == "rows_over_max_norm" && (double)r[5]! > 0));
        double Of(string metric) => (double)evaluation.Results!.Rows.First(r => (string?)r[4] == metric)[5]!;
        Assert.Equal(Of("mse"), Number(result, row, "eval_mse"), 9);
        Assert.Equal(Of("mse_special"), Number(result, row, "eval_mse_special"), 9);
        Assert.Equal(Of("explained_variance"), Number(result, row, "eval_explained_variance"), 9);
        Assert.Equal(Of("l0"), Number(result, row, "eval_l0"), 9);
    }
}
