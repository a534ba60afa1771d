using System.Text;

namespace InterpActors.Messages.Studies;

/// <summary>A study file as it was read.</summary>
/// <param name="Root">The whole file; the study is its key <c>study</c>.</param>
/// <param name="Source">The file as the user wrote it, overrides not applied.</param>
/// <param name="Folder">Absolute; the folder that relative paths in the study start from.</param>
/// <param name="Path">Absolute path of the file.</param>
public sealed record LoadedStudy(StudyObject Root, string Source, string Folder, string Path);

/// <summary>
/// Reads study files: the part of HOCON that a study needs, hence JSON too. Comments (<c>#</c>, <c>//</c>), <c>=</c> or <c>:</c> or
/// nothing before <c>{</c>, dotted keys, objects merged (the later value wins), quoted, triple-quoted and unquoted text, lists with commas
/// or line breaks, optional outer braces, <c>${path}</c> and <c>${?path}</c> within the file, concatenation. Refused with a message:
/// <c>include</c>, <c>+=</c>, values that refer to themselves. Nothing is read from the environment. Every value knows its line.
/// </summary>
public static class StudyFile
{
    /// <summary>Largest file that is read.</summary>
    public const int MaximumBytes = 4 << 20;

    /// <summary>Parses a study file's text.</summary>
    /// <param name="text">The text; a leading byte order mark is ignored.</param>
    /// <param name="fileName">What messages call the file.</param>
    /// <param name="overrides"><c>key=value</c> each, applied last; the key with or without a leading <c>study.</c>.</param>
    /// <exception cref="StudyException">The text is not a study file; the message begins with <c>file:line</c>.</exception>
    public static StudyObject Parse(string text, string fileName, IReadOnlyList<string>? overrides = null)
    {
        if (text.Length > MaximumBytes) throw TooLarge(fileName);
        var root = new StudyFileParser(text, fileName).ParseFile();
        foreach (var assignment in overrides ?? []) Override(root, assignment);
        return new StudyFileResolver(root).Resolve();
    }

    /// <summary>Reads a study file and checks that it has an object <c>study</c>.</summary>
    /// <exception cref="StudyException">The file cannot be read or is not a study file.</exception>
    public static LoadedStudy Load(string path, IReadOnlyList<string>? overrides = null)
    {
        var source = ReadText(path);
        var root = Parse(source, path, overrides);
        if (root["study"] is not StudyObject)
            throw new StudyException("the file has no object 'study'", root["study"]?.Place.ToString() ?? path, "write study { … }");
        var full = Path.GetFullPath(path);
        return new LoadedStudy(root, source, Path.GetDirectoryName(full)!, full);
    }

    /// <summary>Reads another file of the same language, e.g. interventions for a generation.</summary>
    /// <exception cref="StudyException">The file cannot be read or is not of this language.</exception>
    public static StudyObject Read(string path) => Parse(ReadText(path), path);

    private static string ReadText(string path)
    {
        byte[] bytes;
        try
        {
            if (Directory.Exists(path)) throw new StudyException("is a folder, not a file", path, "name a .conf file");
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            bytes = new byte[MaximumBytes + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > MaximumBytes) throw TooLarge(path);
            bytes = bytes[..length];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StudyException("there is no such file", path, "check the path", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new StudyException($"the file cannot be read ({e.Message})", path, null, e);
        }
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            var line = 1 + bytes.AsSpan(0, Math.Clamp(e.Index, 0, bytes.Length)).Count((byte)'\n');
            throw new StudyException("the file is not UTF-8 text", $"{path}:{line}", "save it as UTF-8", e);
        }
    }

    private static void Override(RawObject root, string assignment)
    {
        var equals = assignment.IndexOf('=');
        if (equals <= 0 || assignment[(equals + 1)..].Trim().Length == 0)
            throw new StudyException($"'{assignment}' is not key=value", "--set", "write e.g. --set method.by=all");
        var key = assignment[..equals].Trim();
        var where = $"--set {key}";
        var path = new StudyFileParser(key, where, isOverride: true).ParseKeyOnly();
        if (path[0] != "study") path.Insert(0, "study");
        root.Add(path, new StudyFileParser(assignment[(equals + 1)..].Trim(), where, isOverride: true).ParseOverrideValue());
    }

    private static StudyException TooLarge(string where) =>
        new($"the file is larger than {MaximumBytes >> 20} MiB", where, "a study file holds settings; put prompts in a file of their own");
}
