using Akka.Configuration;
using InterpActors.Actors.Journal;

namespace InterpActors.Actors.Configuration;

/// <summary>
/// The configuration files, joined as text and parsed once, overrides last: only then does a later value reach earlier substitutions
/// (a substitution is resolved when its own text is parsed).
/// </summary>
public static class HoconFolder
{
    /// <summary>What a run on one machine uses.</summary>
    public static readonly IReadOnlyList<string> Local = ["akka", "dispatchers", "serialization", "telemetry", "persistence-sqlite"];

    /// <summary>What a compute node of a cluster uses.</summary>
    public static readonly IReadOnlyList<string> ComputeMember =
        ["akka", "dispatchers", "serialization", "telemetry", "remote", "cluster", "artifacts"];

    /// <summary>What a coordinator of a cluster uses.</summary>
    public static IReadOnlyList<string> Coordinator(JournalLocation journal) => [.. ComputeMember, journal.Settings];

    /// <summary>The <c>hocon</c> folder beside the executable.</summary>
    public static string Default => Path.Combine(AppContext.BaseDirectory, "hocon");

    /// <param name="names">File names without <c>.conf</c>.</param>
    /// <param name="overrides">Text that wins over the files.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    public static Config Load(string folder, IEnumerable<string> names, string overrides) =>
        ConfigurationFactory.ParseString(
            string.Join('\n', names.Select(n => File.ReadAllText(Path.Combine(folder, n + ".conf"))).Append(overrides)));

    /// <summary>A HOCON assignment of a text, quoted.</summary>
    public static string Set(string key, string value) => $"{key} = \"{value.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"\n";
}
