using System.Collections;
using System.Text.RegularExpressions;
using Akka.Configuration;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Configuration;

/// <summary>
/// The user's settings, each kind turned into text that follows the files of the <c>hocon</c> folder: a file, then the environment, then
/// the command line, so that the later one wins. They are checked here, because the parser behind them skips some of what it does not
/// understand: broken text and unknown or misread settings of ours are errors.
/// </summary>
public sealed partial class SettingOverrides
{
    /// <summary>Settings of ours, with the value that ships.</summary>
    private readonly SortedDictionary<string, string> _known = new(StringComparer.Ordinal);

    /// <param name="folder">The <c>hocon</c> folder: a setting is known if one of its files has it.</param>
    public SettingOverrides(string folder)
    {
        var files = Directory.EnumerateFiles(folder, "*.conf").Order();
        var shipped = ConfigurationFactory.ParseString(string.Join('\n', files.Select(File.ReadAllText)));
        foreach (var (key, value) in shipped.AsEnumerable())
            if (key == "interp") Collect(shipped.GetConfig(key), key);

        void Collect(Config section, string path)
        {
            foreach (var (key, value) in section.AsEnumerable())
            {
                if (value.IsObject()) Collect(section.GetConfig(key), $"{path}.{key}");
                else _known[$"{path}.{key}"] = value.ToString();
            }
        }
    }

    /// <summary>A file in the language of study files: HOCON without includes and without references to other files.</summary>
    /// <param name="path">Null for none.</param>
    /// <exception cref="StudyException">It cannot be read, is not that language, or has an unknown or misread setting; names its
    /// line.</exception>
    public string FromFile(string? path)
    {
        if (path is null) return "";
        var settings = StudyFile.Read(path);
        Check(settings, "");
        return Text(settings);
    }

    /// <summary>Variables such as <c>INTERP__WORK__MAX_ATTEMPTS</c>, for <c>interp.work.max-attempts</c>, and <c>AKKA__…</c>.</summary>
    /// <exception cref="StudyException">A variable names no setting, or its value is misread.</exception>
    public string FromEnvironment(IDictionary variables) => string.Concat(
        variables.Keys.Cast<string>().Where(k => Variable().IsMatch(k)).Order(StringComparer.Ordinal)
            .Select(name => Assign(name, name.ToLowerInvariant().Replace("__", ".").Replace('_', '-'), $"{variables[name]}")));

    /// <summary>The same, of this process.</summary>
    public string FromEnvironment() => FromEnvironment(Environment.GetEnvironmentVariables());

    /// <param name="assignments"><c>key=value</c> each; the value is taken as it stands unless it begins like a list, an object or quoted
    /// text.</param>
    /// <exception cref="StudyException">One is none, names no setting, or is misread.</exception>
    public string FromCommandLine(IEnumerable<string> assignments) => string.Concat(assignments.Select(assignment =>
    {
        var equals = assignment.IndexOf('=');
        if (equals <= 0 || assignment[(equals + 1)..].Trim().Length == 0)
            throw new StudyException($"'{assignment}' is not key=value", "--set", "write e.g. --set interp.node.drain=10s");
        var key = assignment[..equals].Trim();
        return Assign($"--set {key}", key, assignment[(equals + 1)..].Trim());
    }));

    private string Assign(string where, string key, string value)
    {
        var text = value.Length > 0 && "[{\"".Contains(value[0]) ? $"{key} = {value}\n" : HoconFolder.Set(key, value);
        StudyObject setting;
        try
        {
            setting = StudyFile.Parse(text, where);
        }
        catch (StudyException e)
        {
            throw new StudyException(e.Problem, where, e.Remedy, e);
        }
        Check(setting, "", where);
        return Text(setting);
    }

    private void Check(StudyObject section, string path, string? where = null)
    {
        foreach (var key in section.Keys)
        {
            var full = path.Length == 0 ? key : $"{path}.{key}";
            var node = section[key]!;
            if (full != "interp" && !full.StartsWith("interp.", StringComparison.Ordinal)) continue;
            if (node is StudyObject { Keys.Count: > 0 } inner && !_known.ContainsKey(full)) Check(inner, full, where);
            else if (!_known.TryGetValue(full, out var shipped))
                throw new StudyException($"there is no setting '{full}'", where ?? $"{node.Place}",
                    StudySection.Nearest(full, [.. _known.Keys]));
            else if (node is not StudyScalar scalar || !Fits($"{scalar}", shipped))
                throw new StudyException($"'{node}' cannot be the value of {full}", where ?? $"{node.Place}", $"write e.g. {shipped}");
        }
    }

    /// <summary>
    /// Settings in the plainest form there is, because the parser that reads them next knows less than all of the language.
    /// </summary>
    private static string Text(StudyObject settings) => string.Concat(settings.Keys.Select(k => $"{Quoted(k)} = {Text(settings[k]!)}\n"));

    private static string Text(StudyNode node) => node switch
    {
        StudyObject o => $"{{\n{Text(o)}}}",
        StudyList l => $"[{string.Join(", ", l.Items.Select(Text))}]",
        StudyScalar { Text: { } text } => Quoted(text),
        _ => "null",
    };

    private static string Quoted(string text) =>
        $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n").Replace("\r", "\\r").Replace("\t", "\\t")}\"";

    /// <summary>Whether a value is of the kind of the one that ships: a time, a whole number, a switch, or any text.</summary>
    private static bool Fits(string value, string shipped)
    {
        foreach (var kind in new[] { Duration(), Number(), Switch() })
            if (kind.IsMatch(shipped)) return kind.IsMatch(value);
        return true;
    }

    [GeneratedRegex("^(INTERP|AKKA)__.")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^\d+(\.\d+)?\s*(ms|s|m|h|d|milliseconds?|seconds?|minutes?|hours?|days?)$")]
    private static partial Regex Duration();

    [GeneratedRegex(@"^\d{1,9}$")]
    private static partial Regex Number();

    [GeneratedRegex("^(on|off|true|false|yes|no)$")]
    private static partial Regex Switch();
}
