using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Compute.Dictionaries.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Dictionaries;

/// <summary>The fast kernels against the dense formulas, and their bits against themselves.</summary>
public sealed class FastTrainerTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("fast-").FullName;

    public static TheoryData<string> Cases { get; } = [.. Directory.GetDirectories(TestData.Path("dictionaries-training"))
        .Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)
        .Where(c => c.StartsWith("standard", StringComparison.Ordinal) || c.StartsWith("topk", StringComparison.Ordinal)
            || c.StartsWith("batchtopk", StringComparison.Ordinal))];

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Losses_gradients_and_weights_are_those_of_SAELens(string name)
    {
        using var scope = NewDisposeScope();
        var @case = TrainingCase.Read(TestData.Path(Path.Combine("dictionaries-training", name)));
        using var trainer = DictionaryTrainers.Create(@case.Plan, @case.Initial(), 1);
        Assert.IsType<FastTrainer<double>>(trainer);
        TrainingParityTests.Check(@case, trainer, 1e-9);
    }

    [Theory]
    [InlineData("standard", 37, 101, 67)]
    [InlineData("standard-sparse", 37, 101, 67)]
    [InlineData("standard", 64, 128, 200)]
    [InlineData("topk", 37, 101, 67)]
    [InlineData("topk-unscaled", 16, 250, 193)]
    [InlineData("topk-annealed", 37, 101, 67)]
    [InlineData("batchtopk-annealed", 37, 101, 67)]
    [InlineData("batchtopk", 37, 101, 67)]
    [InlineData("batchtopk-unscaled", 16, 250, 193)]
    public void A_step_is_the_dense_step(string name, int width, int latents, int rows)
    {
        using var scope = NewDisposeScope();
        foreach (var type in new[] { ScalarType.Float64, ScalarType.Float32 })
        {
            var plan = Plan(name, width, latents, type);
            using var dense = new DenseTrainer(plan, Start(plan, name));
            using var fast = DictionaryTrainers.Create(plan, Start(plan, name), 1);
            using var generator = new Generator(5);
            var tolerance = type == ScalarType.Float64 ? 1e-11 : 2e-4;
            for (var step = 0; step < 8; step++)
            {
                var batch = randn([rows, width], generator: generator) + 0.3;
                var (want, got) = (dense.Train(batch), fast.Train(batch));
                foreach (var (a, b) in want.Terms.Zip(got.Terms)) Assert.InRange(Math.Abs(a - b), 0, tolerance * Math.Max(1, Math.Abs(a)));
                Assert.InRange(Math.Abs(want.GradientNorm / got.GradientNorm - 1), 0, tolerance);
                Assert.Equal(want.Dead, got.Dead);
                if (type == ScalarType.Float64) Assert.Equal(want.L0, got.L0);
                if (step > 4 && !name.StartsWith("standard", StringComparison.Ordinal)) Assert.True(want.Dead > 0 && want.Terms[1] > 0);
                if (want.Threshold is { } threshold) Assert.InRange(Math.Abs(threshold - got.Threshold!.Value), 0, tolerance);
            }
            foreach (var (parameter, tensor) in dense.State.Weights.All)
                Assert.InRange((tensor - fast.State.Weights[parameter]).abs().max().ToDouble(), 0, tolerance);
            if (type != ScalarType.Float64) continue;
            Assert.True(dense.State.SinceFired.Equals(fast.State.SinceFired));
            Assert.True(dense.State.Fired.Equals(fast.State.Fired));
        }
    }

    [Theory]
    [InlineData("standard")]
    [InlineData("standard-sparse")]
    [InlineData("topk")]
    [InlineData("batchtopk")]
    public void Threads_and_stops_change_no_bit(string name)
    {
        using var scope = NewDisposeScope();
        var plan = Plan(name, 40, 300, ScalarType.Float32);
        var batches = randn([6, 500, 40], generator: new Generator(9));
        using var one = DictionaryTrainers.Create(plan, Start(plan, name), 1);
        using var three = DictionaryTrainers.Create(plan, Start(plan, name), 3);
        for (var step = 0; step < 6; step++)
        {
            if (step == 3)
            {
                Checkpoint.Write(At("middle"), plan, one.State, new JsonObject());
            }
            Assert.Equal(one.Train(batches[step]) with { Terms = [] }, three.Train(batches[step]) with { Terms = [] });
        }
        using var resumed = DictionaryTrainers.Create(plan, Checkpoint.Read(At("middle"), plan), 2);
        for (var step = 3; step < 6; step++) resumed.Train(batches[step]);
        Checkpoint.Write(At("one"), plan, one.State, new JsonObject());
        foreach (var (other, folder) in new[] { (three, "three"), (resumed, "resumed") })
        {
            Checkpoint.Write(At(folder), plan, other.State, new JsonObject());
            foreach (var file in Directory.GetFiles(At("one")))
                Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(At(folder), Path.GetFileName(file))));
        }
    }

    [Theory]
    [InlineData("topk")]
    [InlineData("batchtopk")]
    [InlineData("standard")]
    public void Ties_zeros_and_NaN_are_met(string name)
    {
        using var scope = NewDisposeScope();
        var plan = Plan(name, 8, 20, ScalarType.Float64);
        using var trainer = DictionaryTrainers.Create(plan, Start(plan, name), 1);
        // Equal rows: pre-activations tie across them; rows of zeros have none that are positive but by their biases.
        var report = trainer.Train(cat([ones(5, 8), zeros(5, 8)]));
        Assert.True(double.IsFinite(report.Loss));
        if (name == "topk") Assert.InRange(report.L0, 0, 4);
        if (name == "batchtopk") Assert.InRange(report.L0, 0, 3.7);
        var batch = ones(5, 8);
        batch[3, 2] = float.NaN;
        Assert.Contains("NaN in step 1", Assert.Throws<TrainingDivergedException>(() => trainer.Train(batch)).Message,
            StringComparison.Ordinal);
        Assert.Equal(1, trainer.State.Step);
    }

    private string At(string name) => Path.Combine(_root, name);

    private static TrainingPlan Plan(string name, int width, int latents, ScalarType type)
    {
        ITrainableArchitecture architecture = name switch
        {
            "standard" => new StandardArchitecture(true) { L1 = 0.3, L1WarmUpSteps = 4 },
            "standard-sparse" => new StandardArchitecture(false) { L1 = 0.3 },
            "topk-annealed" => new TopKArchitecture(true, 4, true) { FirstK = 11, KSteps = 5 },
            "batchtopk-annealed" => new BatchTopKArchitecture(true, 3.7, true) { FirstK = 20.5, KSteps = 5 },
            "topk" => new TopKArchitecture(true, 4, true),
            "topk-unscaled" => new TopKArchitecture(false, 4, false) { DeadLatentWeight = 0.2 },
            "batchtopk" => new BatchTopKArchitecture(true, 3.7, true),
            _ => new BatchTopKArchitecture(false, 3.7, false) { DeadLatentWeight = 0.2, ThresholdRate = 0.1 },
        };
        return new TrainingPlan(architecture, new DictionarySizes(width, latents, width), type,
            new LearningRateSchedule(0.003, false, 0, 3, 0, 100), 3);
    }

    /// <summary>Weights whose decoder norms differ, some of whose latents never fire.</summary>
    private static TrainingState Start(TrainingPlan plan, string name)
    {
        using var scope = NewDisposeScope();
        var state = TrainingState.Random(plan, 4);
        using var generator = new Generator(8);
        state.Weights["W_dec"].mul_(rand([plan.Sizes.Latents, 1], plan.Type, generator: generator) + 0.5);
        state.Weights["b_enc"].add_(randn([plan.Sizes.Latents], plan.Type, generator: generator) * 0.02);
        state.Weights["b_enc"].narrow(0, plan.Sizes.Latents * 3 / 4, plan.Sizes.Latents / 4).sub_(name == "standard-sparse" ? 9 : 2);
        if (name == "standard-sparse")
        {
            state.Weights["b_enc"].sub_(0.2);
            state.Density = 0.1;
        }
        return state;
    }
}
