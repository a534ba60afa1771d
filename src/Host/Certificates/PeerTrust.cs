using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Certificates;

/// <summary>
/// Trusts the authorities of one <c>ca.crt</c> and nobody else: the machine's own store of authorities is not looked at. Authorities can be
/// changed while a cluster runs by listing the old and the new one for a while.
/// </summary>
internal sealed class PeerTrust : IDisposable
{
    private readonly X509Certificate2Collection _authorities;
    private readonly string _file;

    private PeerTrust(X509Certificate2Collection authorities, string file) => (_authorities, _file) = (authorities, file);

    /// <exception cref="StudyException"><c>ca.crt</c> is missing or holds no certificates.</exception>
    public static PeerTrust Load(string folder)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(CertificateFiles.Read(folder, CertificateFiles.Authority));
        }
        catch (CryptographicException e)
        {
            throw new StudyException($"{CertificateFiles.Authority} holds no certificates ({e.Message})", folder, "it must be PEM", e);
        }
        if (authorities.Count == 0)
            throw new StudyException($"{CertificateFiles.Authority} holds no certificates", folder, "it must be PEM");
        return new PeerTrust(authorities, Path.Combine(folder, CertificateFiles.Authority));
    }

    /// <summary>Whether a node with this certificate is let in.</summary>
    /// <returns>Null where it is, else why not, to go on after the certificate's name.</returns>
    public string? Check(X509Certificate2 certificate) => Check(certificate, CertificateMaker.NodeUses);

    /// <summary>Checks what the other end of a connection between nodes shows.</summary>
    /// <returns>Null where it is let in, else why not, to go on after its address.</returns>
    public string? Refusal(X509Certificate2? certificate) =>
        certificate is null ? "shows no certificate"
            : Check(certificate) is { } wrong ? $"shows a certificate ({certificate.Subject}) that {wrong}" : null;

    /// <summary>
    /// For clients of the HTTP API: its certificate must be of these authorities and made for the name that was asked for.
    /// </summary>
    public bool AcceptsServer(X509Certificate? certificate, SslPolicyErrors errors) =>
        certificate is X509Certificate2 server && (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0
        && Check(server, CertificateMaker.NodeUses.Take(1)) is null;

    public void Dispose()
    {
        foreach (var authority in _authorities) authority.Dispose();
    }

    private string? Check(X509Certificate2 certificate, IEnumerable<Oid> uses)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        foreach (var use in uses) chain.ChainPolicy.ApplicationPolicy.Add(use);
        if (chain.Build(certificate)) return null;
        var status = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, s) => all | s.Status);
        const X509ChainStatusFlags stranger =
            X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotSignatureValid;
        if ((status & stranger) != 0) return $"is not signed by an authority of {_file}";
        if ((status & X509ChainStatusFlags.NotTimeValid) != 0)
        {
            var now = DateTime.Now;
            return certificate.NotAfter < now ? $"expired on {certificate.NotAfter:yyyy-MM-dd}"
                : certificate.NotBefore > now ? $"is valid only from {certificate.NotBefore:yyyy-MM-dd} on"
                : $"is signed by an authority of {_file} that has expired";
        }
        if ((status & X509ChainStatusFlags.NotValidForUsage) != 0)
            return "is not made for both ends of a connection (serverAuth and clientAuth)";
        return $"is refused ({string.Join(", ", chain.ChainStatus.Select(s => s.Status))})";
    }
}
