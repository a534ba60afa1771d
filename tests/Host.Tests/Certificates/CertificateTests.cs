using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using InterpActors.Host.Certificates;
using InterpActors.Host.Commands;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Tests.Certificates;

/// <summary>Folders of certificates: what is made, what is let in, and what each kind of wrong folder is told.</summary>
public sealed class CertificateTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("certs-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string At(string name) => Path.Combine(_root, name);

    private string Make(string name, params string[] hosts)
    {
        new CertificateMaker(DateTimeOffset.UtcNow).Make(At(name), hosts);
        return At(name);
    }

    private static StudyException Wrong(string folder) => Assert.Throws<StudyException>(() => NodeIdentity.Load(folder));

    [Fact]
    public async Task The_command_makes_folders_that_nodes_can_use_and_overwrites_nothing()
    {
        var made = await Interp.Here("certs", "--out", At("a"), "--host", "gpu-1", "10.0.0.7");
        Assert.Equal(ExitCode.Done, made.Code);
        foreach (var folder in new[] { "a", "a/gpu-1", "a/10.0.0.7" })
        {
            Assert.Contains($"interp node --certs {At(folder)}\n", made.Output, StringComparison.Ordinal);
            NodeIdentity.Load(At(folder)).Dispose();
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(At(folder + "/node.key")));
        }
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(At("a/ca.key")));
        Assert.False(File.Exists(At("a/gpu-1/ca.key")));

        var before = Contents();
        foreach (string[] again in new string[][] { [], ["--host", "gpu-1"], ["--host", "../b"], ["--host", "a/b"] })
        {
            var refused = await Interp.Here(["certs", "--out", At("a"), .. again]);
            Assert.Equal(ExitCode.WrongInput, refused.Code);
            Assert.Single(refused.Error.TrimEnd('\n').Split('\n'));
            Assert.Equal(before, Contents());
        }

        // One more machine, of the same authority.
        Assert.Equal(ExitCode.Done, (await Interp.Here("certs", "--out", At("a"), "--host", "gpu-2")).Code);
        Assert.Null(Check("a", "a/gpu-2"));
    }

    [Fact]
    public void Only_the_own_authority_is_trusted_whatever_the_machine_trusts()
    {
        Make("a", "gpu-1");
        Make("b");
        Assert.Null(Check("a", "a/gpu-1"));
        Assert.Contains("not signed by", Check("a", "b"), StringComparison.Ordinal);
        Assert.Contains("not signed by", Check("b", "a"), StringComparison.Ordinal);

        // Old and new authority side by side, while a cluster changes over.
        File.AppendAllText(At("a/ca.crt"), File.ReadAllText(At("b/ca.crt")));
        Assert.Null(Check("a", "b"));
    }

    [Fact]
    public void A_server_must_be_of_the_authority_and_have_the_name_that_was_asked_for()
    {
        Make("a");
        Make("b");
        using var trust = PeerTrust.Load(At("a"));
        using var own = X509CertificateLoader.LoadCertificateFromFile(At("a/node.crt"));
        using var other = X509CertificateLoader.LoadCertificateFromFile(At("b/node.crt"));
        Assert.True(trust.AcceptsServer(own, SslPolicyErrors.RemoteCertificateChainErrors));
        Assert.False(trust.AcceptsServer(own, SslPolicyErrors.RemoteCertificateNameMismatch));
        Assert.False(trust.AcceptsServer(other, SslPolicyErrors.None));
        Assert.False(trust.AcceptsServer(null, SslPolicyErrors.RemoteCertificateNotAvailable));
    }

    [Fact]
    public void Each_kind_of_wrong_folder_is_said_in_one_line()
    {
        Assert.Contains("no such folder", Wrong(At("none")).Message, StringComparison.Ordinal);

        File.Delete(Path.Combine(Make("keyless"), "node.key"));
        Assert.Contains("node.key is missing", Wrong(At("keyless")).Message, StringComparison.Ordinal);

        File.WriteAllText(Path.Combine(Make("garbled"), "node.crt"), "hello");
        Assert.Contains("node.crt and node.key", Wrong(At("garbled")).Message, StringComparison.Ordinal);

        File.WriteAllText(Path.Combine(Make("empty"), "ca.crt"), "");
        Assert.Contains("ca.crt holds no certificates", Wrong(At("empty")).Message, StringComparison.Ordinal);

        File.Copy(Path.Combine(Make("other"), "node.key"), Path.Combine(Make("mixed"), "node.key"), overwrite: true);
        Assert.Contains("no certificate with its key", Wrong(At("mixed")).Message, StringComparison.Ordinal);

        File.Copy(At("other/ca.crt"), Path.Combine(Make("foreign"), "ca.crt"), overwrite: true);
        Assert.Contains("not signed by an authority of", Wrong(At("foreign")).Message, StringComparison.Ordinal);

        var year = new CertificateMaker(DateTimeOffset.UtcNow.AddDays(-366));
        year.Make(At("expired"), []);
        Assert.Contains("node.crt expired on", Wrong(At("expired")).Message, StringComparison.Ordinal);

        new CertificateMaker(DateTimeOffset.UtcNow.AddDays(2)).Make(At("early"), []);
        Assert.Contains("valid only from", Wrong(At("early")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_without_usable_certificates_does_not_start()
    {
        var outcome = await Interp.Here("node", "--roles", "coordinator", "--data", At("data"), "--certs", At("none"));
        Assert.Equal(ExitCode.WrongInput, outcome.Code);
        Assert.Single(outcome.Error.TrimEnd('\n').Split('\n'));
        Assert.False(Directory.Exists(At("data")));
    }

    private string? Check(string trusting, string shown)
    {
        using var trust = PeerTrust.Load(At(trusting));
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(At(shown + "/node.crt"));
        return trust.Check(certificate);
    }

    private SortedDictionary<string, string> Contents() =>
        new(Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories).ToDictionary(f => f, File.ReadAllText));
}
