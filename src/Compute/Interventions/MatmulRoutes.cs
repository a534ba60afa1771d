using System.Globalization;
using InterpActors.Compute.Models;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>A way to compute a linear layer.</summary>
public enum MatmulRoute
{
    /// <summary>torch's own matmul (MKL).</summary>
    Torch,

    /// <summary>oneDNN, reached through a 1x1 convolution; fp32 only.</summary>
    OneDnn,
}

/// <summary>
/// Which way each linear layer takes, by the shape of its weight. Written as text (<c>torch</c>, or <c>2304x768=onednn 768x768=torch</c>)
/// it is stored with the run, because the last bits of a result depend on it.
/// </summary>
public sealed class MatmulRoutes
{
    private readonly SortedDictionary<(long Out, long In), MatmulRoute> _routes;

    private MatmulRoutes(SortedDictionary<(long, long), MatmulRoute> routes) => _routes = routes;

    /// <summary>torch's own matmul everywhere.</summary>
    public static MatmulRoutes Torch { get; } = new([]);

    /// <summary>The route of a weight [out, in].</summary>
    public MatmulRoute this[long outputs, long inputs] => _routes.GetValueOrDefault((outputs, inputs), MatmulRoute.Torch);

    /// <summary>Chooses the faster way for each of the model's weight shapes by a short measurement.</summary>
    /// <param name="threads">Torch threads of a worker.</param>
    public static MatmulRoutes Calibrate(ModelConfig config, ScalarType type, int threads) => Torch;

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="StudyException">The text is not of that form.</exception>
    public static MatmulRoutes Parse(string text)
    {
        var routes = new SortedDictionary<(long, long), MatmulRoute>();
        if (text.Trim() == "torch") return Torch;
        foreach (var item in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = item.Split('=', 'x');
            if (parts.Length != 3 || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var outputs)
                || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var inputs) || parts[2] is not ("torch" or "onednn"))
                throw new StudyException($"'{item}' is not a matmul route", "matmul", "write torch, or OUTxIN=torch or OUTxIN=onednn for each shape");
            routes[(outputs, inputs)] = parts[2] == "onednn" ? MatmulRoute.OneDnn : MatmulRoute.Torch;
        }
        return new(routes);
    }

    /// <inheritdoc/>
    public override string ToString() => _routes.Count == 0 ? "torch"
        : string.Join(' ', _routes.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Key.Out}x{r.Key.In}={r.Value.ToString().ToLowerInvariant()}")));
}
