using InterpActors.Compute.Dictionaries.Evaluation;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Dictionaries.Evaluation;

public class FeatureMatchTests
{
    [Fact]
    public void Scaled_turned_round_and_reordered_features_are_found()
    {
        using var scope = NewDisposeScope();
        var features = eye(4, dtype: ScalarType.Float64);
        var decoder = tensor(new double[,] { { 0, -2, 0, 0 }, { 3, 0, 0, 0 }, { 0, 0, 0, 1 }, { 0, 0, 1, 0 } });
        var match = FeatureMatch.Of(decoder, features);

        Assert.Equal(1, match.Mcc, 1e-12);
        Assert.Equal([(0, 1), (1, 0), (2, 3), (3, 2)], match.Matching);
        Assert.Equal(1, match.Uniqueness);
        Assert.Equal(0.75, match.MmcsOfLatents(absolute: false), 1e-12);
        Assert.Equal(1, match.MmcsOfFeatures(absolute: true), 1e-12);
    }

    [Fact]
    public void A_latent_twice_costs_features_but_not_latents()
    {
        using var scope = NewDisposeScope();
        var match = FeatureMatch.Of(tensor(new double[,] { { 1, 0, 0 }, { 1, 0, 0 } }), eye(3, dtype: ScalarType.Float64));

        Assert.Equal(1, match.MmcsOfLatents(absolute: true), 1e-12);
        Assert.Equal(1.0 / 3, match.MmcsOfFeatures(absolute: true), 1e-12);
        Assert.Equal(0.5, match.Uniqueness);
        Assert.Equal(0.5, match.Mcc, 1e-12);
    }

    [Fact]
    public void Scores_do_not_depend_on_how_rows_are_batched()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new double[,] { { 1, 0 }, { 0, 2 }, { 1, 1 }, { 0, 0 } });
        var truth = tensor(new double[,] { { 1, 0 }, { 0, 2 }, { 1, 1 }, { 0, 0 } });
        var codes = tensor(new double[,] { { 1, 0 }, { 0, 1 }, { 0, 1 }, { 0, 0 } });
        var whole = new PlantedScore([0, 1], 2);
        whole.Add(codes, codes, x, truth);
        var parts = new PlantedScore([0, 1], 2);
        parts.Add(codes[..1], codes[..1], x[..1], truth[..1]);
        parts.Add(codes[1..], codes[1..], x[1..], truth[1..]);

        Assert.Equal(whole.F1, parts.F1);
        Assert.Equal(whole.ExplainedVariance, parts.ExplainedVariance, 1e-15);
        // Latent 0 misses row 2: precision 1, recall 1/2. Latent 1 is exact.
        Assert.Equal((2.0 / 3 + 1) / 2, whole.F1, 1e-12);
        Assert.Equal(0.75, whole.Recall, 1e-12);
        Assert.Equal(1, whole.ZeroRows);
        Assert.Equal((1 + 0.5 + 1 / Math.Sqrt(2)) / 3, whole.Shrinkage, 1e-12);
        Assert.Equal(0.75, whole.L0, 1e-12);
        Assert.Equal(1 - 2 / (7 - (4 + 9) / 4.0), whole.ExplainedVariance, 1e-12);
    }

    [Fact]
    public void Absorption_is_full_where_the_parent_is_silent_and_a_child_carries_it()
    {
        var absorption = new Absorption([0.9, 0.6, 0.05], [0], new AbsorptionLimits());

        Assert.Equal((1.0, true), absorption.Of([0, 2, 0], 1.2));
        Assert.Equal((0.0, false), absorption.Of([1.4, 0, 0], 1.2));
        // A latent whose cosine is too small carries nothing, however strongly it fires.
        Assert.Equal((0.0, false), absorption.Of([0, 0, 3], 1.2));
        var (fraction, full) = absorption.Of([0.5, 1.25, 0], 1.2);
        Assert.Equal(0.75 / 1.2, fraction, 1e-12);
        Assert.False(full);
    }
}
