using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>Scalars that activations are multiplied by before training, estimated over some batches.</summary>
public static class Normalisation
{
    /// <summary>√d / mean of ‖x‖ over all rows (SAELens' <c>expected_average_only_in</c>).</summary>
    public static double MeanNorm(IEnumerable<Tensor> batches, int width) => Math.Sqrt(width) / Mean(batches, squared: false);

    /// <summary>1 / √(mean of ‖x‖²) over all rows (dictionary_learning).</summary>
    public static double RootMeanSquare(IEnumerable<Tensor> batches) => 1 / Math.Sqrt(Mean(batches, squared: true));

    /// <summary>Norms in the data's dtype, their sum over a batch in fp32 for norms as SAELens', sums of batches in fp64.</summary>
    private static double Mean(IEnumerable<Tensor> batches, bool squared)
    {
        double sum = 0;
        long rows = 0;
        foreach (var batch in batches)
        {
            using var scope = NewDisposeScope();
            var norms = squared ? batch.to_type(ScalarType.Float64).square().sum(1) : batch.norm(1, false, 2);
            sum += norms.sum().to_type(ScalarType.Float64).ToDouble();
            rows += batch.shape[0];
        }
        return sum / rows;
    }
}
