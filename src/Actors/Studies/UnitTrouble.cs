namespace InterpActors.Actors.Studies;

/// <summary>What has gone wrong with an open unit.</summary>
/// <param name="Failures">Tries that failed in all; the next one has the number after that.</param>
/// <param name="Faults">Those since its last checkpoint that its engine reported.</param>
/// <param name="Deaths">Those since its last checkpoint whose worker was lost.</param>
public readonly record struct UnitTrouble(int Failures, int Faults, int Deaths)
{
    /// <summary>Failures since the unit came forward last.</summary>
    public int InARow => Faults + Deaths;

    /// <param name="workerDied">The worker was lost; the unit may have nothing to do with it.</param>
    public UnitTrouble After(bool workerDied) => workerDied
        ? this with { Failures = Failures + 1, Deaths = Deaths + 1 }
        : this with { Failures = Failures + 1, Faults = Faults + 1 };

    /// <summary>It came forward: what was before says nothing of the next try.</summary>
    public UnitTrouble Forgiven() => this with { Faults = 0, Deaths = 0 };
}
