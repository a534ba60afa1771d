using System.CommandLine;
using InterpActors.Compute.Dictionaries.Files;

namespace InterpActors.Host.Commands;

/// <summary><c>interp sae convert SAE --out DIR</c>: any layout that is read to SAELens' own.</summary>
internal static class SaeConvertCommand
{
    public static Command Create()
    {
        var sae = SaeCommand.Sae();
        var folder = new Option<string>("--out")
        {
            HelpName = "DIR",
            Required = true,
            Description = "New or empty: cfg.json and sae_weights.safetensors go there"
        };
        var dtype = SaeCommand.Dtype("Type of the weights written");
        var command = new Command("convert", "Writes an SAE in the layout of SAELens 6") { sae, folder, dtype };
        command.SetAction(parsed =>
        {
            using var read = SaeCommand.Read(parsed, sae, dtype);
            SaeLensWriter.Write(read.Dictionary, parsed.GetValue(folder)!);
            var output = parsed.InvocationConfiguration.Output;
            foreach (var change in read.Converted) output.WriteLine(change);
            output.WriteLine($"{read.Layout} to {parsed.GetValue(folder)}");
            return ExitCode.Done;
        });
        return command;
    }
}
