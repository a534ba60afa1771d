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
/// Eight dictionaries of a sweep on one harvest, as a study trains them (activations from the disk in their order, log, progress), over the
/// same steps on batches that lie in memory. Of runs of two lengths the difference is taken, so that what a dictionary costs once (its last
/// checkpoint and its folder) does not count. Processor time, so that what else the machine does counts for nothing.
/// </summary>
public sealed class SaeSweep : IBenchmark
{
    private const int Dictionaries = 8, Batch = 4096, Width = 256, Expansion = 16, K = 32;

    public string Name => "sae-sweep";

    public string Summary => "SAE training: eight dictionaries on one harvest, over the time of their training alone";

    public JsonObject Run(BenchmarkOptions options)
    {
        var figures = new JsonObject { ["threads"] = options.Threads };
        set_num_threads(options.Threads);
        Measure(figures, options);
        return figures;
    }

    internal static void Measure(JsonObject figures, BenchmarkOptions options)
    {
        var (steps, rounds) = options.Quick ? (8, 1) : (12, 3);
        List<double> ratios = [], once = [];
        for (var round = 0; round < rounds; round++)
        {
            var (shortStudy, longStudy) = (Study(steps, options.Threads), Study(3 * steps, options.Threads));
            var (shortAlone, longAlone) = (Alone(steps, options.Threads), Alone(3 * steps, options.Threads));
            ratios.Add((longStudy - shortStudy) / (longAlone - shortAlone));
            once.Add((shortStudy - (longStudy - shortStudy) / 2) / Dictionaries);
        }
        figures.AddFigure("sweep_8_over_training_alone", ratios);
        figures.AddFigure("seconds_once_a_dictionary", once);
    }

    /// <summary>Processor seconds of the training units; the harvest is done before.</summary>
    private static double Study(int steps, int threads)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(0);
        File.WriteAllBytes(Path.Combine(folder.Path, "tokens.bin"),
            [.. Enumerable.Range(0, 20 * Batch).SelectMany(_ => BitConverter.GetBytes((ushort)random.Next(60)))]);
        var text = FormattableString.Invariant($$"""
            study { name = sweep, model { path = tr-ioi }, sweep { seed = [0, 1, 2, 3, 4, 5, 6, 7] }
              method { kind = sae-training, architecture = topk, expansion = {{Expansion}}, k = {{K}}, batch = {{Batch}}, steps = {{steps}}
                data { kind = model, hook = blocks.1.mlp.hook_post, tokens = tokens.bin, context = 32 } } }
            """);
        var study = StudyCompiler.Compile(StudyFile.Parse(text, "sweep.conf"), text, folder.Path, threads);
        using var engine = new StudyEngine(StudyKinds.All, ownSessions: true);
        var plan = engine.Plan(study);
        var context = new UnitContext("cpu", _ => { }, CancellationToken.None) { Folder = folder.Path };
        for (var unit = 0; unit < plan.UnitCount - Dictionaries; unit++) engine.Run(study, plan[unit], context);
        var start = Environment.CpuUsage.TotalTime;
        for (var unit = plan.UnitCount - Dictionaries; unit < plan.UnitCount; unit++) engine.Run(study, plan[unit], context);
        return (Environment.CpuUsage.TotalTime - start).TotalSeconds;
    }

    private static double Alone(int steps, int threads)
    {
        using var scope = NewDisposeScope();
        var batches = Enumerable.Range(0, 4).Select(_ => randn([Batch, Width])).ToArray();
        var plan = new TrainingPlan(new TopKArchitecture(true, K, true), new DictionarySizes(Width, Expansion * Width, Width),
            ScalarType.Float32, new LearningRateSchedule(3e-4, false, 3e-5, 0, 0, steps), 1000);
        var start = Environment.CpuUsage.TotalTime;
        for (var d = 0; d < Dictionaries; d++)
        {
            using var trainer = DictionaryTrainers.Create(plan, TrainingState.Random(plan, d), threads);
            for (var step = 0; step < steps; step++) trainer.Train(batches[step % batches.Length]);
        }
        return (Environment.CpuUsage.TotalTime - start).TotalSeconds;
    }
}
