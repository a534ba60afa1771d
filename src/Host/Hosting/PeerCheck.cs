using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using InterpActors.Host.Certificates;

namespace InterpActors.Host.Hosting;

/// <summary>
/// Tries the handshake with nodes that are to be joined, before the actor system does: one that breaks off ends the whole system that began
/// it (a rule of Akka's), so an address that some other program has by now, remembered or mistyped, would end a node again and again.
/// </summary>
internal sealed class PeerCheck(NodeIdentity identity, ConnectionTrouble trouble)
{
    /// <summary>A node under load may take seconds.</summary>
    private static readonly TimeSpan OneTry = TimeSpan.FromSeconds(10);

    /// <summary>Those that are nodes of an authority that is trusted, or not there: with these nothing breaks off.</summary>
    /// <param name="nodes"><c>host:port</c>.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<string[]> PassAsync(IReadOnlyList<string> nodes, CancellationToken cancellation)
    {
        var passes = await Task.WhenAll(nodes.Select(n => PassesAsync(n, cancellation)));
        return [.. nodes.Where((_, i) => passes[i])];
    }

    private async Task<bool> PassesAsync(string node, CancellationToken cancellation)
    {
        var address = ClusterMembership.ParseAddress(node);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(OneTry);
        using var socket = new TcpClient();
        try
        {
            await socket.ConnectAsync(address.Host!, address.Port!.Value, limit.Token);
            await using var tls = new SslStream(socket.GetStream());
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = address.Host,
                    ClientCertificates = [identity.Certificate],
                    RemoteCertificateValidationCallback = (_, shown, _, _) =>
                        trouble.Accepts(identity, shown as X509Certificate2, $"{address.Protocol}://{ActorHost.SystemName}@{node}"),
                },
                limit.Token);
            return true;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            trouble.Failed(address, e);
            return false;
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return true;
        }
    }
}
