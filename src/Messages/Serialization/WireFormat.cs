using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using InterpActors.Messages.Cluster;

namespace InterpActors.Messages.Serialization;

/// <summary>
/// Wire and journal format: UTF-8 JSON under a short manifest, <c>family-name.version</c>. A new optional field keeps its manifest; a
/// changed meaning gets a new one, and the old one stays readable. A manifest is never used for something else.
/// </summary>
public static class WireFormat
{
    /// <summary>
    /// The version of the protocol as a whole: nodes of another one are not let in. It changes only when a manifest that is still sent
    /// stops being read, which a patch version never does.
    /// </summary>
    public const int Version = 1;

    /// <summary>The version of the journal's contents; a journal of a newer version is refused.</summary>
    public const int JournalVersion = 1;

    private static readonly Dictionary<string, JsonTypeInfo> ByManifest = new()
    {
        ["w-register.1"] = WireJson.Default.RegisterWorker,
        ["w-request.1"] = WireJson.Default.RequestWork,
        ["w-result.1"] = WireJson.Default.UnitResult,
        ["w-checkpoint.1"] = WireJson.Default.UnitCheckpointed,
        ["w-warning.1"] = WireJson.Default.UnitWarning,
        ["w-failure.1"] = WireJson.Default.UnitFailure,
        ["w-returned.1"] = WireJson.Default.UnitReturned,
        ["w-beat.1"] = WireJson.Default.WorkerBeat,
        ["w-leaving.1"] = WireJson.Default.WorkerLeaving,
        ["w-describe.1"] = WireJson.Default.DescribeStudy,
        ["w-load.1"] = WireJson.Default.NodeLoad,
        ["w-loads.1"] = WireJson.Default.GetLoads,
        ["b-loads.1"] = WireJson.Default.LoadsReply,
        ["b-registered.1"] = WireJson.Default.Registered,
        ["b-assign.1"] = WireJson.Default.Assign,
        ["b-ack.1"] = WireJson.Default.ResultAck,
        ["b-drop.1"] = WireJson.Default.DropUnit,
        ["w-workers.1"] = WireJson.Default.GetWorkers,
        ["b-workers.1"] = WireJson.Default.WorkersReply,
        ["b-study.1"] = WireJson.Default.StudyDescription,
        ["c-submit.1"] = WireJson.Default.SubmitStudy,
        ["c-pause.1"] = WireJson.Default.PauseStudy,
        ["c-resume.1"] = WireJson.Default.ResumeStudy,
        ["c-cancel.1"] = WireJson.Default.CancelStudy,
        ["c-end-process.1"] = WireJson.Default.EndProcess,
        ["c-computed.1"] = WireJson.Default.ReportComputed,
        ["c-progress.1"] = WireJson.Default.GetProgress,
        ["c-history.1"] = WireJson.Default.GetHistory,
        ["c-list.1"] = WireJson.Default.ListStudies,
        ["r-list.1"] = WireJson.Default.KnownStudies,
        ["r-progress.1"] = WireJson.Default.ProgressReply,
        ["r-history.1"] = WireJson.Default.HistoryReply,
        ["r-refused.1"] = WireJson.Default.StudyRefused,
        ["a-find.1"] = WireJson.Default.FindArtifact,
        ["a-found.1"] = WireJson.Default.ArtifactFound,
        ["a-missing.1"] = WireJson.Default.ArtifactMissing,
        ["a-read.1"] = WireJson.Default.ReadArtifact,
        ["a-chunk.1"] = WireJson.Default.ArtifactChunk,
        ["a-keep.1"] = WireJson.Default.KeepArtifact,
        ["a-kept.1"] = WireJson.Default.ArtifactKept,
        ["a-not-kept.1"] = WireJson.Default.ArtifactNotKept,
        ["a-seek.1"] = WireJson.Default.SeekRecipe,
        ["a-made.1"] = WireJson.Default.RecipeMade,
        ["a-begun.1"] = WireJson.Default.RecipeBegun,
        ["a-unknown.1"] = WireJson.Default.RecipeUnknown,
        ["e-registered.1"] = WireJson.Default.StudyRegistered,
        ["e-coordinator.1"] = WireJson.Default.CoordinatorStarted,
        ["e-submitted.1"] = WireJson.Default.StudySubmitted,
        ["e-planned.1"] = WireJson.Default.StudyPlanned,
        ["e-priority.1"] = WireJson.Default.StudyPrioritised,
        ["e-process.1"] = WireJson.Default.ProcessStarted,
        ["e-process-end.1"] = WireJson.Default.ProcessEnded,
        ["e-unit.1"] = WireJson.Default.UnitCompleted,
        ["e-checkpoint.1"] = WireJson.Default.CheckpointWritten,
        ["e-computed.1"] = WireJson.Default.UnitsComputed,
        ["e-unit-warned.1"] = WireJson.Default.UnitWarned,
        ["e-unit-failed.1"] = WireJson.Default.UnitFailed,
        ["e-unit-given-up.1"] = WireJson.Default.UnitGivenUp,
        ["e-paused.1"] = WireJson.Default.StudyPaused,
        ["e-resumed.1"] = WireJson.Default.StudyResumed,
        ["e-cancelled.1"] = WireJson.Default.StudyCancelled,
        ["e-completed.1"] = WireJson.Default.StudyCompleted,
        ["s-study.1"] = WireJson.Default.StudySnapshot,
    };

    private static readonly Dictionary<Type, string> ByType = ByManifest.ToDictionary(p => p.Value.Type, p => p.Key);

    /// <summary>Every manifest that can be read.</summary>
    public static IReadOnlyCollection<string> Manifests => ByManifest.Keys;

    /// <summary>The manifest that a message is written under.</summary>
    /// <exception cref="SerializationException">The type is not part of the format.</exception>
    public static string ManifestOf(Type type) =>
        ByType.TryGetValue(type, out var manifest) ? manifest : throw new SerializationException($"{type.Name} is not a wire message");

    public static byte[] Write(object message) => JsonSerializer.SerializeToUtf8Bytes(message, ByManifest[ManifestOf(message.GetType())]);

    /// <exception cref="SerializationException">The manifest is unknown (a newer version's?) or the bytes are not its JSON.</exception>
    public static IWireMessage Read(ReadOnlySpan<byte> bytes, string manifest)
    {
        if (!ByManifest.TryGetValue(manifest, out var type))
            throw new SerializationException($"unknown message '{manifest}'; it was written by a newer version");
        try
        {
            return (IWireMessage?)JsonSerializer.Deserialize(bytes, type) ?? throw new SerializationException($"'{manifest}' holds null");
        }
        catch (JsonException e)
        {
            throw new SerializationException($"'{manifest}' cannot be read: {e.Message}", e);
        }
    }
}
