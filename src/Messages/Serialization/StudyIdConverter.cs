using System.Text.Json;
using System.Text.Json.Serialization;
using InterpActors.Messages.Studies;

namespace InterpActors.Messages.Serialization;

/// <summary>A study id travels as plain text; an ill-formed one is refused on reading.</summary>
public sealed class StudyIdConverter : JsonConverter<StudyId>
{
    public override StudyId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        try
        {
            return new StudyId(reader.GetString() ?? "");
        }
        catch (ArgumentException e)
        {
            throw new JsonException(e.Message, e);
        }
    }

    public override void Write(Utf8JsonWriter writer, StudyId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}
