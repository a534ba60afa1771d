using System.Diagnostics;
using Akka.Actor;
using InterpActors.Actors.Telemetry;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Compute;

/// <summary>
/// Computes units on a thread of its own; the only kind of actor that calls <see cref="IUnitRunner"/>, and free to block. Whatever the
/// runner throws becomes a message, for an exception would restart the actor and leave the worker waiting for ever.
/// </summary>
public abstract class EngineActor : ReceiveActor
{
    private readonly IUnitRunner _runner;
    private readonly IComputedLedger _ledger;
    private readonly string _process;

    protected EngineActor(IUnitRunner runner, IComputedLedger ledger, string process)
    {
        _runner = runner;
        _ledger = ledger;
        _process = process;
        Receive<ComputeUnit>(Compute);
    }

    private void Compute(ComputeUnit m)
    {
        var unit = m.Assign.Try();
        var worker = Sender;
        try
        {
            m.Cancellation.ThrowIfCancellationRequested();
            var begun = Stopwatch.GetTimestamp();
            using var span = Traces.Compute(m.Assign.Unit, m.Assign.Attempt, m.Device, m.Assign.Trace);
            var output = _runner.Run(m.Study, m.Assign.Unit, Offer(m, worker));
            Meters.Compute(m.Device, begun);
            // Before the result leaves: whatever happens from here on, the work was done and is counted.
            var computed = _ledger.Append(unit.Study, _process, unit.Ordinal, unit.Attempt);
            worker.Tell(new EngineDone(unit, output, computed));
        }
        catch (OperationCanceledException) when (m.Cancellation.IsCancellationRequested)
        {
            worker.Tell(new EngineStopped(unit));
        }
        catch (UnitException e)
        {
            worker.Tell(new EngineFailed(unit, e.Kind, OneLine(e)));
        }
        catch (LedgerException e)
        {
            worker.Tell(new EngineFailed(unit, UnitFailureKind.Fatal, e.Message));
        }
        catch (Exception e)
        {
            worker.Tell(new EngineFailed(unit, UnitFailureKind.Transient, $"{e.GetType().Name}: {OneLine(e)}"));
        }
    }

    /// <summary>What the unit may use while it runs.</summary>
    /// <param name="worker">Hears how it is doing.</param>
    private protected virtual UnitContext Offer(ComputeUnit m, IActorRef worker)
    {
        var unit = m.Assign.Try();
        return new UnitContext(m.Device, f => worker.Tell(new EngineProgress(unit, f)), m.Cancellation);
    }

    private static string OneLine(Exception e)
    {
        var line = e.Message.ReplaceLineEndings(" ");
        return line.Length <= 500 ? line : line[..500];
    }
}
