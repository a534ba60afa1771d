using System.Diagnostics;
using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Compute.Dictionaries.Training;
using InterpActors.Compute.Interventions.Kernels;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Bench;

/// <summary>
/// Training steps of sparse autoencoders at d_in 576, 8x expansion, k 100, fp32, on random activations: our kernels against the dense step
/// by torch, in turn in one process. At the start of a run no latent is dead and half of a standard SAE's codes are not 0.
/// </summary>
public sealed class SaeBenchmark : IBenchmark
{
    private const int Width = 576, Latents = 8 * Width, K = 100;

    public string Name => "sae";

    public string Summary => "SAE training: tokens/s of our step, over the dense step by torch, and its share of the matmul rate";

    public JsonObject Run(BenchmarkOptions options)
    {
        set_num_threads(options.Threads);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var (rows, rounds) = options.Quick ? (4096, 3) : (4096, 7);
        var figures = new JsonObject { ["threads"] = options.Threads, ["batch"] = rows, ["d_in"] = Width, ["d_sae"] = Latents };
        Console.WriteLine(FormattableString.Invariant(
            $"{Width} x {Latents}, k {K}, {rows} rows, fp32, {options.Threads} thread(s)"));
        var batches = Enumerable.Range(0, 4).Select(_ => randn([rows, Width])).ToArray();
        foreach (var (name, architecture) in new (string, ITrainableArchitecture)[]
        {
            ("standard", new StandardArchitecture(true)),
            ("topk", new TopKArchitecture(true, K, true)),
            ("batchtopk", new BatchTopKArchitecture(true, K, true)),
        })
            Case(figures, name, architecture, batches, rounds, options);
        SaeSweep.Measure(figures, options);
        return figures;
    }

    private static void Case(JsonObject figures, string name, ITrainableArchitecture architecture, Tensor[] batches, int rounds,
        BenchmarkOptions options)
    {
        var plan = new TrainingPlan(architecture, new DictionarySizes(Width, Latents, Width), ScalarType.Float32,
            new LearningRateSchedule(3e-4, false, 3e-5, 0, 0, 1_000_000), 1000);
        using var fast = DictionaryTrainers.Create(plan, TrainingState.Random(plan, 0), options.Threads);
        using var alone = options.Threads > 1 ? DictionaryTrainers.Create(plan, TrainingState.Random(plan, 0), 1) : null;
        using var dense = new DenseTrainer(plan, TrainingState.Random(plan, 0));
        figures[$"memory_growth_megabytes_{name}"] = MemoryGrowth(fast, batches);
        if (alone is not null) MemoryGrowth(alone, batches);
        dense.Train(batches[0]);
        var rows = (int)batches[0].shape[0];
        List<double> rates = [], plain = [], ratios = [], work = [], scaling = [];
        var best = 0.0;
        for (var round = 0; round < rounds; round++)
        {
            var (seconds, pairs) = Steps(fast, batches, round);
            rates.Add(rows / seconds);
            if (alone is not null) scaling.Add(Steps(alone, batches, round).Seconds / seconds);
            // One matmul to encode; decoding and two gradients cost 2 d a pair each, and so does the gradient of the code.
            var dense5 = architecture is StandardArchitecture && pairs > 0.2 * rows * Latents;
            var operations = dense5 ? 10.0 * rows * Width * Latents : 2.0 * rows * Width * Latents + 8.0 * Width * pairs;
            work.Add(operations / seconds / 1e9);
            best = Math.Max(best, BestMatmul(options.Threads));
            var start = Stopwatch.GetTimestamp();
            dense.Train(batches[round % batches.Length]);
            plain.Add(rows / Stopwatch.GetElapsedTime(start).TotalSeconds);
            ratios.Add(rates[^1] / plain[^1]);
        }
        figures.AddFigure($"tokens_per_second_{name}", rates);
        figures.AddFigure($"tokens_per_second_dense_{name}", plain);
        figures.AddFigure($"ratio_to_dense_{name}", ratios);
        figures.AddFigure($"matmul_fraction_{name}", work.Select(w => w / best));
        figures[$"best_matmul_gflops_{name}"] = best;
        if (alone is null) return;
        figures.AddFigure($"times_one_thread_{name}", scaling);
        figures[$"bits_of_one_thread_{name}"] = HasBitsOf(fast.State, alone.State);
    }

    /// <summary>Three steps.</summary>
    /// <returns>Of one step: its time, and its codes that are not 0.</returns>
    private static (double Seconds, double Pairs) Steps(IDictionaryTrainer trainer, Tensor[] batches, int round)
    {
        const int steps = 3;
        var start = Stopwatch.GetTimestamp();
        var pairs = 0.0;
        for (var step = 0; step < steps; step++)
        {
            var batch = batches[(round + step) % batches.Length];
            pairs += trainer.Train(batch).L0 * batch.shape[0];
        }
        return (Stopwatch.GetElapsedTime(start).TotalSeconds / steps, pairs / steps);
    }

    private static bool HasBitsOf(TrainingState some, TrainingState other) =>
        Same(some.Weights, other.Weights) && Same(some.FirstMoments, other.FirstMoments) && Same(some.SecondMoments, other.SecondMoments);

    private static bool Same(DictionaryWeights some, DictionaryWeights other) =>
        some.All.All(t => t.Tensor.eq(other[t.Name]).all().item<bool>());

    /// <summary>What four steps after the first two add to the process.</summary>
    private static double MemoryGrowth(IDictionaryTrainer trainer, Tensor[] batches)
    {
        for (var step = 0; step < 2; step++) trainer.Train(batches[step]);
        var before = Environment.WorkingSet;
        for (var step = 0; step < 4; step++) trainer.Train(batches[step]);
        return (Environment.WorkingSet - before) / 1e6;
    }

    /// <summary>The better of torch's matmul and ours at the encoder's shape.</summary>
    private static unsafe double BestMatmul(int threads)
    {
        using var scope = NewDisposeScope();
        const int rows = 1024;
        var (x, weight, output) = (randn([rows, Width]), randn([Latents, Width]), empty([rows, Latents]));
        var (from, to) = (TensorMemory.Address(x), TensorMemory.Address(output));
        using var packed = new PackedWeight<float>((float*)TensorMemory.Address(weight), Latents, Width);
        var best = 0.0;
        for (var round = 0; round < 3; round++)
        {
            var start = Stopwatch.GetTimestamp();
            packed.Multiply((float*)from, rows, null, (float*)to, 0, Latents, threads);
            best = Math.Max(best, Rate(start));
            using var inner = NewDisposeScope();
            start = Stopwatch.GetTimestamp();
            x.matmul(weight.t());
            best = Math.Max(best, Rate(start));
        }
        return best;

        static double Rate(long start) => 2.0 * rows * Width * Latents / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }
}
