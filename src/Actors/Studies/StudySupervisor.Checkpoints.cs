using Akka.Event;
using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;

namespace InterpActors.Actors.Studies;

/// <summary>The part of a study's supervisor that follows long units: their checkpoints and what they say of themselves.</summary>
public sealed partial class StudySupervisor
{
    private readonly Dictionary<long, string> _words = [];

    private void ReceiveCheckpoints()
    {
        Command<UnitCheckpointed>(Checkpoint);
        Command<UnitWarning>(m => Warn(m.Unit.Ordinal, m.Process, m.Line));
        Command<UnitSays>(m =>
        {
            if (_running.ContainsKey(m.Ordinal)) _words[m.Ordinal] = m.Words;
        });
    }

    private void Checkpoint(UnitCheckpointed m)
    {
        var known = _state.CheckpointOf(m.Unit.Ordinal);
        if (known is not null && known.Step == m.Checkpoint.Step && known.Artifact != m.Checkpoint.Artifact)
        {
            var line = $"{Label(m.Unit.Ordinal)}, step {known.Step}: the checkpoint of {m.Process} differs from the one in the journal; "
                + "its machine computes other bits";
            _log.Warning("{0}", line);
            Warn(m.Unit.Ordinal, m.Process, line);
        }
        var events = _state.Decide(new StudyRunCommand.Checkpoint(m.Unit.Ordinal, m.Process, m.Checkpoint), _services.Settings.Retry);
        if (events.Count > 0) PersistAllAsync(events, Apply);
    }

    private void Warn(long ordinal, string process, string line) =>
        Note(_state.Decide(new StudyRunCommand.Warn(ordinal, process, line), _services.Settings.Retry));

    /// <summary>Labels of running units, with what they say of themselves.</summary>
    private IEnumerable<string> Running() =>
        _running.Select(r => _words.GetValueOrDefault(r.Key) is { } words ? $"{r.Value}: {words}" : r.Value);
}
