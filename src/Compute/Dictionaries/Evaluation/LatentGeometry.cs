using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// What the weights of latents tell without any data. Arrays are [latents]; encoder facts are null where there is no encoder.
/// </summary>
/// <param name="NearestDecoder">Largest cosine of a latent's decoder row with another one's.</param>
/// <param name="NearestEncoder">The same for encoder columns.</param>
internal sealed record LatentGeometry(
    double[]? EncoderBias, double[]? EncoderNorm, double[]? EncoderDecoder, double[] NearestDecoder, double[]? NearestEncoder)
{
    private const int Rows = 1024;

    /// <summary>The facts of latents <paramref name="first"/> … among all latents.</summary>
    public static LatentGeometry Of(SparseDictionary dictionary, int first, int count, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var weights = dictionary.Weights;
        var decoder = weights["W_dec"];
        var nearestDecoder = Nearest(decoder, first, count, cancellation);
        if (!weights.Has("W_enc")) return new LatentGeometry(null, null, null, nearestDecoder, null);
        var encoder = weights["W_enc"].t().contiguous();
        var some = encoder.narrow(0, first, count).to_type(ScalarType.Float64);
        // A transcoder's two sides live in different spaces.
        var comparable = encoder.shape[1] == decoder.shape[1];
        var bias = weights.Has("b_enc") ? weights["b_enc"] : weights.Has("b_gate") ? weights["b_gate"] : null;
        return new LatentGeometry(
            bias is null ? null : Numbers(bias.narrow(0, first, count)), Numbers(some.norm(1)),
            comparable ? Numbers((Unit(some) * Unit(decoder.narrow(0, first, count))).sum(1)) : null,
            nearestDecoder, Nearest(encoder, first, count, cancellation));
    }

    /// <summary>Facts of neighbouring ranges of latents, joined.</summary>
    public static LatentGeometry Join(IReadOnlyList<LatentGeometry> parts)
    {
        double[]? All(Func<LatentGeometry, double[]?> of) => parts.Any(p => of(p) is null) ? null : [.. parts.SelectMany(p => of(p)!)];
        return new LatentGeometry(All(p => p.EncoderBias), All(p => p.EncoderNorm), All(p => p.EncoderDecoder), All(p => p.NearestDecoder)!,
            All(p => p.NearestEncoder));
    }

    private static double[] Nearest(Tensor directions, int first, int count, CancellationToken cancellation)
    {
        var latents = directions.shape[0];
        if (latents == 1) return [double.NaN];
        var unit = Unit(directions);
        var nearest = new double[count];
        for (var at = 0; at < count; at += Rows)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var many = Math.Min(Rows, count - at);
            var cosines = unit.narrow(0, first + at, many).matmul(unit.t());
            // A latent is not its own neighbour.
            cosines.diagonal(first + at).fill_(-2);
            Numbers(cosines.amax([1L])).CopyTo(nearest, at);
        }
        return nearest;
    }

    private static Tensor Unit(Tensor rows)
    {
        var wide = rows.to_type(ScalarType.Float64);
        return wide / wide.norm(1, keepdim: true).clamp_min(1e-300);
    }

    private static double[] Numbers(Tensor values) => values.to_type(ScalarType.Float64).contiguous().data<double>().ToArray();
}
