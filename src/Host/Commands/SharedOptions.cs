using System.CommandLine;
using System.CommandLine.Parsing;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary>Options that several commands share; each call makes a new one, because a symbol belongs to one command.</summary>
internal static class SharedOptions
{
    public static Argument<string?> Study() =>
        new("study") { HelpName = "STUDY.conf", Description = "The study file", Arity = ArgumentArity.ZeroOrOne };

    public static Argument<string> Model() => new("model")
    {
        HelpName = "MODEL",
        Description = "A folder in the Hugging Face layout, a .gguf file, or the name of a model that ships (gt-ioi, tr-ioi, …)",
    };

    public static Option<string?> Cluster() => new("--cluster")
    {
        HelpName = "URL",
        Description = "A coordinator's address, or several with commas between them (default: INTERP_CLUSTER); "
            + "the token is taken from INTERP_TOKEN",
    };

    public static Argument<string> StudyId() => new("id") { HelpName = "ID", Description = "A study's id, as submit and list print it" };

    /// <summary>The argument of commands that take a local run's folder or the id of a study of a cluster.</summary>
    public static Argument<string> Run() =>
        new("run") { HelpName = "ID|DIR", Description = "A run folder, or the id of a study of a cluster" };

    /// <summary>Whether <paramref name="run"/> is a study of a cluster: where one is named, or it is no folder and one is known.</summary>
    public static bool IsOfCluster(string run, string? url) =>
        url is not null || (!Directory.Exists(run) && Environment.GetEnvironmentVariable("INTERP_CLUSTER") is { Length: > 0 });

    /// <exception cref="StudyException">The text is no id.</exception>
    public static StudyId ParseStudyId(string text)
    {
        try
        {
            return new StudyId(text);
        }
        catch (ArgumentException e)
        {
            throw new StudyException($"'{text}' is not a study's id", null, "interp list shows them", e);
        }
    }

    public static Option<string[]> Set() => new("--set")
    {
        HelpName = "key=value …",
        Description = "Overrides keys of the study file, e.g. --set method.by=role",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    /// <summary>Reads the study file with its overrides. In <c>--set a=1 s.conf</c> the word without <c>=</c> is the file.</summary>
    /// <exception cref="StudyException">No file is named, or it is wrong.</exception>
    public static LoadedStudy Load(ParseResult parsed, Argument<string?> study, Option<string[]> set) => Load(parsed, study, set, out _);

    /// <summary>The same, telling the overrides too.</summary>
    public static LoadedStudy Load(ParseResult parsed, Argument<string?> study, Option<string[]> set, out IReadOnlyList<string> given)
    {
        var overrides = parsed.GetValue(set)!.ToList();
        var path = parsed.GetValue(study);
        if (path is null && overrides.FirstOrDefault(o => !o.Contains('=')) is { } misread)
        {
            overrides.Remove(misread);
            path = misread;
        }
        given = overrides;
        return StudyFile.Load(path ?? throw new StudyException("no study file is named", null, "e.g. studies/quickstart.conf"), overrides);
    }

    public static Option<int> Threads(string of) => Positive("--threads", 1, $"Threads {of}");

    public static Option<string?> DeviceKind()
    {
        var option = new Option<string?>("--device")
        {
            HelpName = "KIND",
            Description = "The kind of device that computes it, cpu or cuda; the last bits of results depend on it (default: cpu)",
        };
        option.AcceptOnlyFromAmong([.. DeviceNames.Kinds]);
        return option;
    }

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
