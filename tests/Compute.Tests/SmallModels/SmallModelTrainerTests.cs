using InterpActors.Compute.Models;
using InterpActors.Compute.SmallModels;
using InterpActors.Compute.Tasks;
using InterpActors.Compute.Tests.Tasks;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.SmallModels;

/// <summary>Training sets the process's number of torch threads, so nothing else runs beside it.</summary>
[CollectionDefinition("torch threads", DisableParallelization = true)]
public sealed class TorchThreads;

[Collection("torch threads")]
public sealed class SmallModelTrainerTests : IDisposable
{
    private static readonly TrainingSchedule Short = new(Steps: 4, Batch: 8);
    private readonly string _folder = Directory.CreateTempSubdirectory("train-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void OneSeedGivesTheSameBytesAndAnotherDoesNot()
    {
        var (a, b, c) = (Train("a", 3), Train("b", 3), Train("c", 4));
        Assert.Equal(["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "training.json"],
            a.Keys.Order(StringComparer.Ordinal));
        foreach (var file in a.Keys) Assert.Equal(a[file], b[file]);
        Assert.NotEqual(a["model.safetensors"], c["model.safetensors"]);
    }

    [Fact]
    public void WhatIsWrittenIsWhatWasTrained()
    {
        Train("m", 1);
        var location = ModelLoader.Locate(Path.Combine(_folder, "m"), _folder);
        using var weights = ModelLoader.LoadWeights(location, ScalarType.Float32, WeightProcessing.None);
        Assert.Equal((4, 4, 64, 48),
            (weights.Config.Layers, weights.Config.Heads, weights.Config.ModelWidth, weights.Config.ContextLength));
        Assert.Equal((NormKind.LayerNorm, ActivationKind.GeluTanh), (weights.Config.Norm, weights.Config.Activation));
        Assert.Equal(TrainingPrompts.Pieces(),
            Enumerable.Range(0, weights.Config.Vocabulary).Select(TokenizerLoader.Load(location)!.Piece));
    }

    [Fact]
    public void RefusesUnknownModelsAndFullFolders()
    {
        Assert.Contains("known: tr-ioi",
            Assert.Throws<StudyException>(() => SmallModelTrainer.Train("tr-iio", Path.Combine(_folder, "x"), 0, _ => { })).Message);
        File.WriteAllText(Path.Combine(_folder, "mine.txt"), "");
        Assert.Contains("not empty", Assert.Throws<StudyException>(() => SmallModelTrainer.Train("tr-ioi", _folder, 0, _ => { })).Message);
        File.WriteAllText(Path.Combine(_folder, "file"), "");
        Assert.Contains("cannot be written",
            Assert.Throws<StudyException>(() => SmallModelTrainer.Train("tr-ioi", Path.Combine(_folder, "file", "out"), 0, _ => { }))
            .Message);
    }

    [Fact]
    public void HeldOutPairsOfNamesAreNeverTrained()
    {
        var prompts = new TrainingPrompts(new WordTokenizer(TrainingPrompts.Pieces().Skip(2)));
        var names = IoiWords.Names.Count;
        var random = new InterpActors.Compute.Statistics.SeededRandom(1);
        var trained = new HashSet<(int, int)>();
        for (var i = 0; i < 5_000; i++)
        {
            var (tokens, weights) = prompts.Draw(random);
            Assert.Equal(tokens.Length - 1, weights.Length);
            if (weights[^1] == 1 && tokens[..^1].Where(t => t >= 2 && t < 2 + names).GroupBy(t => t)
                .FirstOrDefault(g => g.Count() == 2) is { } subject && subject.Key != tokens[^1])
                trained.Add((tokens[^1], subject.Key));
        }
        Assert.True(trained.Count > 1000);
        for (var i = 0; i < 2_000; i++)
        {
            var (prompt, answer) = prompts.DrawHeldOut(random, i % prompts.Templates.Count);
            var subject = prompt.Where(t => t >= 2 && t < 2 + names).GroupBy(t => t).Single(g => g.Count() == 2).Key;
            Assert.DoesNotContain((answer, subject), trained);
        }
    }

    [Theory]
    [InlineData("s2-io-flip")]
    [InlineData("abc")]
    [InlineData("swap")]
    public void TheShippedModelSolvesTheTaskAndNoticesTheCorruption(string corruption)
    {
        var location = ModelLoader.Locate("tr-ioi", AppContext.BaseDirectory);
        using var weights = ModelLoader.LoadWeights(location, ScalarType.Float32, WeightProcessing.None);
        using var model = new HookedTransformer(weights);
        var task = TaskReader.Read(
            TaskTesting.Section(("kind", "ioi"), ("n", 240), ("templates", "all"), ("corruption", corruption)), ".", 77,
                TokenizerLoader.Load(location), weights.Config);
        Assert.Empty(task.Dropped);
        Assert.Empty(task.Notes);
        var clean = task.Prompts.Select(p => Run(p.Clean, p)).ToArray();
        var corrupted = task.Prompts.Select(p => Run(p.Corrupted!, p)).ToArray();
        Assert.InRange(clean.Average(r => r.Right ? 1.0 : 0), 0.99, 1);
        var (before, after) = (clean.Average(r => r.Difference), corrupted.Average(r => r.Difference));
        if (corruption == "s2-io-flip") Assert.True(after < -0.5 * before);
        if (corruption == "abc") Assert.InRange(after, -0.2 * before, 0.2 * before);
        if (corruption == "swap") Assert.InRange(after, 0.8 * before, 1.2 * before);

        (bool Right, double Difference) Run(int[] tokens, PromptPair pair)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var logits = model.Forward([tokens])[0, -1].data<float>().ToArray();
            return (Array.IndexOf(logits, logits.Max()) == pair.Answers[0], logits[pair.Answers[0]] - logits[pair.Wrong[0]]);
        }
    }

    [Fact]
    public void TheShippedModelsFolderIsSmall() =>
        Assert.True(Directory.GetFiles(ModelLoader.Locate("tr-ioi", AppContext.BaseDirectory).Path)
            .Sum(f => new FileInfo(f).Length) < 5 << 20);

    private Dictionary<string, byte[]> Train(string name, long seed)
    {
        var folder = Path.Combine(_folder, name);
        SmallModelTrainer.Train("tr-ioi", folder, seed, _ => { }, Short);
        return Directory.GetFiles(folder).ToDictionary(f => Path.GetFileName(f), File.ReadAllBytes);
    }
}
