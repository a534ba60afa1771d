using System.CommandLine;
using InterpActors.Compute.Dictionaries.Files;
using TorchSharp;

namespace InterpActors.Host.Commands;

/// <summary><c>interp sae …</c>: looks at, runs and converts sparse autoencoders without a study.</summary>
internal static class SaeCommand
{
    public static Command Create() => new("sae", "Looks at, runs and converts sparse autoencoders and transcoders")
    {
        SaeInspectCommand.Create(),
        SaeEncodeCommand.Create(),
        SaeEvaluateCommand.Create(),
        SaeTextsCommand.Create(),
        SaeConvertCommand.Create(),
    };

    public static Argument<string> Sae() => new("sae")
    {
        HelpName = "SAE",
        Description = "A folder in the layout of SAELens (6 or before), sparsify or dictionary_learning",
    };

    public static Option<string> Dtype(string what)
    {
        var option = new Option<string>("--dtype") { HelpName = "fp32|fp64", Description = what, DefaultValueFactory = _ => "fp32" };
        option.AcceptOnlyFromAmong("fp32", "fp64");
        return option;
    }

    public static StoredDictionary Read(ParseResult parsed, Argument<string> sae, Option<string> dtype) =>
        DictionaryFolder.Read(parsed.GetValue(sae)!,
            parsed.GetValue(dtype) == "fp64" ? torch.ScalarType.Float64 : torch.ScalarType.Float32);
}
