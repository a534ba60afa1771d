using InterpActors.Actors.Configuration;
using InterpActors.Actors.Journal;
using InterpActors.Host.Runs;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Hosting;

/// <summary>
/// One member of a cluster, with the same actors as <see cref="LocalNode"/>: compute nodes pull units from the coordinator, which is
/// wherever the oldest coordinator member is. A member that the others removed (it was cut off or frozen) joins again by itself, and its
/// units and results go with it (<see cref="ComputeSide"/>).
/// </summary>
public sealed class ClusterNode : IAsyncDisposable
{
    private const string BeginsAnew = "the nodes that let this one in are gone; tries again";

    private static readonly TimeSpan BeforeRejoining = TimeSpan.FromSeconds(2);

    private readonly ClusterNodeOptions _options;
    private readonly RunLock _held;
    private readonly ComputedLog _ledger;
    private readonly ComputeSide? _compute;
    private readonly StudyDesk? _desk;
    private readonly CancellationTokenSource _stopping = new();
    private volatile ClusterMembership _membership;
    private Task _watch = Task.CompletedTask;

    private ClusterNode(ClusterNodeOptions options, RunLock held, ComputedLog ledger, ClusterMembership membership, ComputeSide? compute)
    {
        _options = options;
        _held = held;
        _ledger = ledger;
        _membership = membership;
        _compute = compute;
        if (options.IsCoordinator) _desk = new StudyDesk(() => _membership, options.Journal, ledger);
        (Host, Port) = (membership.Address.Host!, membership.Address.Port!.Value);
    }

    /// <summary>As the other members know it.</summary>
    public string Host { get; }

    /// <summary>As bound; stays for the node's life.</summary>
    public int Port { get; }

    /// <summary>What people ask of the cluster's studies; null on a node that is no coordinator.</summary>
    public IStudyDesk? Desk => _desk;

    /// <summary>The node's present life as a member.</summary>
    internal ClusterMembership Membership => _membership;

    /// <summary>Prepares the journal (coordinators), starts the actors and joins; returns once the node is Up.</summary>
    /// <exception cref="StudyException">The node cannot be started as asked, or nobody let it in; one line says why.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before it was Up.</exception>
    public static async Task<ClusterNode> StartAsync(ClusterNodeOptions options, CancellationToken cancellation = default)
    {
        foreach (var seed in options.Seeds) ClusterMembership.ParseAddress(seed);
        if (options is { IsCoordinator: false, Seeds: [] })
            throw new StudyException(
                "a node that is no coordinator founds no cluster", "--seed-node", "name a node to join, e.g. 10.0.0.1:4053");
        Directory.CreateDirectory(options.Data);
        // Two nodes on one folder would share a ledger, and two coordinators a journal's file.
        var held = RunLock.Take(options.Data, "--data");
        var ledger = new ComputedLog(options.LedgerFile);
        ClusterMembership? membership = null;
        ComputeSide? compute = null;
        try
        {
            if (options.IsCoordinator) options.Journal.Prepare();
            membership = await ClusterMembership.StartAsync(options, options.Port);
            var (address, port) = (ClusterMembers.HostPort(membership.Address)!, membership.Address.Port!.Value);
            if (options.Computes) compute = new ComputeSide(options, membership.Settings, address, ledger);
            while (true)
            {
                if (compute is not null) membership.Attach(compute);
                if (await membership.JoinAsync(options.Seeds, MemberMemory.Read(options.MembersFile), cancellation)) break;
                options.Say(BeginsAnew);
                await membership.LeaveAsync(forGood: false);
                await Task.Delay(BeforeRejoining, cancellation);
                membership = await ClusterMembership.StartAsync(options, port);
            }
            var node = new ClusterNode(options, held, ledger, membership, compute);
            node._watch = node.WatchAsync();
            return node;
        }
        catch
        {
            if (membership is not null) await membership.LeaveAsync(forGood: true);
            if (compute is not null) await compute.StopAsync();
            ledger.Dispose();
            held.Dispose();
            throw;
        }
    }

    /// <summary>Finishes or hands back the units in hand, hands the studies over, leaves the cluster.</summary>
    public async Task StopAsync()
    {
        if (_stopping.IsCancellationRequested) return;
        await _stopping.CancelAsync();
        await _watch;
        await _membership.LeaveAsync(forGood: true);
        if (_compute is not null) await _compute.StopAsync();
        _desk?.Dispose();
        _ledger.Dispose();
        if (_options.IsCoordinator) _options.Journal.Release();
        _held.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    /// <summary>Joins again, with a new actor system at the old address, whenever the others removed this member.</summary>
    private async Task WatchAsync()
    {
        try
        {
            while (true)
            {
                var via = await LostAsync();
                await _membership.LeaveAsync(forGood: false);
                await RejoinAsync(via);
            }
        }
        catch (OperationCanceledException)
        {
            // The node is to stop.
        }
    }

    /// <summary>Waits until this member was removed, or has removed itself because its cluster is elsewhere.</summary>
    /// <returns>The node to join then; null for any.</returns>
    private async Task<string?> LostAsync()
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var elsewhere = new Reunion(_options).WaitAsync(_membership, over.Token);
        if (await Task.WhenAny(_membership.Ended, elsewhere).WaitAsync(_stopping.Token) == elsewhere)
        {
            var other = await elsewhere;
            _options.Say($"changing over to the cluster of {other}, which can be reached again");
            _membership.Cluster.Down(_membership.Address);
            await _membership.Ended.WaitAsync(_stopping.Token);
            return other;
        }
        await over.CancelAsync();
        return null;
    }

    private async Task RejoinAsync(string? via)
    {
        string? said = null;
        while (true)
        {
            await Task.Delay(BeforeRejoining, _stopping.Token);
            ClusterMembership? next = null;
            try
            {
                next = await ClusterMembership.StartAsync(_options, Port);
                if (_compute is not null) next.Attach(_compute);
                var joined = via is null ? next.JoinAsync(_options.Seeds, MemberMemory.Read(_options.MembersFile), _stopping.Token)
                    : next.JoinAsync([via], [], _stopping.Token);
                if (await joined)
                {
                    _membership = next;
                    return;
                }
                via = null;
                if (said != BeginsAnew) _options.Say(said = BeginsAnew);
                await next.LeaveAsync(forGood: false);
            }
            catch (StudyException e)
            {
                // Nobody to join yet, or the port is not free again yet.
                via = null;
                if (said != e.Message) _options.Say(said = e.Message);
                if (next is not null) await next.LeaveAsync(forGood: false);
            }
            catch (OperationCanceledException)
            {
                if (next is not null) await next.LeaveAsync(forGood: false);
                throw;
            }
        }
    }
}
