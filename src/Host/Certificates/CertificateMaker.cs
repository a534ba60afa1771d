using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Certificates;

/// <summary>
/// Makes certificates for trying a cluster out: an authority of its own, whose key stays in the folder, a node certificate for this machine
/// and one for each further host. Keys are ECDSA P-256 and readable by their owner only; nothing is ever overwritten.
/// </summary>
internal sealed partial class CertificateMaker(DateTimeOffset now)
{
    private static readonly TimeSpan ClockSkew = TimeSpan.FromHours(1);
    private static readonly Oid ServerUse = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientUse = new("1.3.6.1.5.5.7.3.2");

    public TimeSpan AuthorityLife { get; init; } = TimeSpan.FromDays(5 * 365);

    public TimeSpan NodeLife { get; init; } = TimeSpan.FromDays(365);

    /// <summary>What a node's certificate must be good for: every node connects to others and is connected to.</summary>
    public static IReadOnlyList<Oid> NodeUses => [ServerUse, ClientUse];

    /// <summary>
    /// Makes <paramref name="folder"/> a certificate folder for this machine, and a folder below it for each of <paramref name="hosts"/>.
    /// In a folder that has an authority already, only the hosts' folders are made, signed by it.
    /// </summary>
    /// <returns>The folders that nodes can use.</returns>
    /// <exception cref="StudyException">A name is no host's, or something is there already; nothing was written.</exception>
    public IReadOnlyList<string> Make(string folder, IReadOnlyList<string> hosts)
    {
        hosts = [.. hosts.Distinct(StringComparer.OrdinalIgnoreCase)];
        if (hosts.FirstOrDefault(h => !IPAddress.TryParse(h, out _) && !HostName().IsMatch(h)) is { } wrong)
            throw new StudyException($"'{wrong}' is neither a host's name nor an address", "--host", "write e.g. gpu-1 or 10.0.0.7");
        var folders = hosts.ToDictionary(h => h, h => Path.Combine(folder, h.Replace(':', '-')));
        if (folders.Values.FirstOrDefault(f => Directory.Exists(f) || File.Exists(f)) is { } taken)
            throw new StudyException("is there already", taken, "certificates are not overwritten; remove it, or choose another --out");
        var extends = File.Exists(Path.Combine(folder, CertificateFiles.Authority));
        if (extends && hosts.Count == 0)
            throw new StudyException("has certificates already", folder,
                "add --host NAME for one more of the same authority, or choose another --out");
        if (!extends && Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new StudyException("is not empty", folder, "certificates go into a folder of their own");

        using var authority = extends ? Existing(folder) : Authority(folder);
        if (!extends)
        {
            MakeFolder(folder);
            Save(folder, CertificateFiles.AuthorityKey, authority.GetECDsaPrivateKey()!);
            Save(folder, CertificateFiles.Authority, authority);
            MakeNode(folder, [Environment.MachineName, .. hosts], authority);
        }
        foreach (var (host, target) in folders)
        {
            MakeFolder(target);
            Save(target, CertificateFiles.Authority, authority);
            MakeNode(target, [host], authority);
        }
        return extends ? [.. folders.Values] : [folder, .. folders.Values];
    }

    private X509Certificate2 Authority(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName($"interp development authority {Path.GetFileName(Path.GetFullPath(folder).TrimEnd('/'))}");
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
        var signs = X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign;
        request.CertificateExtensions.Add(new X509KeyUsageExtension(signs, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(now - ClockSkew, now + AuthorityLife);
    }

    private static X509Certificate2 Existing(string folder)
    {
        var certificate = CertificateFiles.Read(folder, CertificateFiles.Authority);
        var key = CertificateFiles.Read(folder, CertificateFiles.AuthorityKey);
        try
        {
            return X509Certificate2.CreateFromPem(certificate, key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new StudyException(
                $"{CertificateFiles.Authority} and {CertificateFiles.AuthorityKey} do not belong together ({e.Message})", folder, null, e);
        }
    }

    private void MakeNode(string folder, IReadOnlyList<string> hosts, X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(hosts[0].Length <= 64 ? hosts[0] : hosts[0][..64]);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts.Concat(["localhost", "127.0.0.1", "::1"]).Distinct(StringComparer.OrdinalIgnoreCase))
        {
            if (IPAddress.TryParse(host, out var address)) names.AddIpAddress(address);
            else names.AddDnsName(host);
        }
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. NodeUses], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        var until = now + NodeLife < authority.NotAfter ? now + NodeLife : authority.NotAfter;
        using var certificate = request.Create(authority, now - ClockSkew, until, RandomNumberGenerator.GetBytes(16));
        Save(folder, CertificateFiles.NodeKey, key);
        Save(folder, CertificateFiles.Node, certificate);
    }

    private static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static void Save(string folder, string name, X509Certificate2 certificate) =>
        Save(folder, name, certificate.ExportCertificatePem(), secret: false);

    private static void Save(string folder, string name, ECDsa key) => Save(folder, name, key.ExportPkcs8PrivateKeyPem(), secret: true);

    private static void Save(string folder, string name, string pem, bool secret)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (secret && !OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new StreamWriter(Path.Combine(folder, name), options);
        file.Write(pem + "\n");
    }

    [GeneratedRegex(
        @"^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$",
        RegexOptions.CultureInvariant)]
    private static partial Regex HostName();
}
