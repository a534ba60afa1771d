using InterpActors.Actors.Work;

namespace InterpActors.Actors.Tests.Work;

public class TailPolicyTests
{
    private static readonly TailPolicy Policy = new(3, TimeSpan.FromSeconds(2));

    [Theory]
    // Long beside what is usual, and nothing known of the rest.
    [InlineData(10, 0, 1, 1, true)]
    // Not long enough: by the factor, by the least time.
    [InlineData(2.9, 0, 1, 1, false)]
    [InlineData(1.9, 0, 0.1, 1, false)]
    // Nearly done: the idle worker would not be faster.
    [InlineData(10, 0.95, 1, 1, false)]
    [InlineData(10, 0.5, 1, 1, true)]
    // The idle worker is the slow one itself.
    [InlineData(10, 0, 1, 12, false)]
    public void A_unit_is_given_away_again_where_that_ends_it_sooner(double age, double fraction, double typical, double slowness,
        bool worthIt) =>
        Assert.Equal(worthIt, Policy.IsWorthIt(TimeSpan.FromSeconds(age), fraction, typical, slowness));

    [Fact]
    public void The_usual_time_is_the_median_of_the_last_units()
    {
        var pace = new UnitPace();
        Assert.Null(pace.Typical);
        foreach (var seconds in (double[])[1, 100, 2]) pace.Add(seconds);
        Assert.Equal(2, pace.Typical);
        for (var i = 0; i < 40; i++) pace.Add(5);
        Assert.Equal(5, pace.Typical);
    }
}
