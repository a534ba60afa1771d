using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Files;

namespace InterpActors.Host.Commands;

/// <summary><c>interp sae inspect SAE</c>: architecture, sizes, hook, normalisation, k or thresholds, decoder norms, conversions.</summary>
internal static class SaeInspectCommand
{
    public static Command Create()
    {
        var sae = SaeCommand.Sae();
        var json = SharedOptions.Json("Prints one JSON object");
        var dtype = SaeCommand.Dtype("Type the weights are read into");
        var command = new Command("inspect", "Prints architecture, sizes, hook, k or thresholds, decoder norms and what reading converted")
            { sae, json, dtype };
        command.SetAction(parsed =>
        {
            using var read = SaeCommand.Read(parsed, sae, dtype);
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json)) output.WriteLine(Json(read).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            else Print(read, output);
            return ExitCode.Done;
        });
        return command;
    }

    private static void Print(StoredDictionary read, TextWriter output)
    {
        var (dictionary, sizes) = (read.Dictionary, read.Dictionary.Sizes);
        output.WriteLine($"{dictionary.Architecture.Name} · {read.Layout} · {read.Path}");
        output.WriteLine($"hook           {dictionary.HookName ?? "not said"}");
        output.WriteLine($"d_in           {sizes.Input}{(dictionary.FlattensHeads ? ", heads flattened" : "")}");
        output.WriteLine($"d_sae          {sizes.Latents}");
        if (sizes.Output != sizes.Input) output.WriteLine($"d_out          {sizes.Output}");
        output.WriteLine($"weights        {read.StoredType}");
        var subtracted = dictionary.Architecture.SubtractsDecoderBias ? "subtracted" : "not subtracted";
        output.WriteLine($"normalisation  {Normalisation(dictionary)}; b_dec {subtracted} from the input");
        foreach (var (key, value) in Keys(dictionary)) output.WriteLine($"{key,-14} {value?.ToJsonString() ?? "none"}");
        if (DictionaryFacts.Thresholds(dictionary) is { } thresholds) output.WriteLine($"thresholds     {Words(thresholds)}");
        output.WriteLine($"decoder norms  {Words(DictionaryFacts.DecoderNorms(dictionary))}");
        foreach (var change in read.Converted) output.WriteLine($"converted      {change}");
    }

    private static JsonObject Json(StoredDictionary read)
    {
        var dictionary = read.Dictionary;
        var json = new JsonObject
        {
            ["architecture"] = dictionary.Architecture.Name,
            ["layout"] = read.Layout,
            ["path"] = read.Path,
            ["hook"] = dictionary.HookName,
            ["d_in"] = dictionary.Sizes.Input,
            ["d_sae"] = dictionary.Sizes.Latents,
            ["d_out"] = dictionary.Sizes.Output,
            ["stored_type"] = read.StoredType,
            ["normalize_activations"] = Normalisation(dictionary),
            ["reshape_activations"] = dictionary.FlattensHeads ? "hook_z" : "none",
            ["apply_b_dec_to_input"] = dictionary.Architecture.SubtractsDecoderBias,
        };
        foreach (var (key, value) in Keys(dictionary)) json[key] = value?.DeepClone();
        if (DictionaryFacts.Thresholds(dictionary) is { } thresholds) json["thresholds"] = Json(thresholds);
        json["decoder_norms"] = Json(DictionaryFacts.DecoderNorms(dictionary));
        json["tensors"] = new JsonObject(dictionary.Weights.All.Select(t => KeyValuePair.Create(t.Name,
            (JsonNode?)new JsonArray([.. t.Tensor.shape.Select(s => (JsonNode)s)]))));
        json["converted"] = new JsonArray([.. read.Converted.Select(c => (JsonNode)c)]);
        json["metadata"] = dictionary.Metadata.DeepClone();
        return json;
    }

    private static JsonObject Keys(SparseDictionary dictionary)
    {
        var keys = new JsonObject();
        dictionary.Architecture.AddKeys(keys);
        return keys;
    }

    private static string Normalisation(SparseDictionary dictionary) => DictionaryFacts.Name(dictionary.Normalisation);

    private static JsonObject Json(ValueRange range) => new() { ["min"] = range.Least, ["mean"] = range.Mean, ["max"] = range.Greatest };

    private static string Words(ValueRange range) => string.Create(CultureInfo.InvariantCulture,
        $"{range.Least:G4} to {range.Greatest:G4}, mean {range.Mean:G4}");
}
