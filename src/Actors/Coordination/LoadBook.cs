using InterpActors.Messages.Cluster;

namespace InterpActors.Actors.Coordination;

/// <summary>The newest load of every member that reported lately; members that went are forgotten.</summary>
/// <param name="keep">How long a report counts.</param>
internal sealed class LoadBook(TimeSpan keep, TimeProvider clock)
{
    private readonly Dictionary<string, (NodeLoad Load, DateTimeOffset At)> _loads = [];

    public void Note(NodeLoad load)
    {
        _loads[load.Node] = (load, clock.GetUtcNow());
        Forget();
    }

    public IReadOnlyList<NodeLoad> Latest()
    {
        Forget();
        return [.. _loads.Values.Select(l => l.Load).OrderBy(l => l.Node, StringComparer.Ordinal)];
    }

    private void Forget()
    {
        var oldest = clock.GetUtcNow() - keep;
        foreach (var node in _loads.Where(l => l.Value.At < oldest).Select(l => l.Key).ToArray()) _loads.Remove(node);
    }
}
