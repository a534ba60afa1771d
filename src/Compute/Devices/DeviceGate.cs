using System.Collections.Concurrent;

namespace InterpActors.Compute.Devices;

/// <summary>Units of a device share its memory. One that found too little may wait until it is alone.</summary>
internal sealed class DeviceGate
{
    // Units of a sweep end within it; nobody should wait for a training.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, ReaderWriterLockSlim> _devices = new();

    /// <summary>Computes beside other units.</summary>
    public T Beside<T>(string device, Func<T> compute)
    {
        var gate = Gate(device);
        gate.EnterReadLock();
        try
        {
            return compute();
        }
        finally
        {
            gate.ExitReadLock();
        }
    }

    /// <summary>Computes while no other unit is computed on the device; not at all where the others do not end soon.</summary>
    /// <returns>Whether it was computed, and what it gave.</returns>
    public (bool Done, T? Result) Alone<T>(string device, Func<T> compute)
    {
        var gate = Gate(device);
        if (!gate.TryEnterWriteLock(Patience)) return default;
        try
        {
            return (true, compute());
        }
        finally
        {
            gate.ExitWriteLock();
        }
    }

    private ReaderWriterLockSlim Gate(string device) => _devices.GetOrAdd(device, _ => new ReaderWriterLockSlim());
}
