using System.IO.Compression;
using System.Text.Json;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>What the journal keeps of a trained dictionary: its files by content, its log, and how it ended.</summary>
/// <param name="Files">By the name under which the run folder shows them.</param>
/// <param name="Log">As <see cref="TrainingLog.ToBytes"/>.</param>
/// <param name="ScalingFactor">What activations were multiplied by in training.</param>
/// <param name="Alive">Latents that fired in training.</param>
internal sealed record TrainingPayload(IReadOnlyList<NamedArtifact> Files, byte[] Log, double ScalingFactor, int Alive)
{
    /// <summary>The dictionary against the world that its data were drawn from, by name; null where that is not known.</summary>
    public IReadOnlyDictionary<string, double>? Planted { get; init; }

    /// <summary>The dictionary on the study's held-out data, by name; null where there are none.</summary>
    public IReadOnlyDictionary<string, double>? HeldOut { get; init; }

    /// <summary>A figure of the comparison with what was planted or of the held-out data; null where there is none.</summary>
    public double? Figure(string name) => HeldOut is not null && HeldOut.TryGetValue(name, out var value) ? value
        : Planted is not null && Planted.TryGetValue(name, out value) ? value : null;

    /// <summary>Brotli over JSON.</summary>
    public byte[] ToBytes()
    {
        using var bytes = new MemoryStream();
        using (var packed = new BrotliStream(bytes, CompressionLevel.Optimal)) JsonSerializer.Serialize(packed, this);
        return bytes.ToArray();
    }

    public static TrainingPayload Parse(byte[] payload)
    {
        using var packed = new BrotliStream(new MemoryStream(payload), CompressionMode.Decompress);
        return JsonSerializer.Deserialize<TrainingPayload>(packed) ?? throw new InvalidDataException("an empty payload");
    }
}
