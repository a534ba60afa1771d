using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Tests.Browsing;

/// <summary>A runner whose units end when the test lets them.</summary>
internal sealed class HeldRunner(IUnitRunner runner) : IUnitRunner
{
    private readonly SemaphoreSlim _let = new(0);

    /// <summary>Lets so many units more go.</summary>
    public void Let(int units) => _let.Release(units);

    public UnitOutput Run(Study study, WorkUnit unit, UnitContext context)
    {
        _let.Wait(context.Cancellation);
        return runner.Run(study, unit, context);
    }

    public void Dispose()
    {
    }
}
