using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Compute.Models;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.SmallModels;

/// <summary>
/// Trains the small models that ship. <c>tr-ioi</c>: a GPT-2 of 4 layers, 4 heads and width 64 that solves IOI and continues repeated
/// sequences. The initial weights and batch t are pure functions of the seed and t, and training runs on one thread, so that on one kind
/// of processor the same seed gives the same bytes.
/// </summary>
public static class SmallModelTrainer
{
    private const int Layers = 4, Heads = 4, Width = 64, Context = 48;
    private const int HeldOutPerTemplate = 100, HeldOutSequences = 200;

    public static IReadOnlyList<string> Names { get; } = ["tr-ioi"];

    /// <summary>Trains a model and writes its folder, which appears when it is complete.</summary>
    /// <param name="log">Gets lines for people.</param>
    /// <exception cref="StudyException">No such model, or the folder is there already or cannot be written.</exception>
    public static void Train(string name, string outFolder, long seed, Action<string> log) =>
        Train(name, outFolder, seed, log, new TrainingSchedule());

    internal static void Train(string name, string outFolder, long seed, Action<string> log, TrainingSchedule schedule)
    {
        if (!Names.Contains(name))
            throw new StudyException($"no model called '{name}' can be trained", null, $"known: {string.Join(", ", Names)}");
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(outFolder));
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
            throw new StudyException("the folder is not empty", outFolder, "choose another one");
        var partial = target + ".partial";
        var threads = get_num_threads();
        try
        {
            if (Directory.Exists(partial)) Directory.Delete(partial, true);
            Directory.CreateDirectory(partial);
            set_num_threads(1);
            Train(name, partial, seed, schedule, log);
            if (Directory.Exists(target)) Directory.Delete(target);
            Directory.Move(partial, target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StudyException("the folder cannot be written", outFolder, e.Message, e);
        }
        finally
        {
            set_num_threads(threads);
            if (Directory.Exists(partial)) Directory.Delete(partial, true);
        }
    }

    private static void Train(string name, string folder, long seed, TrainingSchedule schedule, Action<string> log)
    {
        var watch = Stopwatch.StartNew();
        var pieces = TrainingPrompts.Pieces();
        WordLevelTokenizerFiles.Write(folder, pieces, Context);
        var prompts = new TrainingPrompts(TokenizerLoader.Load(new ModelLocation(folder, name, ModelFormat.HuggingFaceFolder))!);
        using var model = new SmallGpt2(name, Layers, Heads, Width, Context, pieces.Length, new SeededRandom(seed, 0));
        using var transformer = new HookedTransformer(model.Weights);
        log(Text($"{name}: {model.Size} parameters, {schedule.Steps} steps of {schedule.Batch} sequences"));

        using (var optimizer = optim.AdamW(model.Parameters, lr: schedule.LearningRate, beta1: 0.9, beta2: 0.98, weight_decay: 0.03))
        {
            for (var step = 0; step < schedule.Steps; step++)
            {
                using var scope = NewDisposeScope();
                foreach (var group in optimizer.ParamGroups) group.LearningRate = schedule.RateAt(step);
                var random = new SeededRandom(seed, 1, step);
                var loss = Loss(transformer, [.. Enumerable.Range(0, schedule.Batch).Select(_ => prompts.Draw(random))]);
                optimizer.zero_grad();
                loss.backward();
                nn.utils.clip_grad_norm_(model.Parameters, 1.0);
                optimizer.step();
                if (step % 100 == 0)
                    log(Text($"step {step,5}  loss {loss.ToSingle():F4}  {Accuracies(20, 20)}  {watch.Elapsed.TotalSeconds:F0} s"));
            }
        }

        var measured = Accuracies(HeldOutPerTemplate, HeldOutSequences);
        log(Text($"held out: {measured}  {watch.Elapsed.TotalSeconds:F0} s"));
        model.Save(folder);
        var byTemplate = new JsonObject();
        for (var t = 0; t < prompts.Templates.Count; t++) byTemplate[prompts.Templates[t]] = measured.ByTemplate[t];
        JsonFile.Write(Path.Combine(folder, "training.json"), new JsonObject
        {
            ["model"] = name,
            ["seed"] = seed,
            ["steps"] = schedule.Steps,
            ["batch"] = schedule.Batch,
            ["learning_rate"] = schedule.LearningRate,
            ["threads"] = 1,
            ["parameters"] = model.Size,
            ["ioi_accuracy"] = measured.ByTemplate.Average(),
            ["ioi_accuracy_by_template"] = byTemplate,
            ["induction_accuracy"] = measured.Induction,
        });

        Accuracy Accuracies(int perTemplate, int sequences) => new(
            [.. Enumerable.Range(0, prompts.Templates.Count)
                .Select(t => IoiAccuracy(transformer, prompts, t, perTemplate, new SeededRandom(seed, 2, t)))],
            InductionAccuracy(transformer, prompts, sequences, new SeededRandom(seed, 3)));
    }

    /// <summary>How often the most likely next token is the right one, on prompts that training never shows.</summary>
    private sealed record Accuracy(double[] ByTemplate, double Induction)
    {
        public override string ToString() => Text($"IOI {ByTemplate.Average():P1}, induction {Induction:P1}");
    }

    /// <summary>Weighted mean cross-entropy of the next token.</summary>
    private static Tensor Loss(HookedTransformer transformer, (int[] Tokens, float[] Weights)[] rows)
    {
        var length = rows.Max(r => r.Tokens.Length);
        var tokens = new long[rows.Length * length];
        var weights = new float[rows.Length * (length - 1)];
        for (var r = 0; r < rows.Length; r++)
        {
            // Shorter rows end in BOS, which no loss looks at and, attention being causal, no earlier token either.
            for (var i = 0; i < rows[r].Tokens.Length; i++) tokens[r * length + i] = rows[r].Tokens[i];
            rows[r].Weights.CopyTo(weights, r * (length - 1));
        }
        var x = tensor(tokens, [rows.Length, length], ScalarType.Int64);
        var w = tensor(weights, [rows.Length, length - 1]);
        var chosen = transformer.Forward(x.narrow(1, 0, length - 1)).log_softmax(-1).gather(2, x.narrow(1, 1, length - 1).unsqueeze(2))
            .squeeze(2);
        return -(chosen * w).sum() / w.sum();
    }

    private static double IoiAccuracy(HookedTransformer transformer, TrainingPrompts prompts, int template, int count, SeededRandom random)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var rows = Enumerable.Range(0, count).Select(_ => prompts.DrawHeldOut(random, template)).ToArray();
        var best = transformer.Forward([.. rows.Select(r => r.Prompt)])[.., -1].argmax(-1).data<long>().ToArray();
        return rows.Zip(best).Average(x => x.First.Answer == x.Second ? 1.0 : 0);
    }

    private static double InductionAccuracy(HookedTransformer transformer, TrainingPrompts prompts, int count, SeededRandom random)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (right, all) = (0, 0);
        for (var i = 0; i < count; i++)
        {
            var tokens = prompts.DrawRepeated(random);
            var best = transformer.Forward([tokens])[0].argmax(-1).data<long>().ToArray();
            for (var p = tokens.Length / 2 + 1; p < tokens.Length - 1; p++, all++)
                if (best[p] == tokens[p + 1]) right++;
        }
        return (double)right / all;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>How long and how fast a model is trained: linear warm-up, then a cosine down to a twentieth of the rate.</summary>
internal sealed record TrainingSchedule(int Steps = 2000, int Batch = 128, double LearningRate = 2.5e-3)
{
    public double RateAt(int step) =>
        LearningRate * Math.Min(1, (step + 1) / 50.0) * (0.05 + 0.95 * 0.5 * (1 + Math.Cos(Math.PI * step / Steps)));
}
