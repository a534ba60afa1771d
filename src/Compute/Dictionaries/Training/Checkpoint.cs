using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Training;

/// <summary>
/// A run's state in a folder: SAELens' training layout (<c>cfg.json</c>, <c>sae_weights.safetensors</c>) and the rest in
/// <c>state.safetensors</c>: <c>adam/m/…</c>, <c>adam/v/…</c>, <c>n_forward_passes_since_fired</c>, <c>act_freq_scores</c>, <c>step</c>,
/// <c>scaling_factor</c>, <c>density</c>. Equal states give equal bytes.
/// </summary>
public static class Checkpoint
{
    public const string StateFile = "state.safetensors";

    /// <param name="folder">Must not exist. It appears whole or not at all: everything is on disk before it has its name.</param>
    public static void Write(string folder, TrainingPlan plan, TrainingState state, JsonObject metadata)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var temporary = folder + ".writing";
        if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        Directory.CreateDirectory(temporary);
        try
        {
            SaeLensWriter.WriteFiles(temporary, Configuration(plan, metadata), state.Weights.All);
            SafetensorsWriter.Write(Path.Combine(temporary, StateFile),
            [
                .. state.FirstMoments.All.Select(m => ("adam/m/" + m.Name, m.Tensor)),
                .. state.SecondMoments.All.Select(v => ("adam/v/" + v.Name, v.Tensor)),
                ("n_forward_passes_since_fired", state.SinceFired),
                ("act_freq_scores", state.Fired),
                ("step", tensor(state.Step)),
                ("scaling_factor", tensor(state.ScalingFactor, ScalarType.Float64)),
                ("density", tensor(state.Density, ScalarType.Float64)),
            ]);
            Directory.Move(temporary, folder);
        }
        catch
        {
            Directory.Delete(temporary, recursive: true);
            throw;
        }
    }

    /// <exception cref="StudyException">It is damaged, or of another run than the plan's.</exception>
    public static TrainingState Read(string folder, TrainingPlan plan)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var weights = SafetensorsFile.Open(Path.Combine(folder, SaeLensFolder.WeightsFile));
        using var rest = SafetensorsFile.Open(Path.Combine(folder, StateFile));
        var state = new TrainingState(plan, new DictionaryWeights(plan.Architecture.Parameters.Select(p =>
            (p.Name, Exactly(weights, p.Name, plan.TypeOf(p.Name), plan.Sizes.Shape(p.Dimensions))))));
        try
        {
            foreach (var name in plan.Trained)
            {
                var like = state.Weights[name];
                state.FirstMoments[name].copy_(Exactly(rest, "adam/m/" + name, like.dtype, like.shape));
                state.SecondMoments[name].copy_(Exactly(rest, "adam/v/" + name, like.dtype, like.shape));
            }
            state.SinceFired.copy_(Exactly(rest, "n_forward_passes_since_fired", ScalarType.Int64, state.SinceFired.shape));
            state.Fired.copy_(Exactly(rest, "act_freq_scores", ScalarType.Int64, state.Fired.shape));
            state.Step = Exactly(rest, "step", ScalarType.Int64, []).ToInt64();
            state.ScalingFactor = Exactly(rest, "scaling_factor", ScalarType.Float64, []).ToDouble();
            state.Density = Exactly(rest, "density", ScalarType.Float64, []).ToDouble();
            return state;
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    /// <summary><c>cfg.json</c> of SAELens' training layout.</summary>
    private static JsonObject Configuration(TrainingPlan plan, JsonObject metadata)
    {
        metadata = (JsonObject)metadata.DeepClone();
        metadata["training_architecture"] = plan.Architecture.Name;
        metadata["training_architecture_details"] = TrainedDictionary.TrainingKeys(plan);
        using var described = new SparseDictionary(plan.Architecture, plan.Sizes, plan.Normalisation, false,
            new DictionaryWeights([("W_dec", zeros([0], plan.Type))]), metadata);
        var configuration = SaeLensWriter.Configuration(described);
        configuration.Remove("architecture");
        foreach (var (key, value) in TrainedDictionary.TrainingKeys(plan)) configuration[key] = value?.DeepClone();
        configuration["architecture"] = plan.Architecture.Name;
        return configuration;
    }

    private static Tensor Exactly(SafetensorsFile file, string name, ScalarType type, long[] shape)
    {
        var tensor = file.Read(name);
        return tensor.dtype == type && tensor.shape.SequenceEqual(shape)
            ? tensor
            : throw new StudyException($"{name} is {tensor.dtype} [{string.Join(", ", tensor.shape)}], {type} [{string.Join(", ", shape)}] "
                + "is needed", file.Where, "the checkpoint is of another run");
    }
}
