namespace InterpActors.Actors.Work;

/// <summary>
/// When a unit that a worker holds for long is given to an idle worker too, once its study has no other unit left to hand out.
/// </summary>
/// <param name="Factor">So many times the study's typical unit time is long.</param>
/// <param name="AtLeast">Nothing shorter is.</param>
public sealed record TailPolicy(double Factor, TimeSpan AtLeast)
{
    /// <param name="age">How long the unit has been computed.</param>
    /// <param name="fraction">Its done fraction as the holder says; 0 where it does not.</param>
    /// <param name="typical">Seconds that a unit of the study usually takes.</param>
    /// <param name="slowness">How much slower than usual the idle worker is; 1 is usual.</param>
    public bool IsWorthIt(TimeSpan age, double fraction, double typical, double slowness)
    {
        if (age < AtLeast || age.TotalSeconds < Factor * typical) return false;
        // Where nothing is known of the rest, it is as likely as not to take as long again.
        var rest = fraction is > 0 and < 1 ? age.TotalSeconds * (1 - fraction) / fraction : age.TotalSeconds;
        return typical * slowness < rest;
    }
}
