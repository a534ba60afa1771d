using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Compute.Dictionaries.Training;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Dictionaries;

public sealed class CheckpointTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("checkpoints-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [MemberData(nameof(TrainingParityTests.Cases), MemberType = typeof(TrainingParityTests))]
    public void A_run_that_was_stopped_and_continued_ends_in_the_same_bytes(string name)
    {
        using var scope = NewDisposeScope();
        var @case = TrainingCase.Read(TestData.Path(Path.Combine("dictionaries-training", name)));
        using var file = SafetensorsFile.Open(TestData.Path("dictionaries-training/batches.safetensors"));
        var batches = file.Read("batches");
        using var whole = new DenseTrainer(@case.Plan, @case.Initial());
        for (var step = 0; step < 8; step++) whole.Train(batches[step]);
        using (var first = new DenseTrainer(@case.Plan, @case.Initial()))
        {
            for (var step = 0; step < 5; step++) first.Train(batches[step]);
            Checkpoint.Write(At("five"), @case.Plan, first.State, new JsonObject());
        }
        using var second = new DenseTrainer(@case.Plan, Checkpoint.Read(At("five"), @case.Plan));
        for (var step = 5; step < 8; step++) second.Train(batches[step]);
        Checkpoint.Write(At("whole"), @case.Plan, whole.State, new JsonObject());
        Checkpoint.Write(At("parts"), @case.Plan, second.State, new JsonObject());
        foreach (var path in Directory.GetFiles(At("whole")))
            Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(path.Replace("whole", "parts", StringComparison.Ordinal)));
        using var read = DictionaryFolder.Read(At("whole"), ScalarType.Float64);
        Assert.Equal((@case.Plan.Architecture.Name, "SAELens 6, training"), (read.Dictionary.Architecture.Name, read.Layout));
    }

    [Fact]
    public void A_checkpoint_of_another_run_is_refused()
    {
        using var trainer = Small(0.01);
        Checkpoint.Write(At("one"), trainer.Plan, trainer.State, new JsonObject());
        var wider = trainer.Plan with { Sizes = new DictionarySizes(6, 13, 6) };
        Assert.Contains("of another run", Assert.Throws<StudyException>(() => Checkpoint.Read(At("one"), wider)).Message,
            StringComparison.Ordinal);
        using var stream = new FileStream(Path.Combine(At("one"), Checkpoint.StateFile), FileMode.Open);
        stream.SetLength(stream.Length - 8);
        stream.Dispose();
        Assert.Throws<StudyException>(() => Checkpoint.Read(At("one"), trainer.Plan));
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_the_run_and_names_the_step()
    {
        using var scope = NewDisposeScope();
        using var trainer = Small(1e200);
        var batch = rand(8, 6);
        trainer.Train(batch);
        var before = trainer.State.Weights["W_dec"].clone();
        var thrown = Assert.Throws<TrainingDivergedException>(() => trainer.Train(batch));
        Assert.Equal("training diverged: mse_loss is Infinity in step 1", thrown.Message);
        Assert.True(before.Equals(trainer.State.Weights["W_dec"]));
        Assert.Equal(1, trainer.State.Step);
    }

    [Fact]
    public void Scaling_folds_away_whichever_way_it_was_estimated()
    {
        using var scope = NewDisposeScope();
        var x = rand([16, 6], ScalarType.Float64) * 3;
        foreach (var scaling in new[] { DataScaling.MeanNorm, DataScaling.RootMeanSquare })
            foreach (ITrainableArchitecture architecture in new ITrainableArchitecture[]
            {
                new StandardArchitecture(true) { L1 = 0.01 }, new GatedArchitecture(false) { L1 = 0.01 },
                new TopKArchitecture(true, 3, true),
                new BatchTopKArchitecture(true, 2.5, true), new BatchTopKArchitecture(true, 2.5, false),
                new JumpReluArchitecture(true) { L0 = 0.01 },
                new MatchingPursuitArchitecture(true, 0.5, null, true),
            })
            {
                var plan = new TrainingPlan(architecture, new DictionarySizes(6, 12, 6), ScalarType.Float64,
                    new LearningRateSchedule(0.01, false, 0, 0, 0, 10), 100);
                using var trainer = new DenseTrainer(plan, TrainingState.Random(plan, 3));
                var estimate = new ScalingEstimate();
                estimate.Add(x);
                trainer.State.ScalingFactor = estimate.Factor(scaling, 6);
                for (var step = 0; step < 10; step++) trainer.Train(x);
                using var trained = new SparseDictionary(architecture, plan.Sizes, InputNormalisation.None, false,
                    new DictionaryWeights(trainer.State.Weights.All.Select(w => (w.Name, w.Tensor.clone()))), []);
                using var folded = TrainedDictionary.Of(plan, trainer.State, scaling, []);
                var (before, after) = (trained.Encode(x * trainer.State.ScalingFactor), folded.Encode(x));
                var want = trained.Decode(before.Activations, before.Frame) / trainer.State.ScalingFactor;
                var got = folded.Decode(after.Activations, after.Frame);
                Assert.True(got.allclose(want, 1e-9, 1e-12), $"{architecture.Name} {scaling}");
                Assert.True(before.Activations.ne(0).Equals(after.Activations.ne(0)), $"{architecture.Name} {scaling}");
                Assert.True(before.Activations.ne(0).any().ToBoolean(), architecture.Name);
            }
    }

    private string At(string name) => Path.Combine(_root, name);

    private static DenseTrainer Small(double rate)
    {
        var plan = new TrainingPlan(new TopKArchitecture(true, 3, true), new DictionarySizes(6, 12, 6), ScalarType.Float64,
            new LearningRateSchedule(rate, false, 0, 0, 0, 10), 100);
        return new DenseTrainer(plan, TrainingState.Random(plan, 1));
    }
}
