using InterpActors.Messages.Studies;

namespace InterpActors.Host.Certificates;

/// <summary>
/// The files of a certificate folder, all PEM: <c>ca.crt</c> (the authorities that are trusted), <c>node.crt</c> and <c>node.key</c> (what
/// this node shows to others), and, only where certificates are made, <c>ca.key</c>.
/// </summary>
internal static class CertificateFiles
{
    public const string Authority = "ca.crt";
    public const string AuthorityKey = "ca.key";
    public const string Node = "node.crt";
    public const string NodeKey = "node.key";

    /// <summary>Names the folder where no <c>--certs</c> is given.</summary>
    public const string Variable = "INTERP_CERTS";

    /// <summary>The folder that is asked for: the option's, else the environment's; null for none.</summary>
    public static string? Asked(string? option) =>
        option ?? (Environment.GetEnvironmentVariable(Variable)?.Trim() is { Length: > 0 } folder ? folder : null);

    /// <exception cref="StudyException">The file is missing or cannot be read.</exception>
    public static string Read(string folder, string name)
    {
        if (!Directory.Exists(folder))
            throw new StudyException("there is no such folder of certificates", folder, $"make one with interp certs --out {folder}");
        var path = Path.Combine(folder, name);
        try
        {
            return File.ReadAllText(path);
        }
        catch (FileNotFoundException e)
        {
            throw new StudyException($"{name} is missing", folder, $"a folder of certificates has {Authority}, {Node} and {NodeKey}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StudyException($"the file cannot be read ({e.Message})", path, null, e);
        }
    }
}
