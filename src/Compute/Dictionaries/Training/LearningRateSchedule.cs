namespace InterpActors.Compute.Dictionaries.Training;

/// <summary>
/// Learning rates of a run: linear warm-up to <paramref name="Rate"/>, then constant or a half cosine to <paramref name="End"/>, and in the
/// last steps linearly towards 0, of which the first still has the full rate.
/// </summary>
/// <param name="Cosine">Half cosine after the warm-up; otherwise constant, and <paramref name="End"/> counts for nothing.</param>
/// <param name="WarmUpSteps">The rate of step t is (t + 1) / this.</param>
/// <param name="DecaySteps">The factor of decay step j from 0 is 1 − j / this.</param>
/// <param name="Steps">Of the whole run.</param>
public sealed record LearningRateSchedule(double Rate, bool Cosine, double End, int WarmUpSteps, int DecaySteps, long Steps)
{
    /// <param name="step">From 0.</param>
    public double At(long step)
    {
        if (step < WarmUpSteps) return Rate * (step + 1) / WarmUpSteps;
        var decay = Steps - DecaySteps;
        if (step >= decay) return (Cosine ? End : Rate) * (1 - (double)(step - decay) / DecaySteps);
        return Cosine
            ? End + (Rate - End) * (1 + Math.Cos(Math.PI * (step - WarmUpSteps) / (decay - WarmUpSteps))) / 2
            : Rate;
    }
}
