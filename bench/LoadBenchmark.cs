using System.Diagnostics;
using System.Text.Json.Nodes;
using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Bench;

/// <summary>
/// Time and peak memory of loading a model: random weights of GPT-2 small's shape written as safetensors, or the model that the
/// environment variable <c>INTERP_BENCH_MODEL</c> names.
/// </summary>
public sealed class LoadBenchmark : IBenchmark
{
    public string Name => "load";

    public string Summary => "time and peak memory of loading a model, over its size in the run's dtype";

    public JsonObject Run(BenchmarkOptions options)
    {
        torch.set_num_threads(options.Threads);
        using var folder = new TemporaryFolder();
        var location = Environment.GetEnvironmentVariable("INTERP_BENCH_MODEL") is { Length: > 0 } named
            ? ModelLoader.Locate(named, ".")
            : ModelLoader.Locate(WriteGpt2(folder.Path, layers: options.Quick ? 4 : 12), ".");
        var parameters = ModelLoader.Inspect(location).Parameters;
        var figures = new JsonObject { ["parameters"] = parameters };
        Console.WriteLine($"{location.Path}: {parameters:N0} parameters");
        Console.WriteLine($"{"dtype",-6} {"processing",-11} {"seconds",8}"
            + $" {"peak MiB",9} {"size MiB",9} {"peak/size",9} {"process/size",12}");
        foreach (var (type, word) in new[] { (ScalarType.Float32, "fp32"), (ScalarType.Float64, "fp64") })
            foreach (var processing in Enum.GetValues<WeightProcessing>())
            {
                GC.Collect();
                var before = ProcessMemory.Resident();
                var watched = ProcessMemory.ResetPeak();
                var watch = Stopwatch.StartNew();
                long size;
                using (var weights = ModelLoader.LoadWeights(location, type, processing))
                    size = weights.Tensors().Sum(t => t.NumberOfElements * t.ElementSize);
                var seconds = watch.Elapsed.TotalSeconds;
                var peak = ProcessMemory.Peak();
                var key = $"{word}_{processing.ToString().ToLowerInvariant()}";
                figures[$"seconds_{key}"] = seconds;
                var ratio = watched ? (double)(peak - before) / size : double.NaN;
                figures[$"peak_over_size_{key}"] = ratio;
                figures[$"process_peak_over_size_{key}"] = (double)peak / size;
                Console.WriteLine(FormattableString.Invariant(
                    $"{word,-6} {processing,-11} {seconds,8:f2} {(peak - before) / 1048576.0,9:f0} {size / 1048576.0,9:f0} ")
                    + FormattableString.Invariant($"{ratio,9:f3} {(double)peak / size,12:f3}"));
            }
        return figures;
    }

    private static string WriteGpt2(string folder, int layers)
    {
        const int width = 768, context = 1024, vocabulary = 50257;
        File.WriteAllText(Path.Combine(folder, "config.json"), FormattableString.Invariant(
            $$"""
            {"model_type":"gpt2","n_embd":{{width}},"n_head":12,"n_layer":{{layers}},"n_positions":{{context}},
            "vocab_size":{{vocabulary}}}
            """));
        using var scope = NewDisposeScope();
        Tensor Random(params long[] shape) => torch.randn(shape) * 0.02;
        var tensors = new List<(string, Tensor)>
        {
            ("wte.weight", Random(vocabulary, width)), ("wpe.weight", Random(context, width)), ("ln_f.weight", torch.ones(width)),
                ("ln_f.bias", Random(width)),
        };
        (string, int, int)[] matrices =
            [("attn.c_attn", width, 3 * width), ("attn.c_proj", width, width),
             ("mlp.c_fc", width, 4 * width), ("mlp.c_proj", 4 * width, width)];
        for (var layer = 0; layer < layers; layer++)
            foreach (var (name, inputs, outputs) in matrices)
            {
                tensors.Add(($"h.{layer}.{name}.weight", Random(inputs, outputs)));
                tensors.Add(($"h.{layer}.{name}.bias", Random(outputs)));
            }
        foreach (var layer in Enumerable.Range(0, layers))
            foreach (var norm in new[] { "ln_1", "ln_2" })
            {
                tensors.Add(($"h.{layer}.{norm}.weight", torch.ones(width)));
                tensors.Add(($"h.{layer}.{norm}.bias", Random(width)));
            }
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors);
        return folder;
    }
}
