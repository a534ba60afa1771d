using InterpActors.Compute.Statistics;

namespace InterpActors.Compute.Tests.Statistics;

public sealed class MeanEstimateTests
{
    [Fact]
    public void Mean_error_and_interval_of_a_textbook_sample()
    {
        var estimate = MeanEstimate.Of([1, 2, 3, 4]);

        Assert.Equal(2.5, estimate.Mean);
        Assert.Equal(Math.Sqrt(5.0 / 3) / 2, estimate.StandardError!.Value, 1e-15);
        // t(0.975, 3) = 3.182446
        Assert.Equal(3.182446 * Math.Sqrt(5.0 / 3) / 2, estimate.HalfWidth(), 1e-5);
    }

    [Fact]
    public void A_constant_far_from_0_has_no_error() => Assert.Equal(0.0, MeanEstimate.Of([1e9, 1e9, 1e9]).StandardError);

    [Fact]
    public void One_value_has_no_error() => Assert.Null(MeanEstimate.Of([3]).StandardError);

    [Theory]
    [InlineData(new[] { 0.0, 0.0 }, "exactly 0")]
    [InlineData(new[] { 1e-14, 1e-14 }, "rounding")]
    [InlineData(new[] { 1.0, -1.1, 1.2, -0.9 }, "standard error")]
    public void A_denominator_within_its_noise_of_0_is_refused(double[] values, string reason) =>
        Assert.Contains(reason, Denominator.Refusal(values, 1, false, "it"));

    [Theory]
    [InlineData(new[] { 1.0, 0.0, 0.0, 0.0 })]
    [InlineData(new[] { 10.0, -1.0, 3.0 })]
    [InlineData(new[] { -5.0 })]
    public void Other_denominators_are_not(double[] values) => Assert.Null(Denominator.Refusal(values, 1, false, "it"));

    [Fact]
    public void Split_half_is_1_where_halves_agree_and_low_where_they_do_not()
    {
        var same = new SplitHalf();
        var opposed = new SplitHalf();
        for (var cell = 0; cell < 5; cell++)
        {
            same.Add([cell, cell, cell, cell]);
            opposed.Add([cell, -cell, cell, -cell]);
        }

        Assert.Equal(1.0, same.Reliability()!.Value, 1e-12);
        Assert.True(opposed.Reliability() < -0.99);
        Assert.Null(new SplitHalf().Reliability());
    }
}
