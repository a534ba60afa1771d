using Akka.Actor;
using Akka.Serialization;

namespace InterpActors.Messages.Serialization;

/// <summary>The one serializer of protocol and journal: <see cref="WireFormat"/> behind Akka's interface.</summary>
public sealed class WireSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>Stored beside every event; never to be changed.</summary>
    public const int Id = 4243;

    public override int Identifier => Id;

    public override string Manifest(object o) => WireFormat.ManifestOf(o.GetType());

    public override byte[] ToBinary(object obj) => WireFormat.Write(obj);

    public override object FromBinary(byte[] bytes, string manifest) => WireFormat.Read(bytes, manifest);
}
