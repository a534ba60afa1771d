using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Training;

/// <summary>By what activations are multiplied for a whole run.</summary>
public enum DataScaling
{
    /// <summary>1.</summary>
    None,

    /// <summary>√d_in / mean norm, SAELens'.</summary>
    MeanNorm,

    /// <summary>1 / root of the mean squared norm, dictionary_learning's.</summary>
    RootMeanSquare,
}

/// <summary>Estimates the factor of a <see cref="DataScaling"/> from batches; the order of batches matters in the last bits.</summary>
public sealed class ScalingEstimate
{
    private double _norms, _squares;
    private long _rows;

    /// <param name="batch">[rows, d_in]; norms are taken in its type. As SAELens', their sum over the batch is float32, that over batches
    /// float64; squares are summed in float64.</param>
    public void Add(Tensor batch)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _norms += batch.norm(1).to_type(ScalarType.Float32).sum().to_type(ScalarType.Float64).ToDouble();
        _squares += batch.to_type(ScalarType.Float64).square().sum().ToDouble();
        _rows += batch.shape[0];
    }

    /// <exception cref="InvalidOperationException">No batch was added, or all rows are 0.</exception>
    public double Factor(DataScaling scaling, int width)
    {
        var factor = scaling switch
        {
            DataScaling.MeanNorm => Math.Sqrt(width) / (_norms / _rows),
            DataScaling.RootMeanSquare => 1 / Math.Sqrt(_squares / _rows),
            _ => 1,
        };
        return double.IsFinite(factor) ? factor : throw new InvalidOperationException("there is no activation to estimate a scale from");
    }
}
