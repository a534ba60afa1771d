using System.Net;
using System.Net.Sockets;
using InterpActors.Host.Certificates;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;

namespace InterpActors.Cluster.Tests;

/// <summary>A cluster whose nodes have certificates: it works, and nobody else gets in.</summary>
public sealed class CertificateTests(SmallStudy small) : ClusterTest(small), IClassFixture<SmallStudy>
{
    [Fact]
    public async Task Nodes_of_one_authority_work_together_and_others_are_refused_with_a_reason()
    {
        Certificates("ours", "worker");
        Certificates("theirs");
        using var identity = NodeIdentity.Load(At("ours"));
        var said = new List<string>();
        await using var coordinator = await ClusterNode.StartAsync(new ClusterNodeOptions(
            ["coordinator"], At("coordinator"), Engine, Engine)
        {
            Identity = identity,
            Say = line =>
            {
                lock (said) said.Add(line);
            },
        });
        var seed = $"{coordinator.Host}:{coordinator.Port}";
        using var worker = await Compute("worker", seed, "--certs", At("ours/worker"));
        var desk = coordinator.Desk!;
        await desk.SubmitAsync(Small.Study);

        // It does not trust the cluster.
        var (code, errors) = await Refused(seed, "theirs");
        Assert.Equal(2, code);
        Assert.Contains("certificates of one authority", Assert.Single(errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);

        // It trusts the cluster, which does not trust it.
        File.AppendAllText(At("theirs/ca.crt"), File.ReadAllText(At("ours/ca.crt")));
        (code, errors) = await Refused(seed, "theirs");
        Assert.Equal(2, code);
        Assert.Contains("no seed node let this node in", Assert.Single(errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Contains("trusts the authority of this node's certificate", errors, StringComparison.Ordinal);
        lock (said) Assert.Contains(said, line => line.Contains("not signed by an authority of", StringComparison.Ordinal));

        // It has no certificate at all.
        (code, errors) = await Refused(seed, null);
        Assert.Equal(2, code);
        Assert.Contains("--certs", Assert.Single(errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        lock (said) Assert.Contains(said, line => line.Contains("needs --certs to join", StringComparison.Ordinal));

        // It does not even speak the language.
        using (var socket = new TcpClient(coordinator.Host, coordinator.Port)) await socket.GetStream().WriteAsync(new byte[100_000]);

        await Until(desk, p => p.State == RunState.Completed);
        await CheckResults(desk, At("coordinator/journal.db"));
        var view = await desk.MembersAsync();
        Assert.Equal(2, view.Members.Count);
        Assert.All(view.Members, m => Assert.True(m.Reachable));
        Assert.Equal(0, await worker.LeaveAsync());
    }

    [Fact]
    public async Task A_remembered_address_that_another_program_has_now_ends_no_node()
    {
        Certificates("ours");
        using var identity = NodeIdentity.Load(At("ours"));
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var answers = AnswerOtherwise(other);
        var address = $"{other.LocalEndpoint}";
        Directory.CreateDirectory(At("coordinator"));
        await File.WriteAllLinesAsync(At("coordinator/members.txt"), [address, address + " coordinator"]);

        await using (var coordinator = await ClusterNode.StartAsync(new ClusterNodeOptions(
            ["coordinator"], At("coordinator"), Engine, Engine)
        {
            Identity = identity,
            Overrides = "interp.node.find-cluster = 2s\n",
        }))
        {
            await Members(coordinator.Desk!, m => m is [{ Active: true }]);
        }

        var refused = await Assert.ThrowsAsync<StudyException>(() => ClusterNode.StartAsync(
            new ClusterNodeOptions(["compute"], At("compute"), Engine, Engine) { Identity = identity, Seeds = [address] }));
        Assert.Contains("closed or refused the encrypted connection", refused.Message, StringComparison.Ordinal);
        other.Stop();
        Assert.True(await answers >= 2);
    }

    /// <summary>Answers every connection as a web server would; how many there were.</summary>
    private static async Task<int> AnswerOtherwise(TcpListener listener)
    {
        for (var count = 0; ; count++)
        {
            try
            {
                using var connection = await listener.AcceptTcpClientAsync();
                await connection.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
            }
            catch (SocketException)
            {
                return count;
            }
        }
    }

    private void Certificates(string folder, params string[] hosts) => new CertificateMaker(DateTimeOffset.UtcNow).Make(At(folder), hosts);

    private Task<(int Code, string Errors)> Refused(string seed, string? certificates) => NodeProcess.FinishAsync(
        ["node", "--roles", "compute", "--data", At("refused"), "--seed-node", seed,
            "--set", "akka.cluster.shutdown-after-unsuccessful-join-seed-nodes=4s",
            .. certificates is null ? Array.Empty<string>() : ["--certs", At(certificates)]]);
}
