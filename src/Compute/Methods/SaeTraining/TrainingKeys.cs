using System.Globalization;
using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Compute.Dictionaries.Training;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>Reads the <c>method</c> section of a training study. Defaults are SAELens'.</summary>
internal static class TrainingKeys
{
    // What the journal carries of a dictionary's log.
    private const long MostRows = 50_000;

    /// <summary>Rows of a batch, where the study says it.</summary>
    public static int? Batch(StudySection method) => method.Has("batch") ? method.Int("batch", null, 1, 1 << 24) : null;

    /// <param name="labels">Tell the dictionary from the others of the study.</param>
    /// <exception cref="StudyException">A key is wrong; the message names it.</exception>
    public static TrainingSettings Read(StudySection method, IReadOnlyList<string> labels, long seed, StudyContext study, DataArm arm)
    {
        var data = arm.Data;
        if (!method.Has("batch")) method.Int("batch", data.Batch);
        var architectureName = method.OneOf("architecture", ArchitectureKeys.Names);
        if (method.Has("d_in") && method.Int("d_in") != data.Width) throw method.Wrong("d_in", $"the data are {data.Width} wide",
            $"write d_in = {data.Width} or leave it out");
        var latents = Latents(method, data.Width);
        var steps = Steps(method, data.Batch);
        var architecture = ArchitectureKeys.Read(method, architectureName, latents, steps);
        var type = Type(method, "dtype", "fp32");
        var (norm, initial) = Init(method, architectureName, study);
        var (scale, frame) = Normalisation(method.Section("normalisation"));
        var optimiser = method.Section("optimiser");
        optimiser.OneOf("kind", ["adam"], "adam");
        var rate = optimiser.Number("lr", 3e-4, 0);
        var plan = new TrainingPlan(architecture, new DictionarySizes(data.Width, latents, data.Width), type,
            Schedule(method.Section("schedule"), rate, steps), method.Int("dead_window", 1000, 0))
        {
            Adam = new AdamSettings(optimiser.Number("beta1", 0.9, 0, 1), optimiser.Number("beta2", 0.999, 0, 1),
                optimiser.Number("epsilon", 1e-8, 0)),
            Clip = optimiser.Number("clip", 1, double.Epsilon),
            Normalisation = frame,
            DecoderNorm = norm,
        };
        if (initial is not null) Check(initial, plan, method.Section("init"));
        var output = method.Section("output");
        output.OneOf("layout", ["saelens"], "saelens");
        var folder = output.Text("folder", "sae");
        if (folder.Length == 0 || folder is "." or ".."
            || folder.Any(c => c is '/' or '\\' || char.IsControl(c))) throw output.Wrong("folder", "must be a plain name");
        var log = method.Int("log_every", 10, 1);
        if (steps / log > MostRows) throw method.Wrong("log_every", $"gives more than {MostRows} rows",
            $"write log_every = {steps / MostRows + 1}");
        return new TrainingSettings(labels, seed, arm, plan, steps, initial, scale)
        {
            Expected = ExpectedLine.Read(method, ExpectedLine.Columns(arm, architecture)),
            CheckpointEvery = method.Int("checkpoint_every", 1000, 1),
            CheckpointsKept = method.Int("checkpoints_kept", 2, 1, 100),
            LogEvery = log,
            Folder = folder,
            SavedType = Type(output, "dtype", type == ScalarType.Float64 ? "fp64" : "fp32"),
        };
    }

    private static int Latents(StudySection method, int width)
    {
        if (method.Has("d_sae") && method.Has("expansion")) throw method.Wrong("expansion", "d_sae says it already",
            "leave one of them out");
        if (!method.Has("expansion")) return method.Int("d_sae", null, 1, 1 << 24);
        var latents = method.Number("expansion", null, 0) * width;
        return latents is >= 1 and <= 1 << 24 && latents == Math.Floor(latents) ? (int)latents
            : throw method.Wrong("expansion", FormattableString.Invariant($"times {width} is no number of latents"));
    }

    private static long Steps(StudySection method, int batch)
    {
        if (!method.Has("tokens")) return method.Long("steps", null, 1, 1L << 40);
        if (method.Has("steps")) throw method.Wrong("tokens", "steps says it already", "leave one of them out");
        var text = method.Text("tokens");
        var factor = text.Length > 0 ? char.ToUpperInvariant(text[^1]) switch { 'K' => 1e3, 'M' => 1e6, 'B' => 1e9, _ => 1 } : 1;
        if (!double.TryParse(factor > 1 ? text[..^1] : text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            || !(number * factor >= batch))
            throw method.Wrong("tokens", $"'{text}' is no number of tokens of at least one batch", "write e.g. tokens = 80M");
        return (long)(number * factor / batch);
    }

    private static LearningRateSchedule Schedule(StudySection schedule, double rate, long steps)
    {
        var cosine = schedule.OneOf("lr", ["constant", "cosine"], "constant") == "cosine";
        var end = schedule.Number("lr_end", rate / 10, 0);
        var warm = schedule.Int("lr_warm_up_steps", 0, 0);
        var decay = schedule.Int("lr_decay_steps", 0, 0);
        if (warm + (long)decay > steps) throw schedule.Wrong(decay > warm ? "lr_decay_steps" : "lr_warm_up_steps",
            $"warm-up and decay take {warm + (long)decay} steps, the run has {steps}");
        return new LearningRateSchedule(rate, cosine, end, warm, decay, steps);
    }

    private static (ScaleSettings, InputNormalisation) Normalisation(StudySection section)
    {
        var kind = section.OneOf("kind", ["none", "mean-norm", "root-mean-square", "layer-norm", "constant-norm"], "none");
        var scaling = kind switch
        {
            "mean-norm" => DataScaling.MeanNorm,
            "root-mean-square" => DataScaling.RootMeanSquare,
            _ => DataScaling.None
        };
        var estimates = scaling != DataScaling.None;
        var batches = section.Int("batches", estimates ? 1000 : 0, estimates ? 1 : 0);
        var reuse = section.Flag("reuse", false);
        var frame = kind switch
        {
            "mean-norm" => InputNormalisation.ExpectedAverageOnlyIn,
            "layer-norm" => InputNormalisation.LayerNorm,
            "constant-norm" => InputNormalisation.ConstantNormRescale,
            _ => InputNormalisation.None,
        };
        return (new ScaleSettings(scaling, estimates ? batches : 0, reuse), frame);
    }

    private static (double Norm, InitialWeights? File) Init(StudySection method, string architecture, StudyContext study)
    {
        var init = method.Section("init");
        if (init.OneOf("kind", ["random", "file"], "random") == "random")
            return (init.Number("decoder_norm", ArchitectureKeys.DecoderNorm(architecture), double.Epsilon), null);
        // Under the name that the study knows it by, for the file may be fetched from another machine.
        var name = Path.Join(init.Text("path"), SaeLensFolder.WeightsFile);
        FileHash.Pin(init, "sha256", name, study.Folder, "path");
        return (init.Number("decoder_norm", ArchitectureKeys.DecoderNorm(architecture), double.Epsilon),
            new InitialWeights(study.Folder.PathOf(name)));
    }

    private static void Check(InitialWeights initial, TrainingPlan plan, StudySection init)
    {
        using var file = SafetensorsFile.Open(initial.Path);
        foreach (var parameter in plan.Architecture.Parameters)
        {
            if (!file.Tensors.TryGetValue(parameter.Name, out var stored))
            {
                if (InitialWeights.MayLack(plan, parameter.Name)) continue;
                throw init.Wrong("path", $"it has no tensor {parameter.Name}, which a {plan.Architecture.Name} dictionary has",
                    "name a folder of that architecture");
            }
            var shape = plan.Sizes.Shape(parameter.Dimensions);
            if (!stored.Shape.SequenceEqual(shape))
                throw init.Wrong("path",
                    $"its {parameter.Name} has shape [{string.Join(", ", stored.Shape)}], not [{string.Join(", ", shape)}]",
                        "is d_sae that of the folder?");
        }
    }

    private static ScalarType Type(StudySection section, string key, string otherwise) =>
        section.OneOf(key, ["fp32", "fp64"], otherwise) == "fp64" ? ScalarType.Float64 : ScalarType.Float32;
}
