using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Compute.Interventions;
using InterpActors.Compute.Interventions.Kernels;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Models;
using InterpActors.Compute.Tasks;
using InterpActors.Compute.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Bench;

/// <summary>
/// A resid_pre denoising sweep at GPT-2 small's shape with random weights, fp32, logit difference: our engine against a plain loop that
/// runs one full forward of the whole batch per patch, all logits, with torch's ordinary matmuls. Pairs differ at their first token, so
/// that no prefix is skipped; a second set differs late, as IOI pairs do.
/// </summary>
public sealed class SweepBenchmark : IBenchmark
{
    private static readonly ModelConfig Gpt2Small = new("gpt2", "gpt2-small shape", 12, 12, 12, 64, 768, 3072, 1024, 50257,
        NormKind.LayerNorm, 1e-5,
        ActivationKind.GeluTanh, false, PositionKind.Learned, null, 0.125, [.. new int?[12]]);

    private const int IoiDifference = 9;

    public string Name => "sweep";

    public string Summary => "patching sweep: a plain forward per patch over the fast path, and its share of the matmul rate";

    public JsonObject Run(BenchmarkOptions options)
    {
        set_num_threads(options.Threads);
        using var noGradient = inference_mode();
        using var scope = NewDisposeScope();
        using var weights = RandomWeights(Gpt2Small);
        using var plain = new HookedTransformer(weights);
        var calibrated = MatmulRoutes.Calibrate(Gpt2Small, ScalarType.Float32, options.Threads);
        using var fast = new InterventionEngine(weights, calibrated);
        using var torchOnly = new InterventionEngine(weights, MatmulRoutes.Torch);
        Console.WriteLine($"{Gpt2Small.Name}, fp32, {options.Threads} thread(s), matmul by calibration: {calibrated}");
        var figures = new JsonObject { ["threads"] = options.Threads, ["matmul"] = calibrated.ToString() };

        var best = BestMatmul(options.Threads);
        figures["best_matmul_gflops"] = best;
        Console.WriteLine(FormattableString.Invariant($"best matmul rate found: {best:f0} GFLOP/s"));
        Console.WriteLine($"{"",-18} {"ms per patch",29} {"speed-up (min median max)",36} {"with torch",11} {"",8} {"largest",9}");
        Console.WriteLine($"{"prompts x tokens",-18} {"plain",9} {"fast",9} {"torch",9} {"",36} {"matmuls",11} {"GFLOP/s",8} {"error",9}");
        foreach (var (prompts, tokens) in new[] { (8, 15), (1, 15), (8, 128) })
        {
            var sweep = new Sweep(prompts, tokens, 0, options.Quick);
            var rounds = options.Quick ? tokens > 64 ? 2 : 3 : 7;
            Case(figures, sweep, rounds, plain, fast, torchOnly, best);
        }
        EqualPrefixes(figures, fast, options.Quick ? 3 : 7);
        return figures;
    }

    private static void Case(JsonObject figures, Sweep sweep, int rounds, HookedTransformer plain, InterventionEngine fast,
        InterventionEngine torchOnly, double best)
    {
        var name = $"{sweep.Prompts}x{sweep.Tokens}";
        using var fastRuns = sweep.Base(fast);
        using var torchRuns = sweep.Base(torchOnly);
        var patch = sweep.PlainPatches(rounds)[0];
        PlainPatch(plain, fastRuns, sweep, patch);
        fastRuns.Layer(fast, sweep.Layers[^1]);
        torchRuns.Layer(torchOnly, sweep.Layers[^1]);

        List<double> plainTimes = [], fastTimes = [], torchTimes = [], rates = [];
        var error = 0.0;
        for (var round = 0; round < rounds; round++)
        {
            patch = sweep.PlainPatches(rounds)[round];
            var watch = Stopwatch.StartNew();
            var expected = PlainPatch(plain, fastRuns, sweep, patch);
            plainTimes.Add(watch.Elapsed.TotalMilliseconds);

            var before = fast.Operations;
            watch.Restart();
            var readings = sweep.Layers.ToDictionary(l => l, l => fastRuns.Layer(fast, l));
            var seconds = watch.Elapsed.TotalSeconds;
            fastTimes.Add(1000 * seconds / sweep.Patches);
            rates.Add((fast.Operations - before) / seconds / 1e9);

            watch.Restart();
            foreach (var layer in sweep.Layers) torchRuns.Layer(torchOnly, layer);
            torchTimes.Add(watch.Elapsed.TotalMilliseconds / sweep.Patches);
            error = Math.Max(error, Math.Abs(expected - readings[patch.Layer][sweep.IndexOf(patch.Position)]));
        }
        var speedups = plainTimes.Zip(fastTimes, (p, f) => p / f).Order().ToArray();
        var sameMatmul = plainTimes.Zip(torchTimes, (p, t) => p / t).Order().ToArray();
        var rate = Median([.. rates.Order()]);
        Spread(figures, $"speedup_{name}", speedups);
        Spread(figures, $"speedup_same_matmul_{name}", sameMatmul);
        figures[$"milliseconds_per_patch_{name}"] = Median([.. fastTimes.Order()]);
        figures[$"milliseconds_per_patch_plain_{name}"] = Median([.. plainTimes.Order()]);
        figures[$"gflops_{name}"] = rate;
        figures[$"matmul_fraction_{name}"] = rate / best;
        figures[$"largest_error_{name}"] = error;
        var spread = FormattableString.Invariant($"{speedups[0]:f1} {Median(speedups):f1} {speedups[^1]:f1}");
        var (slow, quick, torch) = (Median([.. plainTimes.Order()]), Median([.. fastTimes.Order()]), Median([.. torchTimes.Order()]));
        Console.WriteLine(FormattableString.Invariant(
            $"{name,-18} {slow,9:f1} {quick,9:f2} {torch,9:f2} {spread,36} {Median(sameMatmul),10:f1}x {rate,8:f0} {error,9:e1}"));
    }

    /// <summary>What is saved where pairs agree up to a late token.</summary>
    private static void EqualPrefixes(JsonObject figures, InterventionEngine fast, int rounds)
    {
        var (early, late) = (new Sweep(8, 15, 0, true), new Sweep(8, 15, IoiDifference, true));
        using var earlyRuns = early.Base(fast);
        using var lateRuns = late.Base(fast);
        var gains = new List<double>();
        for (var round = 0; round <= rounds; round++)
        {
            var watch = Stopwatch.StartNew();
            foreach (var layer in early.Layers) earlyRuns.Layer(fast, layer);
            var whole = watch.Elapsed.TotalSeconds;
            watch.Restart();
            foreach (var layer in late.Layers) lateRuns.Layer(fast, layer);
            if (round > 0) gains.Add(whole / watch.Elapsed.TotalSeconds);
        }
        Spread(figures, "equal_prefix_gain_8x15", [.. gains.Order()]);
        var gain = Median([.. gains.Order()]);
        Console.WriteLine(FormattableString.Invariant(
            $"pairs that agree up to token {IoiDifference} of 15, as IOI pairs do: another {gain:f1}x"));
    }

    private static double PlainPatch(HookedTransformer model, Runs runs, Sweep sweep, (int Layer, int Position) patch)
    {
        using var scope = NewDisposeScope();
        var clean = stack([.. Enumerable.Range(0, sweep.Prompts).Select(p =>
            runs.Clean.Activation(Component.ResidPre, patch.Layer, p)[patch.Position])]);
        var hooks = new HookSet().Write(Component.ResidPre.HookName(patch.Layer), x =>
        {
            var patched = x.clone();
            patched.select(1, patch.Position).copy_(clean);
            return patched;
        });
        var logits = model.Forward(runs.CorruptedTokens, hooks);
        return Enumerable.Range(0, sweep.Prompts).Average(p =>
            (logits[p, -1, sweep.Pairs[p].Answers[0]] - logits[p, -1, sweep.Pairs[p].Wrong[0]]).ToDouble());
    }

    /// <summary>The highest rate of any route at the model's shapes.</summary>
    private static unsafe double BestMatmul(int threads)
    {
        const int tokens = 1024;
        var best = 0.0;
        foreach (var (outputs, inputs) in new[] { (2304, 768), (768, 768), (3072, 768), (768, 3072) })
        {
            using var scope = NewDisposeScope();
            var (x, weight, output) = (ones([tokens, inputs]), ones([outputs, inputs]), empty([tokens, outputs]));
            var (from, to) = (TensorMemory.Address(x), TensorMemory.Address(output));
            using var packed = new PackedWeight<float>((float*)TensorMemory.Address(weight), outputs, inputs);
            for (var round = 0; round < 5; round++)
                foreach (var route in Enum.GetValues<MatmulRoute>())
                {
                    using var inner = NewDisposeScope();
                    var watch = Stopwatch.StartNew();
                    if (route == MatmulRoute.Packed) packed.Multiply((float*)from, tokens, null, (float*)to, 0, outputs, threads);
                    else LinearLayer.Apply(x, weight, null, route);
                    best = Math.Max(best, 2.0 * tokens * outputs * inputs / watch.Elapsed.TotalSeconds / 1e9);
                }
        }
        return best;
    }

    private static double Median(double[] sorted) =>
        sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;

    /// <summary>The median under its name, least and greatest beside it.</summary>
    private static void Spread(JsonObject figures, string name, double[] sorted)
    {
        figures[name] = Median(sorted);
        figures[name + "_min"] = sorted[0];
        figures[name + "_max"] = sorted[^1];
    }

    private static ModelWeights RandomWeights(ModelConfig c)
    {
        using var generator = new Generator(1);
        Tensor Random(params long[] shape) => (randn(shape, generator: generator) * 0.02).DetachFromDisposeScope();
        Tensor Zeros(long width) => zeros(width).DetachFromDisposeScope();
        Tensor Ones() => ones(c.ModelWidth).DetachFromDisposeScope();
        var embedding = Random(c.Vocabulary, c.ModelWidth);
        return new ModelWeights(c, ScalarType.Float32, WeightProcessing.None, embedding, Random(c.ContextLength, c.ModelWidth),
            [.. Enumerable.Range(0, c.Layers).Select(_ =>
                new BlockWeights(Ones(), Zeros(c.ModelWidth), Random(3 * c.ModelWidth, c.ModelWidth), Zeros(3 * c.ModelWidth),
                Random(c.ModelWidth, c.ModelWidth), Zeros(c.ModelWidth), Ones(), Zeros(c.ModelWidth),
                Random(c.MlpWidth, c.ModelWidth), Zeros(c.MlpWidth), Random(c.ModelWidth, c.MlpWidth), Zeros(c.ModelWidth)))],
            Ones(), Zeros(c.ModelWidth), embedding, null);
    }

    /// <summary>The patches of one case. A quick one takes evenly spaced layers and positions with the same mean cost.</summary>
    private sealed class Sweep
    {
        private readonly int[] _positions;

        /// <param name="difference">The first position at which a pair differs.</param>
        public Sweep(int prompts, int tokens, int difference, bool quick)
        {
            (Prompts, Tokens) = (prompts, tokens);
            var random = new Random(tokens);
            Pairs = [.. Enumerable.Range(0, prompts).Select(p =>
            {
                int[] clean = [.. Enumerable.Range(0, tokens).Select(_ => random.Next(Gpt2Small.Vocabulary))];
                int[] corrupted = [.. clean];
                corrupted[difference] = (clean[difference] + 1) % Gpt2Small.Vocabulary;
                return new PromptPair(p.ToString(CultureInfo.InvariantCulture), null, clean, corrupted, [random.Next(Gpt2Small.Vocabulary)],
                    [random.Next(Gpt2Small.Vocabulary)], new Dictionary<string, int[]>());
            })];
            Layers = quick ? [4, 7] : [.. Enumerable.Range(0, Gpt2Small.Layers)];
            var step = tokens <= 15 ? 1 : tokens / (quick ? 4 : 8);
            _positions = [.. Enumerable.Range(0, tokens / step).Select(i => i * step + (step - 1) / 2)];
        }

        public int Prompts { get; }
        public int Tokens { get; }
        public PromptPair[] Pairs { get; }
        public int[] Layers { get; }
        public int Patches => Layers.Length * _positions.Length;

        public int IndexOf(int position) => Array.IndexOf(_positions, position);

        /// <summary>A plain forward costs the same wherever it is patched; a few of them, spread out, stand for all.</summary>
        public (int Layer, int Position)[] PlainPatches(int rounds) =>
            [.. Enumerable.Range(0, rounds).Select(i => (Layers[i % Layers.Length], _positions[i * _positions.Length / rounds]))];

        public Runs Base(InterventionEngine engine) => new(engine, this, _positions);
    }

    /// <summary>The base runs of one case in one engine.</summary>
    private sealed class Runs : IDisposable
    {
        private readonly Sweep _sweep;
        private readonly int[] _positions;
        private readonly LogitDifference _metric;
        private readonly BaseRun _corrupted;

        public Runs(InterventionEngine engine, Sweep sweep, int[] positions)
        {
            (_sweep, _positions, _metric) = (sweep, positions, new LogitDifference(sweep.Pairs));
            int[] answers = [.. sweep.Pairs.Select(p => sweep.Tokens - 1)];
            Clean = engine.RunBase([.. sweep.Pairs.Select(p => p.Clean)], answers, []);
            _corrupted = engine.RunBase([.. sweep.Pairs.Select(p => p.Corrupted!)], answers, []);
            CorruptedTokens = tensor(sweep.Pairs.SelectMany(p => p.Corrupted!.Select(t => (long)t)).ToArray(),
                [sweep.Prompts, sweep.Tokens], ScalarType.Int64);
        }

        public BaseRun Clean { get; }
        public Tensor CorruptedTokens { get; }

        /// <summary>All patches of one layer, as a study's unit computes them: mean metric per position.</summary>
        public double[] Layer(InterventionEngine engine, int layer)
        {
            using var scope = NewDisposeScope();
            var rows = from position in _positions
                       from p in Enumerable.Range(0, _sweep.Prompts)
                       let value = Clean.Activation(Component.ResidPre, layer, p).narrow(0, position, 1)
                       select new InterventionRow(p, [new Edit(new Site(layer, Component.ResidPre, null), [position], value)]);
            var readings = engine.Evaluate(_corrupted, [.. rows], _metric, default);
            return [.. readings.Chunk(_sweep.Prompts).Select(c => c.Average(r => r.Metric))];
        }

        public void Dispose()
        {
            Clean.Dispose();
            _corrupted.Dispose();
            CorruptedTokens.Dispose();
        }
    }
}
