using System.Globalization;
using InterpActors.Compute.Interventions.Kernels;
using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>A way to compute a linear layer.</summary>
public enum MatmulRoute
{
    /// <summary>torch's own matmul (MKL).</summary>
    Torch,

    /// <summary>oneDNN, reached through a 1x1 convolution; fp32 only (in fp64: torch's).</summary>
    OneDnn,

    /// <summary>Our own vectorised matmul over weights in panels: a token's bits do not depend on the rest of its batch. It keeps a
    /// second copy of the weight.</summary>
    Packed,
}

/// <summary>
/// Which way each linear layer takes, by the shape of its weight. Written as text (<c>torch</c>, <c>packed</c>, or
/// <c>2304x768=packed 768x768=onednn</c>, other shapes torch) it is stored with the run, because the last bits of a result depend on it.
/// </summary>
public sealed class MatmulRoutes
{
    /// <summary>Enough tokens for every route's full rate, few enough that a shape takes milliseconds.</summary>
    private const int CalibrationTokens = 192;

    private const int CalibrationRounds = 5;

    private readonly SortedDictionary<(long Out, long In), MatmulRoute> _routes;
    private readonly MatmulRoute _otherwise;

    private MatmulRoutes(SortedDictionary<(long, long), MatmulRoute> routes, MatmulRoute otherwise) =>
        (_routes, _otherwise) = (routes, otherwise);

    /// <summary>torch's own matmul everywhere.</summary>
    public static MatmulRoutes Torch { get; } = new([], MatmulRoute.Torch);

    /// <summary>Our own matmul everywhere.</summary>
    public static MatmulRoutes Packed { get; } = new([], MatmulRoute.Packed);

    /// <summary>oneDNN everywhere.</summary>
    public static MatmulRoutes OneDnn { get; } = new([], MatmulRoute.OneDnn);

    /// <summary>The route of a weight [out, in].</summary>
    public MatmulRoute this[long outputs, long inputs] => _routes.GetValueOrDefault((outputs, inputs), _otherwise);

    /// <summary>
    /// Chooses the fastest way for each of the model's weight shapes by a short measurement on one thread of a worker. fp64 always takes
    /// the packed way: it is there for exactness, and tokens that do not depend on their batch give effects of exactly 0.
    /// </summary>
    /// <param name="threads">Torch threads of a worker.</param>
    public static MatmulRoutes Calibrate(ModelConfig config, ScalarType type, int threads)
    {
        if (type != ScalarType.Float32) return Packed;
        var routes = new SortedDictionary<(long, long), MatmulRoute>();
        foreach (var shape in Shapes(config)) routes.TryAdd(shape, Fastest(shape.Out, shape.In, threads));
        return routes.Values.All(r => r == MatmulRoute.Packed) ? Packed : new(routes, MatmulRoute.Torch);
    }

    /// <summary>Bytes of the weights' second copies.</summary>
    public long PackedBytes(ModelConfig config, ScalarType type) =>
        Shapes(config).Where(s => this[s.Out, s.In] == MatmulRoute.Packed).Sum(s => s.Out * s.In)
            * config.Layers * (type == ScalarType.Float64 ? 8 : 4);

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="StudyException">The text is not of that form.</exception>
    public static MatmulRoutes Parse(string text)
    {
        if (text.Trim() is "torch" or "packed" or "onednn") return new([], Route(text.Trim()));
        var routes = new SortedDictionary<(long, long), MatmulRoute>();
        foreach (var item in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = item.Split('=', 'x');
            if (parts.Length != 3 || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var outputs)
                || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var inputs))
                throw Wrong(item);
            routes[(outputs, inputs)] = Route(parts[2]);
        }
        return routes.Count > 0 ? new(routes, MatmulRoute.Torch) : throw Wrong(text);

        MatmulRoute Route(string word) => word switch
        {
            "torch" => MatmulRoute.Torch,
            "onednn" => MatmulRoute.OneDnn,
            "packed" => MatmulRoute.Packed,
            _ => throw Wrong(word),
        };
        static StudyException Wrong(string what) =>
            new($"'{what}' is not a matmul route", "matmul", "write torch, onednn or packed, or OUTxIN=packed for each shape");
    }

    /// <inheritdoc/>
    public override string ToString() => _routes.Count == 0 ? _otherwise.ToString().ToLowerInvariant()
        : string.Join(' ', _routes.Select(r =>
            string.Create(CultureInfo.InvariantCulture, $"{r.Key.Out}x{r.Key.In}={r.Value.ToString().ToLowerInvariant()}")));

    /// <summary>Weight shapes of a block. The unembedding takes torch's way unless everything is packed: few rows reach it.</summary>
    private static IEnumerable<(long Out, long In)> Shapes(ModelConfig c)
    {
        yield return ((c.Heads + 2L * c.KeyValueHeads) * c.HeadWidth, c.ModelWidth);
        yield return (c.ModelWidth, (long)c.Heads * c.HeadWidth);
        if (!c.HasMlp) yield break;
        yield return (c.GatedMlp ? 2L * c.MlpWidth : c.MlpWidth, c.ModelWidth);
        yield return (c.ModelWidth, c.MlpWidth);
    }

    private static unsafe MatmulRoute Fastest(long outputs, long inputs, int threads)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var (x, weight) = (ones([CalibrationTokens, inputs]), ones([outputs, inputs]));
        var output = empty([CalibrationTokens, outputs]);
        using var packed = new PackedWeight<float>((float*)TensorMemory.Address(weight), (int)outputs, (int)inputs);
        var (from, to) = (TensorMemory.Address(x), TensorMemory.Address(output));
        var times = new double[3];
        Array.Fill(times, double.MaxValue);
        for (var round = 0; round <= CalibrationRounds; round++)
            foreach (var route in new[] { MatmulRoute.Packed, MatmulRoute.OneDnn, MatmulRoute.Torch })
            {
                using var inner = NewDisposeScope();
                var start = System.Diagnostics.Stopwatch.GetTimestamp();
                if (route == MatmulRoute.Packed)
                    packed.Multiply((float*)from, CalibrationTokens, null, (float*)to, 0, (int)outputs, threads);
                else LinearLayer.Apply(x, weight, null, route);
                // The first round warms up.
                if (round > 0)
                    times[(int)route] = Math.Min(times[(int)route], System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        // The packed way keeps its rate at few tokens, where this measurement does not look: another must be clearly faster.
        times[(int)MatmulRoute.Packed] *= 0.8;
        return (MatmulRoute)Array.IndexOf(times, times.Min());
    }
}
