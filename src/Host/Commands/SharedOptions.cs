using System.CommandLine;
using System.CommandLine.Parsing;

namespace InterpActors.Host.Commands;

/// <summary>Options that several commands share; each call makes a new one, because a symbol belongs to one command.</summary>
internal static class SharedOptions
{
    public static Argument<string> Study() => new("study") { HelpName = "STUDY.conf", Description = "The study file" };

    public static Argument<string> Model() => new("model")
    {
        HelpName = "MODEL",
        Description = "A folder in the Hugging Face layout, a .gguf file, or the name of a model that ships (gt-ioi, tr-ioi, …)",
    };

    public static Option<string[]> Set() => new("--set")
    {
        HelpName = "key=value",
        Description = "Overrides a key of the study file, e.g. --set method.by=role (repeatable)",
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
    };

    public static Option<int> Threads(string of) => Positive("--threads", 1, $"Threads {of}");

    public static Option<bool> Json(string what) => new("--json") { Description = what };

    /// <summary>A whole number of at least 1.</summary>
    public static Option<int> Positive(string name, int otherwise, string description, string helpName = "N")
    {
        var option = new Option<int>(name) { HelpName = helpName, Description = description, DefaultValueFactory = _ => otherwise };
        option.Validators.Add(result => CheckRange(result, name));
        return option;
    }

    public static void CheckRange(OptionResult result, string name)
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var n) && n is < 1 or > 4096)
            result.AddError($"{name} {n} is out of range, 1 to 4096 are possible");
    }
}
