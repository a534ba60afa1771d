using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Certificates;

/// <summary>What a node shows to others, and whom it trusts: the contents of a certificate folder.</summary>
public sealed class NodeIdentity : IDisposable
{
    private NodeIdentity(X509Certificate2 certificate, PeerTrust trust) => (Certificate, Trust) = (certificate, trust);

    /// <summary>With its private key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Whom the node lets in.</summary>
    internal PeerTrust Trust { get; }

    /// <summary>Reads a folder and checks that its node would be let in by its own rules.</summary>
    /// <exception cref="StudyException">A file is missing or wrong, the certificate has expired or is of another authority.</exception>
    public static NodeIdentity Load(string folder)
    {
        var trust = PeerTrust.Load(folder);
        var certificate = Pair(folder);
        try
        {
            if (trust.Check(certificate) is not { } problem) return new NodeIdentity(certificate, trust);
            throw new StudyException($"{CertificateFiles.Node} {problem}", folder, "make or fetch new certificates for this node");
        }
        catch
        {
            certificate.Dispose();
            trust.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Certificate.Dispose();
        Trust.Dispose();
    }

    private static X509Certificate2 Pair(string folder)
    {
        var certificate = CertificateFiles.Read(folder, CertificateFiles.Node);
        var key = CertificateFiles.Read(folder, CertificateFiles.NodeKey);
        try
        {
            using var pair = X509Certificate2.CreateFromPem(certificate, key);
            // Some platforms' TLS takes only keys that came out of a PKCS #12 container.
            return X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pkcs12), null);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new StudyException(
                $"{CertificateFiles.Node} and {CertificateFiles.NodeKey} are no certificate with its key ({e.Message})",
                folder, "both must be PEM, the key not encrypted", e);
        }
    }
}
