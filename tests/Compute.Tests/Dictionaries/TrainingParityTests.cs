using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries.Training;
using InterpActors.Compute.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Dictionaries;

/// <summary>Training from given weights on given batches, in float64, against numbers of SAELens' own trainer.</summary>
public sealed class TrainingParityTests
{
    private static readonly string Root = TestData.Path("dictionaries-training");

    public static TheoryData<string> Cases { get; } =
        [.. Directory.GetDirectories(Root).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Losses_gradients_and_weights_are_those_of_SAELens(string name)
    {
        using var scope = NewDisposeScope();
        var @case = TrainingCase.Read(Path.Combine(Root, name));
        using var trainer = new DenseTrainer(@case.Plan, @case.Initial());
        Check(@case, trainer, name.StartsWith("jumprelu", StringComparison.Ordinal) ? 1e-6 : 1e-9);
    }

    internal static void Check(TrainingCase @case, IDictionaryTrainer trainer, double tolerance)
    {
        using var batches = SafetensorsFile.Open(Path.Combine(Root, "batches.safetensors"));
        using var expected = SafetensorsFile.Open(Path.Combine(@case.Folder, "expected.safetensors"));
        var rows = batches.Read("batches");
        var log = File.ReadAllLines(Path.Combine(@case.Folder, "losses.csv")).Select(l => l.Split(',')).ToArray();
        var plan = trainer.Plan;
        var steps = (int)Math.Min(rows.shape[0] - @case.FirstBatch, plan.LearningRate.Steps);
        Assert.True(steps >= 10);
        for (var step = 0; step < steps; step++)
        {
            using var inner = NewDisposeScope();
            var report = trainer.Train(rows[@case.FirstBatch + step]);
            double Logged(string column) => double.Parse(log[step + 1][Array.IndexOf(log[0], column)], CultureInfo.InvariantCulture);
            Close(Logged("loss"), report.Loss);
            foreach (var (term, value) in plan.Architecture.LossTerms.Zip(report.Terms)) Close(Logged(term), value);
            Close(Logged("lr"), report.LearningRate);
            Close(Logged("coefficient"), report.Coefficient);
            Close(Logged("grad_norm"), report.GradientNorm);
            Assert.Equal(Logged("dead"), report.Dead);
            Assert.Equal(Logged("l0"), report.L0);
            if (report.Threshold is { } threshold)
                Close(Math.Max(Logged("threshold"), Logged("threshold_mean")), threshold);
            if (step == 0)
                foreach (var parameter in plan.Trained)
                {
                    // The first mean of Adam is the clipped gradient times 1 − β₁.
                    var scale = Math.Min(1, 1 / (report.GradientNorm + 1e-6)) * (1 - plan.Adam.Beta1);
                    Near(expected.Read("grad0/" + parameter), trainer.State.FirstMoments[parameter] / scale, "gradient of " + parameter);
                }
            foreach (var parameter in plan.Trained)
                if (expected.Tensors.ContainsKey($"weights/{step + 1}/{parameter}"))
                    Near(expected.Read($"weights/{step + 1}/{parameter}"), trainer.State.Weights[parameter],
                        $"{parameter} after {step + 1}");
        }
        if (steps == plan.LearningRate.Steps) CheckEnd(@case, trainer, expected, Near);

        void Close(double want, double got) => Assert.InRange(Math.Abs(want - got), 0, tolerance * Math.Max(1e-9, Math.Abs(want)));

        void Near(Tensor want, Tensor got, string what)
        {
            var difference = (want.to_type(ScalarType.Float64) - got.to_type(ScalarType.Float64)).abs().max().ToDouble();
            var largest = want.abs().max().ToDouble();
            Assert.True(difference <= tolerance * largest, $"{what}: {difference} of {largest}");
        }
    }

    /// <summary>Counters and the saved dictionary, where the whole run is there.</summary>
    private static void CheckEnd(TrainingCase @case, IDictionaryTrainer trainer, SafetensorsFile expected,
        Action<Tensor, Tensor, string> near)
    {
        near(expected.Read("n_forward_passes_since_fired"), trainer.State.SinceFired, "steps since fired");
        near(expected.Read("act_freq_scores"), trainer.State.Fired, "times fired");
        using var dictionary = TrainedDictionary.Of(trainer.Plan, trainer.State,
            @case.Scaled ? DataScaling.MeanNorm : DataScaling.None, new JsonObject());
        var encoding = dictionary.Encode(expected.Read("probe_x"));
        near(expected.Read("probe_acts"), encoding.Activations, "codes");
        near(expected.Read("probe_recon"), dictionary.Decode(encoding.Activations, encoding.Frame), "reconstructions");
        Assert.True(encoding.Activations.ne(0).Equals(expected.Read("probe_acts").ne(0)));
        if (!Directory.Exists(Path.Combine(@case.Folder, "sae"))) return;
        using var saved = SafetensorsFile.Open(Path.Combine(@case.Folder, "sae", "sae_weights.safetensors"));
        Assert.Equal(saved.Names.Order(StringComparer.Ordinal), dictionary.Weights.All.Select(w => w.Name));
        foreach (var (name, tensor) in dictionary.Weights.All) near(saved.Read(name), tensor, "saved " + name);
    }
}
