using System.Diagnostics;
using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Compute.Dictionaries.Training;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using static TorchSharp.torch;

namespace InterpActors.Bench;

/// <summary>
/// Eight dictionaries of a sweep on one harvest, as a study trains them (activations from the disk, order, log, saving), over the same
/// steps on batches that lie in memory.
/// </summary>
internal static class SaeSweep
{
    private const int Dictionaries = 8, Batch = 4096, Expansion = 64, K = 32;

    public static void Measure(JsonObject figures, BenchmarkOptions options)
    {
        var (steps, rounds) = options.Quick ? (12, 1) : (30, 3);
        List<double> ratios = [], withHarvest = [];
        for (var round = 0; round < rounds; round++)
        {
            using var folder = new TemporaryFolder();
            var (harvest, study, width) = Study(folder.Path, steps, options.Threads);
            var alone = Alone(width, steps, options.Threads);
            ratios.Add(study / alone);
            withHarvest.Add((study + harvest) / alone);
        }
        figures.AddFigure("sweep_8_over_training_alone", ratios);
        figures.AddFigure("sweep_8_with_harvest", withHarvest);
    }

    private static (double Harvest, double Training, int Width) Study(string folder, int steps, int threads)
    {
        var random = new Random(0);
        File.WriteAllBytes(Path.Combine(folder, "tokens.bin"),
            [.. Enumerable.Range(0, steps * Batch).SelectMany(_ => BitConverter.GetBytes((ushort)random.Next(60)))]);
        var text = FormattableString.Invariant($$"""
            study { name = sweep, model { path = tr-ioi }, sweep { seed = [0, 1, 2, 3, 4, 5, 6, 7] }
              method { kind = sae-training, architecture = topk, expansion = {{Expansion}}, k = {{K}}, batch = {{Batch}}, steps = {{steps}}
                data { kind = model, hook = blocks.1.hook_resid_post, tokens = tokens.bin, context = 32 } } }
            """);
        var study = StudyCompiler.Compile(StudyFile.Parse(text, "sweep.conf"), text, folder, threads);
        using var engine = new StudyEngine(StudyKinds.All, ownSessions: true);
        var plan = engine.Plan(study);
        var context = new UnitContext("cpu", _ => { }, CancellationToken.None) { Folder = folder };
        var trained = plan.UnitCount - Dictionaries;
        double Run(long first, long end)
        {
            var start = Stopwatch.GetTimestamp();
            for (var unit = first; unit < end; unit++) engine.Run(study, plan[unit], context);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        return (Run(0, trained), Run(trained, plan.UnitCount), 64);
    }

    private static double Alone(int width, int steps, int threads)
    {
        using var scope = NewDisposeScope();
        var batches = Enumerable.Range(0, 4).Select(_ => randn([Batch, width])).ToArray();
        var plan = new TrainingPlan(new TopKArchitecture(true, K, true), new DictionarySizes(width, Expansion * width, width),
            ScalarType.Float32,
            new LearningRateSchedule(3e-4, false, 3e-5, 0, 0, steps), 1000);
        var start = Stopwatch.GetTimestamp();
        for (var d = 0; d < Dictionaries; d++)
        {
            using var trainer = DictionaryTrainers.Create(plan, TrainingState.Random(plan, d), threads);
            for (var step = 0; step < steps; step++) trainer.Train(batches[step % batches.Length]);
        }
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
