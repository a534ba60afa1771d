using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace InterpActors.Messages.Serialization;

/// <summary>
/// Takes the names of serializers that would make objects of any type whose name a message (or a journal) brings along: what would have
/// gone to them is refused, in both directions. <c>hocon/serialization.conf</c> says which.
/// </summary>
public sealed class RefusingSerializer : Serializer
{
    /// <summary>Not that of any serializer it stands for, so that their messages are unknown here.</summary>
    public const int Id = 4244;

    public RefusingSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    /// <summary>For names whose serializer has settings; they are not used.</summary>
    public RefusingSerializer(ExtendedActorSystem system, Config settings) : base(system) => _ = settings;

    public override int Identifier => Id;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) =>
        throw new SerializationException($"{obj.GetType().FullName} is not part of the wire format and is not sent");

    public override object FromBinary(byte[] bytes, Type type) =>
        throw new SerializationException("messages that name their own type are refused");
}
