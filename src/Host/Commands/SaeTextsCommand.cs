using System.CommandLine;
using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Models;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary>
/// <c>interp sae texts MODEL --hook H --texts F --out G</c>: activations of labelled texts, as sparse-probing, tpp and scr read them.
/// </summary>
internal static class SaeTextsCommand
{
    public static Command Create()
    {
        var model = SharedOptions.Model();
        var hook = new Option<string>("--hook") { HelpName = "NAME", Required = true, Description = "Where the model is read" };
        var texts = new Option<string>("--texts")
        {
            HelpName = "F.jsonl",
            Required = true,
            Description = "A line each: {\"split\":\"train\",\"class\":\"…\",\"text\":\"…\"} or \"tokens\":[…]; "
                + "train and test of every class",
        };
        var output = new Option<string>("--out") { HelpName = "G.safetensors", Required = true, Description = "Where SPLIT/CLASS go" };
        var context = SharedOptions.Positive("--context", 128, "Tokens of a text at most; the rest is left out");
        var exclude = new Option<string[]>("--exclude-tokens")
        {
            HelpName = "ID …",
            Description = "Tokens that do not count: ids, special, bos or eos",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var probes = new Option<bool>("--probes")
        {
            Description = "Fits a probe to every class, for tpp and scr: a logistic regression on means over tokens",
        };
        var weight = new Option<double>("--C")
        {
            HelpName = "X",
            Description = "Weight of the data in the probes",
            DefaultValueFactory = _ => 1,
        };
        weight.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (> 0 and <= 1e9)) result.AddError("--C is out of range, it must be above 0");
        });
        var weights = new ModelWeightOptions();
        var command = new Command("texts", "Writes activations of labelled texts, as evaluations on texts read them")
        {
            model, hook, texts, output, context, exclude, probes, weight,
        };
        weights.AddTo(command);
        command.SetAction(parsed =>
        {
            var location = ModelCommand.Locate(parsed.GetValue(model)!);
            var (config, tokenizer) = (ModelLoader.ReadConfig(location), TokenizerLoader.Load(location));
            var words = new JsonObject { ["exclude_tokens"] = new JsonArray([.. parsed.GetValue(exclude)!.Select(t => (JsonNode)t)]) };
            var options = new StudySection(StudyFile.Parse(words.ToJsonString(), "sae texts"), "--");
            var kept = KeptTokens.Read(options, tokenizer, config.Vocabulary);
            var dump = new TextDump(parsed.GetValue(texts)!, config, tokenizer, parsed.GetValue(hook)!, parsed.GetValue(context), kept);
            using var loaded = weights.Load(parsed, location);
            var written = dump.Write(loaded, parsed.GetValue(probes) ? parsed.GetValue(weight) : null, parsed.GetValue(output)!);
            foreach (var tensor in written)
                parsed.InvocationConfiguration.Output.WriteLine($"{tensor.Name}: {tensor.Texts} texts, {tensor.Tokens} tokens at most");
            return ExitCode.Done;
        });
        return command;
    }
}
