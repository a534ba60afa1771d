using System.CommandLine;
using InterpActors.Compute.Models;
using InterpActors.Host.Runs;
using TorchSharp;

namespace InterpActors.Host.Commands;

/// <summary>How a model's weights are loaded: the same options wherever a model is run.</summary>
internal sealed class ModelWeightOptions
{
    private readonly Option<string> _dtype = new("--dtype")
    {
        HelpName = "fp32|fp64",
        Description = "Arithmetic of the run",
        DefaultValueFactory = _ => "fp32"
    };
    private readonly Option<string> _processing = new("--processing")
    {
        HelpName = "none|folded",
        Description = "folded: norms folded in, as TransformerLens does",
        DefaultValueFactory = _ => "none"
    };
    private readonly Option<int> _threads = SharedOptions.Positive("--threads", PhysicalCores.Count, "Threads of the computation");

    public ModelWeightOptions()
    {
        _dtype.AcceptOnlyFromAmong("fp32", "fp64");
        _processing.AcceptOnlyFromAmong("none", "folded");
    }

    public void AddTo(Command command)
    {
        command.Options.Add(_dtype);
        command.Options.Add(_processing);
        command.Options.Add(_threads);
    }

    public torch.ScalarType Type(ParseResult parsed) =>
        parsed.GetValue(_dtype) == "fp64" ? torch.ScalarType.Float64 : torch.ScalarType.Float32;

    public ModelWeights Load(ParseResult parsed, ModelLocation location)
    {
        torch.set_num_threads(parsed.GetValue(_threads));
        return ModelLoader.LoadWeights(location, Type(parsed),
            parsed.GetValue(_processing) == "folded" ? WeightProcessing.Folded : WeightProcessing.None);
    }
}
