using InterpActors.Actors.Compute;

namespace InterpActors.Actors.Tests.Compute;

public class PrefetchTests
{
    private static readonly Prefetch Prefetch = new(TimeSpan.FromMilliseconds(250), 16);

    [Theory]
    [InlineData(null, 1)]
    [InlineData(60.0, 1)]
    [InlineData(0.25, 1)]
    [InlineData(0.1, 3)]
    [InlineData(0.02, 13)]
    [InlineData(0.0001, 16)]
    [InlineData(0.0, 16)]
    public void A_worker_has_a_quarter_of_a_second_in_hand_and_at_least_one_unit(double? seconds, int demand) =>
        Assert.Equal(demand, Prefetch.Demand(seconds));

    [Fact]
    public void A_first_unit_that_loaded_the_model_is_soon_forgotten()
    {
        double? mean = null;
        for (var i = 0; i < 20; i++) mean = Prefetch.Mean(mean, i == 0 ? 5 : 0.01);
        Assert.InRange(Prefetch.Demand(mean), 10, 16);
        for (var i = 0; i < 5; i++) mean = Prefetch.Mean(mean, 2);
        Assert.Equal(1, Prefetch.Demand(mean));
    }
}
