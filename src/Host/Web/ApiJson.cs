using System.Text.Json;
using System.Text.Json.Serialization;
using InterpActors.Compute.Reports;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Web;

/// <summary>The API's JSON: lower-case names with underscores, states in the words of <c>summary.json</c>.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    Converters = [typeof(StudyIdJson), typeof(RunStateJson)])]
[JsonSerializable(typeof(StudySubmission))]
[JsonSerializable(typeof(InputQuery))]
[JsonSerializable(typeof(MissingInputs))]
[JsonSerializable(typeof(ArtifactReceipt))]
[JsonSerializable(typeof(SubmissionReply))]
[JsonSerializable(typeof(StudyListing))]
[JsonSerializable(typeof(StudyDetail))]
[JsonSerializable(typeof(StudyProgress))]
[JsonSerializable(typeof(StudyCells))]
[JsonSerializable(typeof(ResultListing))]
[JsonSerializable(typeof(ClusterView))]
[JsonSerializable(typeof(Overview))]
[JsonSerializable(typeof(Refusal))]
internal sealed partial class ApiJson : JsonSerializerContext;

internal sealed class StudyIdJson : JsonConverter<StudyId>
{
    public override StudyId Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
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

internal sealed class RunStateJson : JsonConverter<RunState>
{
    public override RunState Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        var word = reader.GetString();
        foreach (var state in Enum.GetValues<RunState>())
            if (SummaryJson.Word(state) == word) return state;
        throw new JsonException($"'{word}' is no state of a run");
    }

    public override void Write(Utf8JsonWriter writer, RunState value, JsonSerializerOptions options) =>
        writer.WriteStringValue(SummaryJson.Word(value));
}
