using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp model tokenize MODEL</c>: token ids and pieces of a text or of every line of a file.</summary>
internal static class ModelTokenizeCommand
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create()
    {
        var model = SharedOptions.Model();
        var text = new Option<string?>("--text") { HelpName = "T", Description = "The text" };
        var file = new Option<string?>("--file")
        {
            HelpName = "F.jsonl",
            Description = "A line each: {\"text\":\"…\"}, or {\"messages\":[…]} with --chat"
        };
        var chat = new Option<bool>("--chat") { Description = "Puts the text into the model's chat template" };
        var json = SharedOptions.Json("One JSON object a line: {\"text\":…,\"tokens\":[…],\"pieces\":[…]}");
        var command = new Command("tokenize", "Prints token ids and pieces") { model, text, file, chat, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(text) is null == result.GetValue(file) is null) result.AddError("give either --text or --file");
        });
        command.SetAction(parsed =>
        {
            var tokenizer = ModelCommand.Tokenizer(parsed.GetValue(model)!);
            IEnumerable<PromptLine> prompts = parsed.GetValue(file) is { } path
                ? PromptLines.Read(path)
                : [new PromptLine("0", parsed.GetValue(text), null, null, true, new SourcePlace("--text", 0))];
            foreach (var prompt in prompts)
                Print(Tokenize(tokenizer, prompt, parsed.GetValue(chat)), parsed.GetValue(json), parsed.InvocationConfiguration.Output);
            return ExitCode.Done;
        });
        return command;
    }

    private static Tokenization Tokenize(ITokenizer tokenizer, PromptLine prompt, bool chat) => prompt switch
    {
        { Messages: { } messages } => Tokenization.Of(tokenizer, messages, prompt.AddGenerationPrompt),
        { Text: { } text } when chat => Tokenization.Of(tokenizer, ModelCommand.Conversation(text), prompt.AddGenerationPrompt),
        { Text: { } text } => Tokenization.Of(tokenizer, text),
        _ => throw new StudyException("the line has token ids, no text", prompt.Place.ToString()),
    };

    private static void Print(Tokenization result, bool json, TextWriter output)
    {
        if (json)
        {
            output.WriteLine(result.ToJson());
            return;
        }
        var width = result.Tokens.Length == 0 ? 0 : result.Tokens.Max().ToString(System.Globalization.CultureInfo.InvariantCulture).Length;
        foreach (var (token, piece) in result.Tokens.Zip(result.Pieces))
            output.WriteLine($"{token.ToString(System.Globalization.CultureInfo.InvariantCulture).PadLeft(width)}  "
                + $"{JsonSerializer.Serialize(piece, Plain)}");
    }
}
