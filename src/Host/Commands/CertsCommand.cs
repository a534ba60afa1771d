using System.CommandLine;
using InterpActors.Host.Certificates;

namespace InterpActors.Host.Commands;

/// <summary>
/// <c>interp certs --out DIR</c>: an authority and node certificates for trying out a cluster whose nodes know each other.
/// </summary>
internal static class CertsCommand
{
    public static Command Create()
    {
        var folder = new Option<string>("--out")
        {
            HelpName = "DIR",
            Description = "A new folder: for nodes on this machine, with the authority's key, which never leaves it",
            Required = true,
        };
        var hosts = new Option<string[]>("--host")
        {
            HelpName = "NAME …",
            Description = "Names or addresses of further machines; each gets a folder DIR/NAME to copy there (later ones too)",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var command = new Command("certs", "Makes certificates for nodes that let each other in and nobody else") { folder, hosts };
        command.SetAction(parsed =>
        {
            var made = new CertificateMaker(DateTimeOffset.UtcNow).Make(parsed.GetValue(folder)!, parsed.GetValue(hosts)!);
            foreach (var ready in made) parsed.InvocationConfiguration.Output.WriteLine($"interp node --certs {ready}");
            return ExitCode.Done;
        });
        return command;
    }
}
