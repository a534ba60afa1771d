using System.CommandLine;
using InterpActors.Compute.SmallModels;

namespace InterpActors.Host.Commands;

/// <summary><c>interp model train NAME --out DIR</c>: trains one of the small models that ship, the same way each time.</summary>
internal static class ModelTrainCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("name") { HelpName = "NAME", Description = string.Join(", ", SmallModelTrainer.Names) };
        var folder = new Option<string>("--out")
        {
            HelpName = "DIR",
            Description = "Where the model's folder goes; it must be new or empty",
            Required = true
        };
        var seed = new Option<long>("--seed")
        {
            HelpName = "N",
            Description = "Draws initial weights and sentences",
            DefaultValueFactory = _ => 0
        };
        var command = new Command("train", "Trains one of the small models that ship, in a few minutes") { name, folder, seed };
        command.SetAction(parsed =>
        {
            var output = parsed.InvocationConfiguration.Output;
            SmallModelTrainer.Train(parsed.GetValue(name)!, parsed.GetValue(folder)!, parsed.GetValue(seed), output.WriteLine);
            output.WriteLine(parsed.GetValue(folder));
            return ExitCode.Done;
        });
        return command;
    }
}
