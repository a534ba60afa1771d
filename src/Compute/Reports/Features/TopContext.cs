namespace InterpActors.Compute.Reports.Features;

/// <summary>A place in the data where a latent fires more than elsewhere in its sequence.</summary>
/// <param name="Position">Of the strongest token, in the sequence.</param>
/// <param name="Value">The latent's activation there.</param>
/// <param name="Activations">[<see cref="Window"/>] around the position, in 255ths of <paramref name="Value"/>;
/// 0 where there is no token.</param>
internal sealed record TopContext(long Sequence, int Position, double Value, ReadOnlyMemory<double> Activations) : IComparable<TopContext>
{
    /// <summary>Tokens that are shown before the strongest one.</summary>
    public const int Before = 14;

    /// <summary>Tokens that are shown in all.</summary>
    public const int Window = 24;

    /// <param name="positions">Positions of the rows that were encoded.</param>
    /// <param name="row">The row of the strongest token.</param>
    /// <param name="activation">The latent's activation by row.</param>
    public static TopContext Of(long sequence, int[] positions, int row, int length, double value, Func<int, double> activation)
    {
        var window = new double[Window];
        var first = positions[row] - Before;
        for (var i = 0; i < positions.Length; i++)
        {
            var at = positions[i] - first;
            if (at >= 0 && at < Window && positions[i] < length) window[at] = Math.Clamp(Math.Round(255 * activation(i) / value), 0, 255);
        }
        return new TopContext(sequence, positions[row], value, window);
    }

    /// <summary>Strongest first; of equals the earlier.</summary>
    public int CompareTo(TopContext? other)
    {
        if (other is null) return -1;
        var by = other.Value.CompareTo(Value);
        if (by == 0) by = Sequence.CompareTo(other.Sequence);
        return by == 0 ? Position.CompareTo(other.Position) : by;
    }
}
