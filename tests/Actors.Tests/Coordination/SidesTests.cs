using InterpActors.Actors.Coordination;

namespace InterpActors.Actors.Tests.Coordination;

public class SidesTests
{
    private static readonly Side Leader = new(1, 1, true);
    private static readonly Side Standby = new(1, 1, false);
    private static readonly Side Nobody = new(0, 0, false);

    private static Side Computing(int nodes) => new(nodes, 0, false);

    private static Side With(Side side, int nodes) => side with { Members = side.Members + nodes };

    [Fact]
    public void The_death_of_a_member_ends_no_living_one()
    {
        foreach (var dead in new[] { Leader, Standby, Computing(1), Nobody })
        {
            Assert.True(Sides.GoesOn(Computing(1), dead));
            Assert.True(Sides.GoesOn(Standby, dead));
            Assert.True(Sides.GoesOn(With(Leader, 1), dead));
        }
        Assert.True(Sides.GoesOn(Computing(1), new Side(2, 2, true)));
        // The leader has died, and most compute nodes with it.
        Assert.True(Sides.GoesOn(Standby, With(Leader, 3)));
    }

    [Fact]
    public void A_side_that_alone_has_a_coordinator_goes_on_however_small_it_is()
    {
        Assert.True(Sides.GoesOn(Leader, Computing(9)));
        Assert.True(Sides.GoesOn(Standby, Computing(9)));
    }

    [Fact]
    public void Of_two_sides_that_could_lead_the_one_with_fewer_nodes_gives_the_lead_up()
    {
        Assert.False(Sides.GoesOn(With(Leader, 1), With(Standby, 2)));
        Assert.True(Sides.GoesOn(With(Standby, 2), With(Leader, 1)));
        Assert.True(Sides.GoesOn(With(Leader, 2), With(Standby, 1)));
    }

    [Fact]
    public void A_coordinator_that_was_just_let_in_counts_for_its_side_but_not_for_its_size()
    {
        // The one that led was killed before the one that was started again was Up; a compute node has let it in.
        var joining = new Side(1, 1, false);
        Assert.True(Sides.GoesOn(joining, Leader));
        Assert.True(Sides.GoesOn(Nobody with { Coordinators = 1 }, Computing(1)));
    }
}
