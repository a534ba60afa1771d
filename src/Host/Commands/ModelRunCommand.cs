using System.CommandLine;
using System.Globalization;
using InterpActors.Compute.Models;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp model run MODEL</c>: one forward per prompt, named activations to a safetensors file.</summary>
internal static class ModelRunCommand
{
    public static Command Create()
    {
        var model = SharedOptions.Model();
        var prompts = new Option<string>("--prompts")
        {
            HelpName = "F.jsonl",
            Required = true,
            Description = "A line each: {\"text\":\"…\"} or {\"tokens\":[…]}, optional \"id\""
        };
        var save = new Option<string[]>("--save")
        {
            HelpName = "NAMES",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
            Description = "Hook names, short forms (resid_pre, z, pattern) and globs, separated by commas; logits is one too",
        };
        var file = new Option<string>("--out")
        {
            HelpName = "F.safetensors",
            Required = true,
            Description = "Keys: <prompt id>/<hook name>"
        };
        var top = SharedOptions.Positive("--top", 0, "Prints the K most likely next tokens of each prompt", "K");
        var bos = new Option<bool>("--prepend-bos") { Description = "Begins each text with the beginning-of-sequence token" };
        var weights = new ModelWeightOptions();
        var command = new Command("run", "Runs prompts and saves activations by name") { model, prompts, save, file, top, bos };
        weights.AddTo(command);
        command.SetAction(parsed =>
        {
            var names = parsed.GetValue(save)!.SelectMany(SplitNames).ToList();
            if (names.Count == 0) throw new StudyException("no hook names", "--save", "e.g. --save resid_pre,logits");
            var location = ModelCommand.Locate(parsed.GetValue(model)!);
            var tokenizer = TokenizerLoader.Load(location);
            var read = PromptFile.Read(parsed.GetValue(prompts)!, ModelLoader.ReadConfig(location), tokenizer, parsed.GetValue(bos));
            using var loaded = weights.Load(parsed, location);
            var dumped = ActivationDump.Write(loaded, read, names, parsed.GetValue(file)!, parsed.GetValue(top));
            var output = parsed.InvocationConfiguration.Output;
            foreach (var prompt in dumped) Print(prompt, tokenizer, output);
            output.WriteLine($"{dumped.Count} prompt{(dumped.Count == 1 ? "" : "s")} to {parsed.GetValue(file)}");
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Splits at commas outside braces: <c>blocks.{0,3}.hook_resid_pre,logits</c> is two names.</summary>
    internal static IEnumerable<string> SplitNames(string text)
    {
        var depth = 0;
        var start = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && text[i] == '{') depth++;
            else if (i < text.Length && text[i] == '}') depth--;
            else if (i == text.Length || (text[i] == ',' && depth <= 0))
            {
                if (text[start..i].Trim() is { Length: > 0 } name) yield return name;
                start = i + 1;
            }
        }
    }

    private static void Print(DumpedPrompt prompt, ITokenizer? tokenizer, TextWriter output)
    {
        foreach (var next in prompt.Top)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{prompt.Prompt.Id}  {Math.Exp(next.LogProbability),7:P2}  {next.Logit,9:0.000}  {next.Token,6}  "
                    + $"{(tokenizer is null ? "" : TokenText.Display(tokenizer, next.Token))}").TrimEnd());
        }
    }
}
