using System.IO.Compression;
using System.Text.Json;
using InterpActors.Compute.Models;
using InterpActors.Compute.Text;

namespace InterpActors.Compute.Tests.Text;

/// <summary>The tokenizer folders under Data, and what the tokenizers library made of their texts.</summary>
internal static class TokenizerFolders
{
    private static readonly Lazy<string> SmolLm2 = new(() =>
    {
        var folder = Directory.CreateTempSubdirectory("tokenizer-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, true);
        File.Copy(TestData.Path("tokenizers/smollm2/tokenizer_config.json"), Path.Combine(folder, "tokenizer_config.json"));
        using var packed = new GZipStream(File.OpenRead(TestData.Path("tokenizers/smollm2/tokenizer.json.gz")), CompressionMode.Decompress);
        using var unpacked = File.Create(Path.Combine(folder, "tokenizer.json"));
        packed.CopyTo(unpacked);
        return folder;
    });

    /// <summary>A row of a <c>tokenization.jsonl</c>.</summary>
    internal sealed record Row(
        string Text, int[] Tokens, int[] TokensNoSpecial, string[] Pieces, string Decoded, string DecodedSkipSpecial);

    internal static readonly string[] Names =
        ["gemma-style", "gpt2-style", "llama-style", "llama-style-metaspace", "llama3-style", "qwen2-style", "smollm2", "word-level"];

    internal static string Folder(string name) => name == "smollm2" ? SmolLm2.Value : TestData.Path($"tokenizers/{name}");

    internal static ITokenizer Load(string name) => LoadFolder(Folder(name));

    internal static ITokenizer LoadFolder(string folder) =>
        TokenizerLoader.Load(new ModelLocation(folder, folder, ModelFormat.HuggingFaceFolder))!;

    internal static List<Row> Rows(string name) => File.ReadLines(TestData.Path($"tokenizers/{name}/tokenization.jsonl"))
        .Select(line => JsonSerializer.Deserialize<Row>(line, Options)!).ToList();

    /// <summary>Writes a folder with this tokenizer.json (and configuration), for the length of an action.</summary>
    internal static void With(string json, string? config, Action<ITokenizer> action)
    {
        var folder = Directory.CreateTempSubdirectory("tokenizer-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "tokenizer.json"), json);
            if (config is not null) File.WriteAllText(Path.Combine(folder.FullName, "tokenizer_config.json"), config);
            action(LoadFolder(folder.FullName));
        }
        finally
        {
            folder.Delete(true);
        }
    }

    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
