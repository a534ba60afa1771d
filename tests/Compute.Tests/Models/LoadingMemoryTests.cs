using System.Globalization;
using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Models;

/// <summary>Measures the whole process, so nothing else may run at the same time.</summary>
[CollectionDefinition(nameof(LoadingMemoryTests), DisableParallelization = true)]
[Collection(nameof(LoadingMemoryTests))]
public sealed class LoadingMemoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loading-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(WeightProcessing.None)]
    [InlineData(WeightProcessing.Folded)]
    public void Peak_memory_stays_below_one_point_three_models(WeightProcessing processing)
    {
        // Only Linux tells the peak, and lets it be reset.
        if (!OperatingSystem.IsLinux() || !CanReset()) return;
        WriteModel();
        var location = ModelLoader.Locate(_folder, ".");
        ModelLoader.LoadWeights(location, ScalarType.Float32, processing).Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.True(CanReset());
        var before = Field("VmRSS:");
        using var weights = ModelLoader.LoadWeights(location, ScalarType.Float64, processing);
        var size = weights.Tensors().Sum(t => t.NumberOfElements * t.ElementSize);
        Assert.True(size > 100 << 20);
        Assert.InRange(Field("VmHWM:") - before, 0, 1.3 * size);
    }

    /// <summary>A wide gpt2 whose largest matrix is a fifth of it and whose matrices are all transposed while loading.</summary>
    private void WriteModel()
    {
        const int width = 512, layers = 4, vocabulary = 4096;
        File.WriteAllText(Path.Combine(_folder, "config.json"),
            FormattableString.Invariant($$"""
            {"model_type":"gpt2","n_embd":{{width}},"n_head":8,"n_layer":{{layers}},"n_positions":64,"vocab_size":{{vocabulary}}}
            """));
        using var scope = NewDisposeScope();
        var tensors = new List<(string, Tensor)>();
        void Add(string name, params long[] shape) => tensors.Add((name, randn(shape) * 0.02));
        Add("wte.weight", vocabulary, width);
        Add("wpe.weight", 64, width);
        foreach (var norm in Enumerable.Range(0, layers).SelectMany(l => new[] { $"h.{l}.ln_1", $"h.{l}.ln_2" }).Append("ln_f"))
        {
            Add(norm + ".weight", width);
            Add(norm + ".bias", width);
        }
        (string, int, int)[] matrices =
            [("attn.c_attn", width, 3 * width), ("attn.c_proj", width, width),
             ("mlp.c_fc", width, 4 * width), ("mlp.c_proj", 4 * width, width)];
        for (var layer = 0; layer < layers; layer++)
            foreach (var (name, inputs, outputs) in matrices)
            {
                Add($"h.{layer}.{name}.weight", inputs, outputs);
                Add($"h.{layer}.{name}.bias", outputs);
            }
        SafetensorsWriter.Write(Path.Combine(_folder, "model.safetensors"), tensors);
    }

    private static bool CanReset()
    {
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static long Field(string name) => 1024 * long.Parse(
        File.ReadLines("/proc/self/status").First(l => l.StartsWith(name, StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
