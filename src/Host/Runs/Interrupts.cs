using System.Runtime.InteropServices;
using InterpActors.Host.Commands;

namespace InterpActors.Host.Runs;

/// <summary>
/// Ctrl-C and SIGTERM. While nothing runs they end the process at once. Once armed, the first one asks the run to flush and stop,
/// and the second one ends the process.
/// </summary>
public sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _asked = new();
    private readonly PosixSignalRegistration[] _registrations;
    private volatile bool _armed;

    public Interrupts()
    {
        PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
        _registrations = [.. signals.Select(s => PosixSignalRegistration.Create(s, Handle))];
    }

    /// <summary>Cancelled by the first signal after <see cref="Arm"/>.</summary>
    public CancellationToken Asked => _asked.Token;

    /// <summary>From now on the first signal asks.</summary>
    public void Arm() => _armed = true;

    /// <summary>From now on a signal ends the process at once, which is safe while outputs are written whole or not at all.</summary>
    public void Disarm() => _armed = false;

    /// <summary>What a signal does.</summary>
    internal void Ask()
    {
        if (!_armed || _asked.IsCancellationRequested) Leave();
        _ = _asked.CancelAsync();
    }

    /// <summary>Ends the process now: an orderly exit would wait for the threads that compute.</summary>
    private static void Leave()
    {
        // A live display hides the cursor.
        if (!Console.IsOutputRedirected) Console.Out.Write("\u001b[?25h\n");
        if (OperatingSystem.IsWindows()) Environment.Exit(ExitCode.Interrupted);
        LeaveAtOnce(ExitCode.Interrupted);
    }

    [DllImport("libc", EntryPoint = "_exit")]
    private static extern void LeaveAtOnce(int code);

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _asked.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        Ask();
    }
}
