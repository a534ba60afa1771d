using System.CommandLine;
using InterpActors.Compute.Dictionaries;
using InterpActors.Host.Runs;
using TorchSharp;

namespace InterpActors.Host.Commands;

/// <summary><c>interp sae encode SAE --in F --out G</c>: codes and reconstructions of a file of activations.</summary>
internal static class SaeEncodeCommand
{
    public static Command Create()
    {
        var sae = SaeCommand.Sae();
        var input = new Option<string>("--in") { HelpName = "F.safetensors", Required = true, Description = "Activations [..., d_in]" };
        var tensor = new Option<string?>("--tensor") { HelpName = "NAME", Description = "Which tensor of it (default: its only one)" };
        var output = new Option<string>("--out")
        {
            HelpName = "G.safetensors",
            Required = true,
            Description = "Where acts_pre, acts, recon and forward go"
        };
        var dtype = SaeCommand.Dtype("Arithmetic");
        var threads = SharedOptions.Positive("--threads", PhysicalCores.Count, "Threads of the computation");
        var command = new Command("encode", "Encodes and decodes activations") { sae, input, tensor, output, dtype, threads };
        command.SetAction(parsed =>
        {
            torch.set_num_threads(parsed.GetValue(threads));
            using var read = SaeCommand.Read(parsed, sae, dtype);
            var shape = DictionaryDump.Write(read.Dictionary, parsed.GetValue(input)!, parsed.GetValue(tensor), parsed.GetValue(output)!);
            parsed.InvocationConfiguration.Output.WriteLine(
                $"{read.Dictionary.Architecture.Name}: [{string.Join(", ", shape)}] to {parsed.GetValue(output)}");
            return ExitCode.Done;
        });
        return command;
    }
}
