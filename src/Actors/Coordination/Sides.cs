namespace InterpActors.Actors.Coordination;

/// <summary>The members that see each other, where a cluster's connections are cut or some of its processes are dead.</summary>
/// <param name="Members">How many are in full membership.</param>
/// <param name="Coordinators">How many may lead, those that are just joining included.</param>
/// <param name="HasActive">The one that leads is among them.</param>
public readonly record struct Side(int Members, int Coordinators, bool HasActive);

/// <summary>
/// Which sides go on. That two do is no danger to a study: only a coordinator that has the journal (its own file, or the lease in the
/// database) hands out and writes anything. So the rule only sees to it that the side which can lead has those that compute, and that the
/// death of a member ends no living one.
/// </summary>
public static class Sides
{
    /// <summary>
    /// True where this side takes the other for dead and goes on; false where it ends and joins again. A side that is alone in having a
    /// coordinator goes on, and so does one without any: its coordinator, started again, finds it. Between two that could lead, the larger
    /// one does, and of the smaller one the coordinator that led gives way; one that stood by goes on, for the lease tells it whether the
    /// other lives.
    /// </summary>
    public static bool GoesOn(Side here, Side there) =>
        here.Coordinators == 0 || there.Coordinators == 0 || here.Members >= there.Members || !here.HasActive;
}
