using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Compute.Studies;
using InterpActors.Host.Display;
using InterpActors.Host.Runs;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp sae evaluate SAE --model MODEL --tokens F</c>: a study of kind <c>sae-evaluation</c> without a file.</summary>
internal static class SaeEvaluateCommand
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Command Create()
    {
        var sae = SaeCommand.Sae();
        var model = new Option<string>("--model")
        {
            HelpName = "MODEL",
            Description = "The model that it is spliced into",
            Required = true,
        };
        var tokens = new Option<string>("--tokens")
        {
            HelpName = "FILE",
            Description = "Token ids or texts: .bin, .npy, .safetensors, .jsonl, .parquet",
            Required = true,
        };
        var tensor = new Option<string?>("--tensor")
        {
            HelpName = "NAME",
            Description = "With a .safetensors file of several: which tensor",
        };
        var hook = new Option<string?>("--hook")
        {
            HelpName = "NAME",
            Description = "Where it is spliced in (default: where it was trained)",
        };
        var context = new Option<int?>("--context")
        {
            HelpName = "N",
            Description = "Tokens a sequence at most (default: the model's context)",
        };
        var exclude = new Option<string[]>("--exclude-tokens")
        {
            HelpName = "ID …",
            Description = "Tokens that the SAE does not see: ids, special, bos or eos",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var maxNorm = new Option<double?>("--max-norm")
        {
            HelpName = "TIMES",
            Description = "Leave out tokens whose activation is longer than so many times the median of their shard of about 8,192 tokens",
        };
        var dtype = SaeCommand.Dtype("Type of the arithmetic");
        var folder = new Option<string?>("--out") { HelpName = "DIR", Description = "The run folder (default: runs/<name>-<id>)" };
        var workers = SharedOptions.Positive("--workers", PhysicalCores.Count, "Units computed at a time (default: physical cores)");
        var command = new Command("evaluate", "Splices an SAE into a model and takes SAEBench's core metrics; a run like any other")
        {
            sae, model, tokens, tensor, hook, context, exclude, maxNorm, dtype, folder, workers,
        };
        command.SetAction(async parsed =>
        {
            using var interrupts = new Interrupts();
            var display = Displays.For(parsed.InvocationConfiguration.Output, quiet: false);
            var data = new JsonObject { ["kind"] = "tokens", ["file"] = Path.GetFullPath(parsed.GetValue(tokens)!) };
            if (parsed.GetValue(tensor) is { } name) data["tensor"] = name;
            if (parsed.GetValue(context) is { } length) data["context"] = length;
            data["exclude_tokens"] = new JsonArray([.. parsed.GetValue(exclude)!.Select(t => (JsonNode)t)]);
            if (parsed.GetValue(maxNorm) is { } times) data["max_norm"] = times;
            var method = new JsonObject { ["kind"] = "sae-evaluation", ["sae"] = Path.GetFullPath(parsed.GetValue(sae)!), ["data"] = data };
            if (parsed.GetValue(hook) is { } point) method["hook"] = point;
            var chosen = parsed.GetValue(model)!;
            var source = new JsonObject
            {
                ["study"] = new JsonObject
                {
                    ["name"] = "sae-evaluate",
                    // A name of a model that ships stays a name.
                    ["model"] = new JsonObject
                    {
                        ["path"] = Path.Exists(chosen) ? Path.GetFullPath(chosen) : chosen,
                        ["dtype"] = parsed.GetValue(dtype),
                    },
                    ["method"] = method,
                },
            }.ToJsonString(Readable);
            var compiled = StudyCompiler.Compile(
                StudyFile.Parse(source, "sae evaluate"), source, Directory.GetCurrentDirectory(), threads: 1);
            using var engine = new StudyEngine();
            var run = new StudyRun(engine, engine, engine, s => ProgressText.Baselines(engine.Verify(s)), display, interrupts);
            return await run.ExecuteAsync(new RunRequest(compiled, parsed.GetValue(folder), Fresh: false, parsed.GetValue(workers), null));
        });
        return command;
    }
}
