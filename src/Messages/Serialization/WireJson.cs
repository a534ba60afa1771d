using System.Text.Json.Serialization;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Cluster;

namespace InterpActors.Messages.Serialization;

/// <summary>Source-generated JSON of every wire message. NaN and infinities are written as names, enums as words.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = false,
    UseStringEnumConverter = true,
    Converters = [typeof(StudyIdConverter)])]
[JsonSerializable(typeof(RegisterWorker))]
[JsonSerializable(typeof(RequestWork))]
[JsonSerializable(typeof(UnitResult))]
[JsonSerializable(typeof(UnitCheckpointed))]
[JsonSerializable(typeof(UnitWarning))]
[JsonSerializable(typeof(UnitFailure))]
[JsonSerializable(typeof(UnitReturned))]
[JsonSerializable(typeof(WorkerBeat))]
[JsonSerializable(typeof(WorkerLeaving))]
[JsonSerializable(typeof(DescribeStudy))]
[JsonSerializable(typeof(Registered))]
[JsonSerializable(typeof(Assign))]
[JsonSerializable(typeof(ResultAck))]
[JsonSerializable(typeof(DropUnit))]
[JsonSerializable(typeof(StudyDescription))]
[JsonSerializable(typeof(GetWorkers))]
[JsonSerializable(typeof(WorkersReply))]
[JsonSerializable(typeof(NodeLoad))]
[JsonSerializable(typeof(GetLoads))]
[JsonSerializable(typeof(LoadsReply))]
[JsonSerializable(typeof(ListStudies))]
[JsonSerializable(typeof(KnownStudies))]
[JsonSerializable(typeof(SubmitStudy))]
[JsonSerializable(typeof(PauseStudy))]
[JsonSerializable(typeof(ResumeStudy))]
[JsonSerializable(typeof(CancelStudy))]
[JsonSerializable(typeof(EndProcess))]
[JsonSerializable(typeof(ReportComputed))]
[JsonSerializable(typeof(GetProgress))]
[JsonSerializable(typeof(GetHistory))]
[JsonSerializable(typeof(ProgressReply))]
[JsonSerializable(typeof(HistoryReply))]
[JsonSerializable(typeof(StudyRefused))]
[JsonSerializable(typeof(StudyRegistered))]
[JsonSerializable(typeof(CoordinatorStarted))]
[JsonSerializable(typeof(StudySubmitted))]
[JsonSerializable(typeof(StudyPlanned))]
[JsonSerializable(typeof(StudyPrioritised))]
[JsonSerializable(typeof(ProcessStarted))]
[JsonSerializable(typeof(ProcessEnded))]
[JsonSerializable(typeof(UnitCompleted))]
[JsonSerializable(typeof(CheckpointWritten))]
[JsonSerializable(typeof(UnitsComputed))]
[JsonSerializable(typeof(UnitWarned))]
[JsonSerializable(typeof(UnitFailed))]
[JsonSerializable(typeof(UnitGivenUp))]
[JsonSerializable(typeof(StudyPaused))]
[JsonSerializable(typeof(StudyResumed))]
[JsonSerializable(typeof(StudyCancelled))]
[JsonSerializable(typeof(StudyCompleted))]
[JsonSerializable(typeof(StudySnapshot))]
[JsonSerializable(typeof(FindArtifact))]
[JsonSerializable(typeof(ArtifactFound))]
[JsonSerializable(typeof(ArtifactMissing))]
[JsonSerializable(typeof(ReadArtifact))]
[JsonSerializable(typeof(ArtifactChunk))]
[JsonSerializable(typeof(KeepArtifact))]
[JsonSerializable(typeof(ArtifactKept))]
[JsonSerializable(typeof(ArtifactNotKept))]
internal sealed partial class WireJson : JsonSerializerContext;
