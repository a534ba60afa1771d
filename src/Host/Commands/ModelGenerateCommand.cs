using System.CommandLine;
using System.Globalization;
using InterpActors.Compute.Models;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp model generate MODEL</c>: continues a text greedily, with interventions where asked.</summary>
internal static class ModelGenerateCommand
{
    public static Command Create()
    {
        var model = SharedOptions.Model();
        var prompt = new Option<string?>("--prompt") { HelpName = "T", Description = "The text to continue" };
        var tokens = new Option<string?>("--tokens") { HelpName = "1,2,3", Description = "Token ids instead of a text" };
        var chat = new Option<bool>("--chat") { Description = "Puts the text into the model's chat template" };
        var most = SharedOptions.Positive("--max-tokens", 64, "New tokens at most");
        var intervene = new Option<string?>("--intervene")
        {
            HelpName = "FILE",
            Description = "edits = [{ hook = blocks.3.attn.hook_z, head = 2, positions = [4], value = zero | mean | scale, by = 0.5 }], "
                + "or latents of an SAE: { sae = FOLDER, latent = 17, value = zero | scale | set, to = 8 }",
        };
        var weights = new ModelWeightOptions();
        var command = new Command("generate", "Continues a text, greedily") { model, prompt, tokens, chat, most, intervene };
        weights.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(prompt) is null == result.GetValue(tokens) is null) result.AddError("give either --prompt or --tokens");
        });
        command.SetAction(parsed =>
        {
            var location = ModelCommand.Locate(parsed.GetValue(model)!);
            var tokenizer = parsed.GetValue(tokens) is null ? ModelCommand.Tokenizer(location) : TokenizerLoader.Load(location);
            var ids = parsed.GetValue(tokens) is { } list ? Ids(list) : Encode(tokenizer!, parsed.GetValue(prompt)!, parsed.GetValue(chat));
            var edits = parsed.GetValue(intervene) is { } file
                ? GenerationEdit.Read(
                    StudyFile.Read(file), ModelLoader.ReadConfig(location), Path.GetDirectoryName(Path.GetFullPath(file))!,
                    weights.Type(parsed))
                : null;
            using var loaded = weights.Load(parsed, location);
            Write(Generation.Greedy(loaded, ids, parsed.GetValue(most), tokenizer?.EosId, edits), tokenizer,
                parsed.InvocationConfiguration.Output);
            return ExitCode.Done;
        });
        return command;
    }

    private static int[] Encode(ITokenizer tokenizer, string text, bool chat) =>
        chat ? Tokenization.Of(tokenizer, ModelCommand.Conversation(text)).Tokens : tokenizer.Encode(text);

    private static int[] Ids(string list) =>
        [.. list.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries).Select(t =>
            int.TryParse(t, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? id : throw new StudyException($"'{t}' is not a token id", "--tokens", "write e.g. --tokens 1,2,3"))];

    /// <summary>Writes text as it comes; a character whose bytes are spread over several tokens waits for the last of them.</summary>
    private static void Write(IEnumerable<int> tokens, ITokenizer? tokenizer, TextWriter output)
    {
        var all = new List<int>();
        var written = 0;
        foreach (var token in tokens)
        {
            all.Add(token);
            if (tokenizer is null)
            {
                output.Write((all.Count > 1 ? " " : "") + token.ToString(CultureInfo.InvariantCulture));
            }
            else
            {
                var text = tokenizer.Decode([.. all], skipSpecialTokens: true);
                if (text.EndsWith('\uFFFD')) continue;
                output.Write(text[Math.Min(written, text.Length)..]);
                written = text.Length;
            }
            output.Flush();
        }
        var whole = tokenizer?.Decode([.. all], skipSpecialTokens: true) ?? "";
        if (whole.Length > written) output.Write(whole[written..]);
        output.WriteLine();
    }
}
