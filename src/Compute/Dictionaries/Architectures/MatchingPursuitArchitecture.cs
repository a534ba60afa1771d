using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>
/// Picks atoms one after the other: the one that correlates best with what is left, whose part is then subtracted. An atom may be picked
/// again; its coefficients add up. A row ends when its support did not change, or its residual is short enough; its last pick is kept.
/// </summary>
/// <param name="ResidualThreshold">A row ends below this residual norm; 0: never for this reason.</param>
/// <param name="MaxIterations">Most picks; null: d_in.</param>
/// <param name="StopsOnDuplicateSupport">A row ends when a pick left its support as it was.</param>
public sealed record MatchingPursuitArchitecture(bool SubtractsDecoderBias, double ResidualThreshold, int? MaxIterations,
    bool StopsOnDuplicateSupport) : ITrainableArchitecture
{
    /// <inheritdoc/>
    public string Name => "matching_pursuit";

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters { get; } = [LinearCode.DecoderWeight, LinearCode.DecoderBias];

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var centred = LinearCode.Centre(weights, x, SubtractsDecoderBias);
        var rows = centred.reshape(-1, centred.shape[^1]);
        var codes = Pursue(weights["W_dec"], rows);
        return new Codes(null, codes.reshape([.. x.shape[..^1], codes.shape[^1]]));
    }

    /// <summary>b_dec is added only where it was subtracted.</summary>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) =>
        SubtractsDecoderBias ? LinearCode.Decode(weights, activations) : activations.matmul(weights["W_dec"]);

    /// <inheritdoc/>
    public void AddKeys(JsonObject configuration)
    {
        configuration["residual_threshold"] = ResidualThreshold;
        configuration["max_iterations"] = MaxIterations;
        configuration["stop_on_duplicate_support"] = StopsOnDuplicateSupport;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> LossTerms { get; } = ["mse_loss"];

    /// <inheritdoc/>
    public StepLosses Losses(DictionaryWeights weights, Tensor x, StepContext context)
    {
        var codes = Encode(weights, x).Activations;
        return new StepLosses([LinearCode.MeanSquares(Decode(weights, codes) - x)], codes);
    }

    /// <summary>Pursuit is homogeneous: only the residual at which it ends has a scale.</summary>
    public IArchitecture Unscaled(double factor) => this with { ResidualThreshold = ResidualThreshold / factor };

    /// <summary>SAELens' training configuration has no keys beside the common ones.</summary>
    public void AddTrainingKeys(JsonObject configuration)
    {
    }

    /// <summary>The codes of rows [n, d_in]. Gradients pass through every pick's coefficient; which atom is picked is a constant.</summary>
    private Tensor Pursue(Tensor atoms, Tensor rows)
    {
        var residual = rows;
        var codes = zeros([rows.shape[0], atoms.shape[0]], rows.dtype);
        var going = ones([rows.shape[0]], ScalarType.Bool);
        var support = zeros(codes.shape, ScalarType.Bool);
        var most = MaxIterations ?? (int)rows.shape[1];
        for (var pick = 0; pick < most && going.any().ToBoolean(); pick++)
        {
            Tensor best;
            using (no_grad()) best = residual.matmul(atoms.t()).argmax(1);
            var atom = atoms.index_select(0, best);
            var coefficient = (residual * atom).sum(1).relu() * going.to_type(rows.dtype);
            codes = codes.scatter_add(1, best.unsqueeze(1), coefficient.unsqueeze(1));
            residual = residual - coefficient.unsqueeze(1) * atom;
            using var unchanged = no_grad();
            if (StopsOnDuplicateSupport)
            {
                var now = codes.detach().ne(0);
                going = going.logical_and(now.ne(support).any(1));
                support = now;
            }
            if (ResidualThreshold > 0) going = going.logical_and(residual.square().sum(1).sqrt().ge(ResidualThreshold));
        }
        return codes;
    }
}
