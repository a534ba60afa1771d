using System.Numerics;
using System.Runtime.Intrinsics;
using InterpActors.Compute.Models;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>LayerNorm and RMSNorm of single tokens.</summary>
internal static unsafe class RowNorm<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>output = (x − mean) / sqrt(var + eps) · weight + bias; without the mean for RMSNorm.</summary>
    /// <param name="weight">[width], or null for 1.</param>
    /// <param name="bias">[width], or null for 0.</param>
    /// <returns>False where the token's scale is not finite.</returns>
    public static bool Apply(NormKind kind, T* x, T* output, int width, T* weight, T* bias, double epsilon)
    {
        var mean = kind == NormKind.LayerNorm ? Sum(x, width) / T.CreateChecked(width) : T.Zero;
        var variance = SquaredDistance(x, mean, width) / T.CreateChecked(width);
        var inverse = T.One / T.Sqrt(variance + T.CreateChecked(epsilon));
        if (!T.IsFinite(variance)) return false;

        var (means, inverses) = (Vector512.Create(mean), Vector512.Create(inverse));
        var i = 0;
        for (; i <= width - Vector512<T>.Count; i += Vector512<T>.Count)
        {
            var y = (Vector512.Load(x + i) - means) * inverses;
            if (weight != null) y *= Vector512.Load(weight + i);
            if (bias != null) y += Vector512.Load(bias + i);
            y.Store(output + i);
        }
        for (; i < width; i++)
        {
            var y = (x[i] - mean) * inverse;
            if (weight != null) y *= weight[i];
            output[i] = bias != null ? y + bias[i] : y;
        }
        return true;
    }

    private static T Sum(T* x, int width)
    {
        var sum = Vector512<T>.Zero;
        var i = 0;
        for (; i <= width - Vector512<T>.Count; i += Vector512<T>.Count) sum += Vector512.Load(x + i);
        var total = Vector512.Sum(sum);
        for (; i < width; i++) total += x[i];
        return total;
    }

    private static T SquaredDistance(T* x, T mean, int width)
    {
        var (sum, means) = (Vector512<T>.Zero, Vector512.Create(mean));
        var i = 0;
        for (; i <= width - Vector512<T>.Count; i += Vector512<T>.Count)
        {
            var d = Vector512.Load(x + i) - means;
            sum = Lanes.Fma(d, d, sum);
        }
        var total = Vector512.Sum(sum);
        for (; i < width; i++) total += (x[i] - mean) * (x[i] - mean);
        return total;
    }
}
