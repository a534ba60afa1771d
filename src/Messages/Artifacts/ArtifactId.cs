using System.Text.Json;
using System.Text.Json.Serialization;

namespace InterpActors.Messages.Artifacts;

/// <summary>
/// Names a file by its content: its SHA-256 in 64 lower-case hex digits, and nothing else, so that no name leads out of a store.
/// </summary>
[JsonConverter(typeof(ArtifactIdConverter))]
public readonly record struct ArtifactId
{
    private const int Digits = 64;
    private readonly string? _value;

    /// <exception cref="ArgumentException">The text is not 64 lower-case hex digits.</exception>
    public ArtifactId(string value)
    {
        if (!IsValid(value))
            throw new ArgumentException("an artifact is named by the 64 lower-case hex digits of its SHA-256", nameof(value));
        _value = value;
    }

    /// <summary>The 64 digits.</summary>
    public string Value => _value ?? throw new InvalidOperationException("no artifact is named");

    /// <summary>Whether the text names an artifact.</summary>
    public static bool IsValid(string? text) => text?.Length == Digits && text.All(c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'));

    /// <summary>The name of the content with this SHA-256.</summary>
    public static ArtifactId Of(ReadOnlySpan<byte> sha256) => new(Convert.ToHexStringLower(sha256));

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>An artifact's name travels as plain text; an ill-formed one is refused on reading.</summary>
public sealed class ArtifactIdConverter : JsonConverter<ArtifactId>
{
    public override ArtifactId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        return ArtifactId.IsValid(text) ? new ArtifactId(text!) : throw new JsonException("not the name of an artifact");
    }

    public override void Write(Utf8JsonWriter writer, ArtifactId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
