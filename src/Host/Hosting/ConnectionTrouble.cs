using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;
using InterpActors.Actors.Configuration;
using InterpActors.Host.Certificates;

namespace InterpActors.Host.Hosting;

/// <summary>
/// What went wrong last between this node and others: told to the user when the node cannot join, and when others are refused.
/// </summary>
internal sealed class ConnectionTrouble(ClusterNodeOptions options)
{
    private const string OneAuthority = "all nodes of a cluster need certificates of one authority";
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(string Who, bool HasCertificate), DateTimeOffset> _said = new();
    private readonly ConcurrentDictionary<string, bool> _judged = new();
    private volatile string? _last;
    private volatile bool _refused;

    /// <summary>Judges what a peer shows.</summary>
    /// <param name="peer">A member's address where this node connects to it, else where the connection comes from.</param>
    public bool Accepts(NodeIdentity identity, X509Certificate2? certificate, string peer)
    {
        var system = peer.IndexOf($"://{ActorHost.SystemName}@", StringComparison.Ordinal);
        var goesOut = system > 0;
        if (identity.Trust.Refusal(certificate) is not { } reason) return true;
        var line = $"{(goesOut ? peer[(peer.IndexOf('@') + 1)..] : peer.Replace("::ffff:", ""))} {reason}; {OneAuthority}";
        // Who joins hears it when joining fails.
        if (goesOut) (_refused, _last) = (true, line);
        else
        {
            if (_judged.Count > 1000) _judged.Clear();
            _judged[peer] = true;
            SayOnce(peer, hasCertificate: true, line);
        }
        return false;
    }

    /// <summary>Notes that the handshake of a connection from elsewhere came to nothing.</summary>
    /// <param name="peer">Where it came from, as in <see cref="Accepts"/>.</param>
    public void BrokenOff(string peer)
    {
        // The certificate was the reason, and it was said.
        if (_judged.TryRemove(peer, out _)) return;
        SayOnce(peer, hasCertificate: false,
            $"{peer.Replace("::ffff:", "")} did not end the handshake of an encrypted connection; a node needs --certs to join this one");
    }

    /// <summary><c>: reason</c>; empty where none is known.</summary>
    public string Words => _last is { } last ? $": {last}" : "";

    /// <summary>Notes a connection that could not be made.</summary>
    public void Failed(Address peer, Exception cause)
    {
        // A refused certificate is the better explanation of the failures that follow from it.
        if (_refused) return;
        while (cause is { InnerException: { } inner }) cause = inner;
        _last = options.Identity is null
            ? $"{ClusterMembers.HostPort(peer)} closed or refused the connection; "
                + "if that cluster uses certificates, this node needs --certs"
            : $"{ClusterMembers.HostPort(peer)} closed or refused the encrypted connection "
                + $"({cause.Message.ReplaceLineEndings(" ").TrimEnd('.')}); {OneAuthority}";
    }

    private void SayOnce(string peer, bool hasCertificate, string line)
    {
        // The port of one that comes again is a new one each time.
        var who = (peer[..Math.Max(0, peer.LastIndexOf(':'))], hasCertificate);
        var now = DateTimeOffset.UtcNow;
        if (_said.TryGetValue(who, out var before) && now - before < Again) return;
        if (_said.Count > 1000) _said.Clear();
        _said[who] = now;
        options.Say($"refused a connection: {line}");
    }
}

/// <summary>Passes on what the remoting layer tells about failed connections.</summary>
internal sealed partial class ConnectionWatch : ReceiveActor
{
    public ConnectionWatch(ConnectionTrouble trouble)
    {
        Receive<AssociationErrorEvent>(e =>
        {
            if (!e.IsInbound) trouble.Failed(e.RemoteAddress, e.Cause);
        });
        // There is no event for these, only a line of the log.
        Receive<Warning>(w =>
        {
            if (BrokenOff().Match($"{w.Message}") is { Success: true } found) trouble.BrokenOff(found.Groups[1].Value);
        });
    }

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(AssociationErrorEvent));
        Context.System.EventStream.Subscribe(Self, typeof(Warning));
    }

    [GeneratedRegex(@"^Rejected incoming connection from \[(.+)\] due to TLS handshake failure")]
    private static partial Regex BrokenOff();
}
