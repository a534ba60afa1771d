using InterpActors.Compute.Interventions;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Models;
using InterpActors.Compute.Tests.Models;
using InterpActors.Messages.Work;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Interventions;

public class InterventionEngineTests
{
    public static TheoryData<string, int> Draws
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var config in RandomModels.All)
                for (var seed = 0; seed < 4; seed++) data.Add(config.Name, seed);
            return data;
        }
    }

    private static ModelConfig Config(string name) => RandomModels.All.First(c => c.Name == name);

    [Theory, MemberData(nameof(Draws))]
    public void Any_edits_give_what_the_plain_forward_gives(string name, int seed)
    {
        using var scope = NewDisposeScope();
        var (config, random) = (Config(name), new Random(seed * 31 + name.Length));
        using var weights = RandomModels.Weights(config, seed: seed, affineNorms: seed % 2 == 0, tied: seed % 3 == 0);
        using var engine = new InterventionEngine(weights, seed < 3 ? MatmulRoutes.Packed : MatmulRoutes.Torch);
        using var oracle = new PlainOracle(weights);
        int[][] prompts = [.. Enumerable.Range(0, 4).Select(i =>
            RandomModels.Prompt(config, seed == 2 ? random.Next(30, 45) : random.Next(1, 12), seed * 10 + i))];
        int[] answers = [.. prompts.Select(p => random.Next(3) == 0 ? random.Next(p.Length) : p.Length - 1)];
        using var run = engine.RunBase(prompts, answers, [Component.Pattern, Component.MlpPost]);
        var rows = Enumerable.Range(0, 40).Select(_ => RandomRow(config, run, random)).ToArray();
        MetricReader metric = seed % 2 == 0 ? new ColumnMetric(config.Vocabulary) : new AllLogitsMetric(config.Vocabulary);

        var readings = engine.Evaluate(run, rows, metric, default);
        var baseline = run.Readings(metric);
        for (var r = 0; r < rows.Length; r++)
        {
            var (p, what) = (rows[r].Prompt, Describe(rows[r]));
            var (expected, changed, largest) = oracle.Evaluate(prompts[p], p, answers[p], rows[r].Edits, metric);
            Assert.True(Math.Abs(expected - readings[r].Metric) <= 1e-12 * Math.Max(1, Math.Abs(expected)),
                $"{what}: {readings[r].Metric:R}, plain {expected:R}");
            Assert.True(readings[r].Recomputed || readings[r].Metric == baseline[p], what);
            if (rows[r].Edits.Count > 1) continue;
            Assert.True(changed == readings[r].ChangedElements, $"{what}: changed {readings[r].ChangedElements}, plain {changed}");
            Assert.True(Math.Abs(largest - readings[r].LargestChange) <= 1e-12 * Math.Max(1, largest), what);
        }
    }

    [Theory, MemberData(nameof(Draws))]
    public void Base_activations_are_the_plain_forwards(string name, int seed)
    {
        if (seed > 0) return;
        using var scope = NewDisposeScope();
        var config = Config(name);
        using var weights = RandomModels.Weights(config);
        using var engine = new InterventionEngine(weights, MatmulRoutes.Torch);
        using var model = new HookedTransformer(weights);
        int[][] prompts = [RandomModels.Prompt(config, 9, 1), RandomModels.Prompt(config, 5, 2), RandomModels.Prompt(config, 1, 3),
            RandomModels.Prompt(config, 40, 4)];
        Component[] components = [.. Enum.GetValues<Component>().Where(c =>
            config.HasMlp || c is not (Component.ResidMid or Component.MlpOut or Component.MlpPost))];
        using var kept = engine.RunBase(prompts, [8, 4, 0, 39], components);
        using var derived = engine.RunBase(prompts, [8, 4, 0, 39], []);
        Assert.True(kept.Bytes > derived.Bytes);
        for (var p = 0; p < prompts.Length; p++)
        {
            var hooks = new HookSet().Read(components.SelectMany(c => Enumerable.Range(0, config.Layers).Select(l => c.HookName(l))));
            model.Forward([prompts[p]], hooks);
            foreach (var component in components)
                for (var layer = 0; layer < config.Layers; layer++)
                {
                    var expected = hooks.Activations[component.HookName(layer)][0];
                    if (component != Component.Pattern) expected = expected.flatten(1);
                    var activation = kept.Activation(component, layer, p);
                    Assert.Equal(expected.shape, activation.shape);
                    Assert.True((expected - activation).abs().max().ToDouble() < 1e-12, $"{component} {layer} {p}");
                    Assert.True(activation.Equals(derived.Activation(component, layer, p)),
                        $"{component} {layer}: derived bits differ from kept ones");
                }
        }
    }

    [Fact]
    public void A_value_equal_to_the_base_has_an_effect_of_exactly_zero_at_all_and_no_forward()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Llama);
        using var engine = new InterventionEngine(weights, MatmulRoutes.Torch);
        var clean = RandomModels.Prompt(weights.Config, 9, 1);
        int[] corrupted = [.. clean[..6], (clean[6] + 1) % 41, .. clean[7..]];
        using var cleanRun = engine.RunBase([clean], [8], []);
        using var run = engine.RunBase([corrupted], [8], []);
        var metric = new ColumnMetric(41);
        var rows = from c in new[] { Component.ResidPre, Component.AttnOut, Component.MlpOut, Component.ResidMid, Component.ResidPost,
            Component.Z, Component.K, Component.MlpPost }
                   from layer in Enumerable.Range(0, 4)
                   from position in Enumerable.Range(0, 9)
                   select (Position: position, Row: new InterventionRow(0,
                       [new(new(layer, c, null), [position], cleanRun.Activation(c, layer, 0).narrow(0, position, 1))]));
        var all = rows.ToArray();
        var readings = engine.Evaluate(run, [.. all.Select(r => r.Row)], metric, default);
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].Position >= 6) continue;
            Assert.Equal(new RowReading(run.Readings(metric)[0], 0, 0, false), readings[i]);
        }
        Assert.Contains(readings, r => r.Recomputed && r.Metric != run.Readings(metric)[0]);
    }

    [Fact]
    public void What_the_metric_cannot_see_is_counted_but_not_computed()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Mistral with { SlidingWindows = [2, 2, 2, 2] });
        using var engine = new InterventionEngine(weights, MatmulRoutes.Torch);
        using var run = engine.RunBase([RandomModels.Prompt(weights.Config, 9, 1)], [7], []);
        var values = ones([1, 32], ScalarType.Float64);
        InterventionRow At(int layer, int position) => new(0, [new(new(layer, Component.ResidPre, null), [position], values)]);
        // Each layer's window of 2 lets the answer at 7 see one position further back.
        var readings = engine.Evaluate(run, [At(0, 8), At(3, 5), At(3, 6), At(0, 2), At(0, 3)], new ColumnMetric(41), default);
        Assert.Equal([false, false, true, false, true], readings.Select(r => r.Recomputed));
        Assert.All(readings, r => Assert.Equal(32, r.ChangedElements));
    }

    /// <summary>Counts what is computed: one token more would show.</summary>
    [Fact]
    public void Only_dirty_and_needed_tokens_are_computed()
    {
        using var scope = NewDisposeScope();
        var c = RandomModels.Gpt;
        using var weights = RandomModels.Weights(c);
        using var engine = new InterventionEngine(weights, MatmulRoutes.Packed);
        using var run = engine.RunBase([RandomModels.Prompt(c, 9, 1)], [7],
            [Component.AttnOut, Component.MlpOut, Component.MlpPost, Component.ResidMid, Component.Pattern]);
        run.Readings(new ColumnMetric(41));
        long d = c.ModelWidth, heads = c.Heads * c.HeadWidth;
        long q = 2 * d * heads, kv = 2 * q, o = q, mlpIn = 2 * d * c.MlpWidth, mlpOut = mlpIn, mlp = mlpIn + mlpOut;
        // Position 3 of 9, answer at 7: five tokens from the edit on; the last block needs keys and values of all, the rest at 7 only.
        var last = 5 * kv + q + o + mlp;
        var middle = 5 * (q + kv + o + mlp);
        void Costs(Component component, int layer, int position, long expected)
        {
            var width = component == Component.MlpPost ? c.MlpWidth : component == Component.Pattern ? 9 : d;
            var before = engine.Operations;
            Edit edit = new(new(layer, component, component == Component.Pattern ? 1 : null), [position],
                ones([1, width], ScalarType.Float64));
            engine.Evaluate(run, [new(0, [edit])], new ColumnMetric(41), default);
            Assert.Equal((component, layer, position, expected), (component, layer, position, engine.Operations - before));
        }
        Costs(Component.ResidPre, 0, 3, (q + kv) + 5 * (o + mlp) + middle + last);
        Costs(Component.ResidPre, 1, 3, (q + kv) + 5 * (o + mlp) + last);
        Costs(Component.ResidPre, 2, 3, kv + q * 0 + o + mlp);
        Costs(Component.ResidPre, 2, 7, kv + q + o + mlp);
        Costs(Component.ResidPost, 0, 3, (q + kv) + 5 * (o + mlp) + last);
        Costs(Component.ResidMid, 1, 3, mlp + kv + o + mlp);
        Costs(Component.AttnOut, 1, 3, mlp + kv + o + mlp);
        Costs(Component.MlpPost, 1, 3, mlpOut + kv + o + mlp);
        Costs(Component.MlpOut, 1, 3, kv + o + mlp);
        Costs(Component.Z, 1, 3, o + mlp + kv + o + mlp);
        Costs(Component.Q, 1, 3, o + mlp + kv + o + mlp);
        Costs(Component.K, 1, 3, 5 * (o + mlp) + last);
        Costs(Component.V, 2, 3, o + mlp);
        Costs(Component.Q, 2, 3, 0);
        Costs(Component.Pattern, 1, 3, o + mlp + kv + o + mlp);
        Costs(Component.ResidPost, 2, 7, 0);
        Costs(Component.ResidPre, 0, 8, 0);
        Costs(Component.MlpOut, 2, 6, 0);
    }

    [Fact]
    public void A_restored_token_is_clean_again()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Gpt);
        using var engine = new InterventionEngine(weights, MatmulRoutes.Torch);
        using var run = engine.RunBase([RandomModels.Prompt(weights.Config, 6, 1)], [5], []);
        var metric = new ColumnMetric(41);
        Edit noise = new(new(0, Component.ResidPre, null), [1], ones([1, 32], ScalarType.Float64));
        Edit restore = new(new(1, Component.ResidPre, null), null, run.Activation(Component.ResidPre, 1, 0));
        var reading = engine.Evaluate(run, [new(0, [noise, restore])], metric, default)[0];
        Assert.Equal(run.Readings(metric)[0], reading.Metric);
        Assert.False(reading.Recomputed);
        Assert.True(reading.ChangedElements > 32);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_head_that_writes_where_nothing_reads_has_an_effect_of_exactly_zero(bool rotated)
    {
        using var scope = NewDisposeScope();
        var config = RandomModels.AttentionOnly;
        using var weights = RandomModels.Weights(config);
        // Head 2 of layer 0 writes to the last eight dimensions only, which no later head and no logit reads.
        var block = weights.Blocks[0];
        block.Output.narrow(1, 16, 8).narrow(0, 0, 24).zero_();
        block.Output.narrow(1, 0, 16).narrow(0, 24, 8).zero_();
        block.Output.narrow(1, 24, 8).narrow(0, 24, 8).zero_();
        foreach (var later in weights.Blocks.Skip(1)) later.QueryKeyValue.narrow(1, 24, 8).zero_();
        weights.Unembedding.narrow(1, 24, 8).zero_();
        using var engine = new InterventionEngine(weights, MatmulRoutes.Packed);
        int[][] prompts = [.. Enumerable.Range(0, 5).Select(i => RandomModels.Prompt(config, 10, i))];
        using var run = engine.RunBase(prompts, [9, 9, 9, 9, 9], []);
        var metric = new ColumnMetric(config.Vocabulary);
        var value = rotated ? randn([10, 8], ScalarType.Float64) : zeros([10, 8], ScalarType.Float64);
        var readings = engine.Evaluate(run,
            [.. Enumerable.Range(0, 5).Select(p => new InterventionRow(p, [new(new(0, Component.Z, 2), null, value)]))], metric, default);
        Assert.Equal(run.Readings(metric), readings.Select(r => r.Metric));
        Assert.All(readings, r => Assert.Equal(80, r.ChangedElements));
    }

    [Fact]
    public void A_rows_bits_do_not_depend_on_the_engines_other_threads()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Llama, ScalarType.Float32);
        using var engine = new InterventionEngine(weights, MatmulRoutes.Torch);
        var random = new Random(5);
        int[][] prompts = [.. Enumerable.Range(0, 6).Select(i => RandomModels.Prompt(weights.Config, 11, i))];
        using var run = engine.RunBase(prompts, [.. prompts.Select(p => 10)], []);
        var rows = Enumerable.Range(0, 120).Select(_ => RandomRow(weights.Config, run, random)).ToArray();
        var metric = new AllLogitsMetric(41);
        var expected = engine.Evaluate(run, rows, metric, default);
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        engine.Evaluate(run, rows, metric, default);
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        using var fresh = engine.RunBase(prompts, [.. prompts.Select(p => 10)], []);
        var results = new RowReading[3][];
        var threads = Enumerable.Range(0, 3).Select(i => new Thread(() =>
        {
            set_num_threads(1);
            results[i] = engine.Evaluate(fresh, rows, metric, default);
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.All(results, r => Assert.Equal(results[0], r));
        Assert.Equal(expected.Length, results[0].Length);
    }

    [Fact]
    public void A_row_that_is_not_finite_is_named()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Gpt);
        using var engine = new InterventionEngine(weights, MatmulRoutes.Torch);
        using var run = engine.RunBase([[1, 2, 3]], [2], []);
        var good = new InterventionRow(0, [new(new(0, Component.ResidPre, null), [1], zeros([1, 32], ScalarType.Float64))]);
        InterventionRow Bad(double x) => new(0, [new(new(1, Component.MlpOut, null), [2], full([1, 32], x, ScalarType.Float64))]);
        foreach (var x in new[] { double.NaN, double.PositiveInfinity, 1e308 })
        {
            var exception = Assert.Throws<UnitException>(() => engine.Evaluate(run, [good, Bad(x)], new ColumnMetric(41), default));
            Assert.Equal(UnitFailureKind.Permanent, exception.Kind);
            Assert.Contains("row 1 (prompt 0, edited at blocks.1.hook_mlp_out) is not finite", exception.Message);
        }
    }

    [Fact]
    public void An_edit_that_does_not_fit_is_refused()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.AttentionOnly);
        using var engine = new InterventionEngine(weights, MatmulRoutes.Torch);
        using var run = engine.RunBase([[1, 2, 3]], [2], []);
        void Refused(string message, Edit edit) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(() =>
                engine.Evaluate(run, [new(0, [edit])], new ColumnMetric(41), default)).Message);
        var one = zeros([1, 32], ScalarType.Float64);
        Refused("the model has 3 layers", new(new(3, Component.ResidPre, null), [0], one));
        Refused("no MLP", new(new(0, Component.MlpOut, null), [0], one));
        Refused("head 4 of 4", new(new(0, Component.Z, 4), [0], one));
        Refused("positions must ascend", new(new(0, Component.ResidPre, null), [3], one));
        Refused("not [3, 32]", new(new(0, Component.ResidPre, null), null, one));
        Refused("values are Float32", new(new(0, Component.ResidPre, null), [0], one.to_type(ScalarType.Float32)));
    }

    private static string Describe(InterventionRow row) =>
        $"prompt {row.Prompt}: " + string.Join("; ", row.Edits.Select(e =>
            $"{e.Site.HookName} head {e.Site.Head} at {(e.Positions is null ? "all" : string.Join(",", e.Positions))}"));

    /// <summary>One to three edits of random sites, positions and values: noise, zero, the base itself, or the base with some rows
    /// changed.</summary>
    private static InterventionRow RandomRow(ModelConfig config, BaseRun run, Random random)
    {
        var prompt = random.Next(run.Prompts.Count);
        var length = run.Prompts[prompt].Length;
        Component[] components = [.. Enum.GetValues<Component>().Where(c =>
            config.HasMlp || c is not (Component.ResidMid or Component.MlpOut or Component.MlpPost))];
        var edits = Enumerable.Range(0, random.Next(4) switch { 3 => 3, 2 => 2, _ => 1 }).Select(_ =>
        {
            var (component, layer) = (components[random.Next(components.Length)], random.Next(config.Layers));
            int? head = component == Component.Pattern || (component.HasHeads() && random.Next(2) == 0)
                ? random.Next(component is Component.K or Component.V ? config.KeyValueHeads : config.Heads) : null;
            int[]? positions = random.Next(4) == 0 ? null : [.. Enumerable.Range(0, length).Where(_ => random.Next(2) == 0)];
            if (positions is { Length: 0 }) positions = [random.Next(length)];
            var current = run.Activation(component, layer, prompt);
            if (component == Component.Pattern) current = current[head!.Value];
            else if (head is { } h) current = current.narrow(1, (long)h * config.HeadWidth, config.HeadWidth);
            current = current.index_select(0, tensor((positions ?? [.. Enumerable.Range(0, length)]).Select(p => (long)p).ToArray()));
            using var generator = new Generator((ulong)random.Next());
            var noise = randn(current.shape, current.dtype, generator: generator);
            if (component == Component.Pattern) noise = random.Next(2) == 0 ? noise.softmax(-1) : noise.abs() * current;
            var value = random.Next(5) switch
            {
                0 => zeros_like(current),
                1 => current.clone(),
                2 => where(rand([current.shape[0], 1], generator: generator) < 0.5, current, noise),
                _ => noise,
            };
            return new Edit(new Site(layer, component, head), positions, value);
        }).ToArray();
        return new InterventionRow(prompt, edits);
    }
}
