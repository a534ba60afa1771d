using InterpActors.Compute.Dictionaries.Data;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// How well a dictionary reconstructs rows that it was not trained on, and apart from the rest those of special tokens (the table of FAST,
/// arXiv:2506.07691). Sums in float64, in the order of the data.
/// </summary>
internal sealed class HeldOutScore(int width)
{
    private readonly double[] _sum = new double[width];
    private long _rows, _special, _active;
    private double _errors, _specialErrors, _squares;

    /// <summary>What is measured, in the order of the columns.</summary>
    /// <param name="special">Whether special tokens are marked.</param>
    public static IReadOnlyList<string> Names(bool special) =>
    [
        "eval_tokens", "eval_l0", "eval_explained_variance", "eval_mse", "eval_mse_per_dimension",
        .. special ? ["eval_special_tokens", "eval_mse_special", "eval_mse_special_per_dimension", "eval_mse_text"] : Array.Empty<string>(),
    ];

    /// <param name="dictionary">Ready for use, in any dtype.</param>
    public void Add(SparseDictionary dictionary, HeldOutRows rows)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var encoding = dictionary.Encode(rows.X);
        var x = rows.X.to_type(ScalarType.Float64);
        var back = dictionary.Forward(dictionary.Decode(encoding.Activations, encoding.Frame), rows.X).to_type(ScalarType.Float64);
        var errors = (x - back).square().sum(1);
        _rows += x.shape[0];
        _active += (encoding.Activations != 0).sum().item<long>();
        _errors += errors.sum().item<double>();
        _squares += x.square().sum().item<double>();
        var sums = x.sum(dim: 0).data<double>();
        for (var i = 0; i < width; i++) _sum[i] += sums[i];
        if (rows.Special is not { } special) return;
        _special += special.sum().item<long>();
        _specialErrors += errors.masked_select(special).sum().item<double>();
    }

    /// <summary>By name; what has no rows is absent. Squared errors are summed over the width, as SAELens' <c>mse</c>, and also given per
    /// dimension.</summary>
    public IReadOnlyDictionary<string, double> Values()
    {
        var (text, variance) = (_rows - _special, _squares - _sum.Sum(s => s * s) / _rows);
        var values = new Dictionary<string, double>
        {
            ["eval_tokens"] = _rows,
            ["eval_l0"] = _active / (double)_rows,
            ["eval_explained_variance"] = 1 - _errors / variance,
            ["eval_mse"] = _errors / _rows,
            ["eval_mse_per_dimension"] = _errors / _rows / width,
            ["eval_special_tokens"] = _special,
            ["eval_mse_special"] = _specialErrors / _special,
            ["eval_mse_special_per_dimension"] = _specialErrors / _special / width,
            ["eval_mse_text"] = (_errors - _specialErrors) / text,
        };
        return values.Where(v => double.IsFinite(v.Value)).ToDictionary(v => v.Key, v => v.Value);
    }
}
