using System.Text.RegularExpressions;

namespace InterpActors.Messages.Studies;

/// <summary>
/// Names one study: a readable name and the first twelve hex digits of the SHA-256 of its canonical form, as in
/// <c>ioi-patching-3f2a90c1d7e4</c>. Two studies with equal canonical form have equal ids.
/// </summary>
public readonly partial record struct StudyId
{
    /// <exception cref="ArgumentException">The text is not <c>name-hash</c> in lower case, digits and hyphens.</exception>
    public StudyId(string value)
    {
        if (!IsValid(value)) throw new ArgumentException($"'{value}' is not a study id", nameof(value));
        Value = value;
    }

    /// <summary>The whole id.</summary>
    public string Value { get; }

    /// <summary>True for <c>name-hash</c> in lower case, digits and hyphens.</summary>
    public static bool IsValid(string text) => Pattern().IsMatch(text);

    /// <summary>The id of the study with this name and canonical form.</summary>
    public static StudyId From(string name, string canonical)
    {
        var hash = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(canonical));
        var slug = Unfit().Replace(name.ToLowerInvariant(), "-").Trim('-');
        if (slug.Length > 60) slug = slug[..60].Trim('-');
        return new StudyId($"{(slug.Length == 0 ? "study" : slug)}-{Convert.ToHexStringLower(hash)[..12]}");
    }

    /// <inheritdoc/>
    public override string ToString() => Value;

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,60}-[0-9a-f]{12}$")]
    private static partial Regex Pattern();

    [GeneratedRegex("[^a-z0-9]+")]
    private static partial Regex Unfit();
}
