using System.Collections.Concurrent;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>
/// One thread of a process at a time works in a folder: a unit may be handed out twice (to finish sooner, or after a lost message), and its
/// second try would write over the first one's checkpoints.
/// </summary>
internal static class UnitLocks
{
    private static readonly ConcurrentDictionary<string, SemaphoreSlim> Locks = new(StringComparer.Ordinal);

    /// <exception cref="OperationCanceledException">Nobody wants the unit any more.</exception>
    public static IDisposable Enter(string folder, CancellationToken cancellation)
    {
        var gate = Locks.GetOrAdd(folder, _ => new SemaphoreSlim(1));
        gate.Wait(cancellation);
        return new Held(gate);
    }

    private sealed class Held(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
