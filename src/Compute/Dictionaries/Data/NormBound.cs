using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>
/// Leaves out rows whose norm is many times that of the others (attention sinks): a few of them would be all that errors show.
/// </summary>
internal static class NormBound
{
    /// <summary>Which rows are not longer than so many times the median of all (of an even number the lower middle one).</summary>
    /// <param name="rows">[n, width], n at least 1.</param>
    /// <returns>Indices, ascending, in the caller's dispose scope. [kept]</returns>
    public static Tensor Within(Tensor rows, double times)
    {
        var norms = rows.square().sum(1).sqrt();
        return norms.le(norms.median() * times).nonzero().flatten();
    }
}
