using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries;

/// <summary>How a dictionary rescales each activation before it encodes it.</summary>
public enum InputNormalisation
{
    None,

    /// <summary>By a scalar that training folded into the weights or the user multiplies in: nothing is done here.</summary>
    ExpectedAverageOnlyIn,

    /// <summary>x · √d / ‖x‖.</summary>
    ConstantNormRescale,

    /// <summary>(x − mean) / (standard deviation + 1e-5), the deviation with n − 1.</summary>
    LayerNorm,
}

/// <summary>
/// What was done to activations before they were encoded, and so what a decoder's output needs to be of their kind again. One per
/// encoded tensor: ablating or steering a latent decodes with the frame of the encoding.
/// </summary>
public sealed class InputFrame
{
    private readonly long[] _shape;
    private readonly bool _heads;
    private readonly Tensor? _scale, _shift;

    private InputFrame(long[] shape, bool heads, Tensor? scale, Tensor? shift) =>
        (_shape, _heads, _scale, _shift) = (shape, heads, scale, shift);

    /// <summary>Flattens heads and normalises.</summary>
    /// <param name="x">[…, d_in], or […, heads, d_head] where <paramref name="heads"/>.</param>
    /// <returns>What is encoded, […, d_in], and its frame, both of the caller's dispose scope.</returns>
    public static (Tensor Input, InputFrame Frame) Of(Tensor x, InputNormalisation normalisation, bool heads)
    {
        var shape = x.shape;
        if (heads) x = x.flatten(-2);
        switch (normalisation)
        {
            case InputNormalisation.LayerNorm:
                var mean = x.mean([-1], keepdim: true);
                var centred = x - mean;
                var deviation = (centred.square().sum(-1, keepdim: true) / (x.shape[^1] - 1)).sqrt();
                return (centred / (deviation + 1e-5), new InputFrame(shape, heads, deviation, mean));
            case InputNormalisation.ConstantNormRescale:
                var factor = Math.Sqrt(x.shape[^1]) / x.square().sum(-1, keepdim: true).sqrt();
                return (x * factor, new InputFrame(shape, heads, 1 / factor, null));
            default:
                return (x, new InputFrame(shape, heads, null, null));
        }
    }

    /// <summary>
    /// What a change of the normalised reconstruction changes of the activation: the scale is undone, the shift cancels. Heads stay flat.
    /// </summary>
    /// <param name="change">[…, d_in]</param>
    public Tensor RestoreChange(Tensor change) => _scale is null ? change : change * _scale;

    /// <summary>Undoes it all on a reconstruction […, d_in].</summary>
    public Tensor Restore(Tensor reconstruction)
    {
        if (_scale is not null) reconstruction = reconstruction * _scale;
        if (_shift is not null) reconstruction = reconstruction + _shift;
        return _heads ? reconstruction.reshape(_shape) : reconstruction;
    }
}
