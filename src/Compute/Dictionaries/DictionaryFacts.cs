using InterpActors.Compute.Dictionaries.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries;

/// <summary>Least, mean and greatest of some values.</summary>
public readonly record struct ValueRange(double Least, double Mean, double Greatest);

/// <summary>What one wants to know of a dictionary without running it.</summary>
public static class DictionaryFacts
{
    /// <summary>‖W_dec‖ over latents.</summary>
    public static ValueRange DecoderNorms(SparseDictionary dictionary)
    {
        using var scope = NewDisposeScope();
        return Range(dictionary.Weights.DecoderNorms());
    }

    /// <summary>Thresholds over latents; null where the architecture has none.</summary>
    public static ValueRange? Thresholds(SparseDictionary dictionary)
    {
        using var scope = NewDisposeScope();
        var weights = dictionary.Weights;
        return weights.Has("threshold") ? Range(weights["threshold"])
            : weights.Has("topk_threshold") ? Range(weights["topk_threshold"]) : null;
    }

    /// <summary>SAELens' name of a normalisation.</summary>
    public static string Name(InputNormalisation normalisation) => SaeLensKeys.Name(normalisation);

    private static ValueRange Range(Tensor values)
    {
        var wide = values.to_type(ScalarType.Float64);
        return new ValueRange(wide.min().ToDouble(), wide.mean().ToDouble(), wide.max().ToDouble());
    }
}
