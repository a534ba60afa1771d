using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Training;

/// <summary>
/// All that a run carries from one step to the next. A step is a pure function of it and the batch; two equal states give equal bytes
/// when they are written.
/// </summary>
public sealed class TrainingState : IDisposable
{
    /// <param name="weights">Parameters and adaptive state of the plan's types; taken over.</param>
    public TrainingState(TrainingPlan plan, DictionaryWeights weights)
    {
        using var scope = NewDisposeScope();
        Weights = weights;
        FirstMoments = new DictionaryWeights(plan.Trained.Select(p => (p, zeros_like(weights[p]))));
        SecondMoments = new DictionaryWeights(plan.Trained.Select(p => (p, zeros_like(weights[p]))));
        SinceFired = zeros([plan.Sizes.Latents], ScalarType.Int64).DetachFromDisposeScope();
        Fired = zeros([plan.Sizes.Latents], ScalarType.Int64).DetachFromDisposeScope();
    }

    /// <summary>Steps that were done.</summary>
    public long Step { get; set; }

    /// <summary>Parameters and adaptive state, in SAELens' layout.</summary>
    public DictionaryWeights Weights { get; }

    /// <summary>Adam's mean gradients by parameter.</summary>
    public DictionaryWeights FirstMoments { get; }

    /// <summary>Adam's mean squared gradients by parameter.</summary>
    public DictionaryWeights SecondMoments { get; }

    /// <summary>Steps since each latent fired: [d_sae] int64.</summary>
    public Tensor SinceFired { get; }

    /// <summary>Rows in which each latent fired: [d_sae] int64.</summary>
    public Tensor Fired { get; }

    /// <summary>What every activation is multiplied by; 1 where the data are not scaled.</summary>
    public double ScalingFactor { get; set; } = 1;

    /// <summary>Share of the codes that were not 0 in the step before; 1 before the first. Decides how the next step is computed.</summary>
    public double Density { get; set; } = 1;

    /// <inheritdoc/>
    public void Dispose()
    {
        Weights.Dispose();
        FirstMoments.Dispose();
        SecondMoments.Dispose();
        SinceFired.Dispose();
        Fired.Dispose();
    }

    /// <summary>
    /// SAELens' initial weights: decoder entries uniform within ±√(6 / d_in), rows scaled to one norm, the encoder its transpose, biases 0.
    /// </summary>
    /// <param name="seed">Equal seeds give equal weights on every machine.</param>
    public static TrainingState Random(TrainingPlan plan, long seed)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        var sizes = plan.Sizes;
        var decoder = rand([sizes.Latents, sizes.Output], ScalarType.Float64, generator: generator) * 2 - 1;
        decoder = decoder * (plan.DecoderNorm / decoder.square().sum(1, keepdim: true).sqrt());
        return new TrainingState(plan, new DictionaryWeights(plan.Architecture.Parameters.Select(p => (p.Name, (p.Name switch
        {
            "W_dec" => decoder,
            "W_enc" => decoder.t().contiguous(),
            _ => full(sizes.Shape(p.Dimensions), plan.Architecture.InitialValue(p.Name), ScalarType.Float64),
        }).to_type(plan.TypeOf(p.Name), copy: true)))));
    }

    /// <summary>Begins with the weights of a dictionary of the plan's architecture; adaptive state that it lacks begins with 0.</summary>
    /// <exception cref="KeyNotFoundException">It is of another architecture.</exception>
    public static TrainingState From(TrainingPlan plan, DictionaryWeights weights)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        return new TrainingState(plan, new DictionaryWeights(plan.Architecture.Parameters.Select(p => (p.Name,
            plan.Architecture.AdaptiveState.Contains(p.Name) && !weights.Has(p.Name)
                ? zeros(plan.Sizes.Shape(p.Dimensions), ScalarType.Float64)
                : weights[p.Name].to_type(plan.TypeOf(p.Name), copy: true)))));
    }
}
