using InterpActors.Actors.Work;

namespace InterpActors.Actors.Tests.Work;

/// <summary>Who is served, without actors: units of a study take the same time, one worker.</summary>
public class FairShareTests
{
    private readonly FairShare _share = new();

    private FairShare.Account Join(int priority = 0)
    {
        var account = new FairShare.Account { Priority = priority };
        _share.Join(account);
        return account;
    }

    /// <summary>Worker seconds that each study gets out of so many units.</summary>
    private double[] Serve(int units, params (FairShare.Account Account, double Seconds)[] studies)
    {
        var got = new double[studies.Length];
        for (var i = 0; i < units; i++)
        {
            var best = 0;
            for (var s = 1; s < studies.Length; s++)
                if (FairShare.IsBefore(studies[s].Account, studies[best].Account)) best = s;
            _share.Serve(studies[best].Account);
            FairShare.Charge(studies[best].Account, studies[best].Seconds);
            got[best] += studies[best].Seconds;
        }
        return got;
    }

    [Fact]
    public void Equal_studies_take_turns() => Assert.Equal([4, 4, 4], Serve(12, (Join(), 1), (Join(), 1), (Join(), 1)));

    [Fact]
    public void Worker_time_is_shared_not_units()
    {
        var got = Serve(110, (Join(), 1), (Join(), 0.1));
        Assert.InRange(got[0] / got[1], 0.8, 1.25);
    }

    [Fact]
    public void A_step_of_priority_is_twice_the_share_and_the_lowest_does_not_starve()
    {
        var got = Serve(700, (Join(2), 1), (Join(1), 1), (Join(), 1));
        Assert.Equal([400, 200, 100], got);
        Assert.True(Serve(2000, (Join(3), 1), (Join(-6), 1))[1] >= 3);
    }

    [Fact]
    public void A_study_that_comes_later_or_comes_back_is_neither_paid_for_its_absence_nor_pays_for_it()
    {
        var (old, away) = (Join(), Join());
        Serve(2, (old, 1), (away, 1));
        Serve(100, (old, 1));
        _share.Join(away);
        Assert.Equal([5, 5], Serve(10, (old, 1), (away, 1)));
        Assert.Equal([5, 5], Serve(10, (old, 1), (Join(), 1)));
    }
}
