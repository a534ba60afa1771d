using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Remote.Serialization;
using Akka.Serialization;
using Akka.Util;

namespace InterpActors.Actors.Configuration;

/// <summary>
/// Akka's own messages between nodes, but for those that let another process stop or configure actors here: a message to identify an
/// actor, an actor's address and the heartbeats of watched nodes pass; stopping, killing, router and configuration messages, and
/// failures, which bring the name of an exception's type along, are refused. (Akka's untrusted mode leaves some of them through.)
/// </summary>
public sealed class MiscMessageFilter(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private static readonly HashSet<string> Allowed = ["ID", "AID", "AR", "RWHB", "RWHR"];

    private readonly MiscMessageSerializer _all = new(system);

    public override int Identifier => _all.Identifier;

    public override string Manifest(object o) => _all.Manifest(o);

    public override byte[] ToBinary(object obj) => _all.ToBinary(obj);

    /// <exception cref="SerializationException">The message is none of those that pass.</exception>
    public override object FromBinary(byte[] bytes, string manifest) =>
        Allowed.Contains(manifest) ? _all.FromBinary(bytes, manifest)
            : throw new SerializationException($"Akka's message '{manifest}' is not taken from other processes");
}

/// <summary>System messages: to watch an actor, and that a watched one has ended; nothing that creates, suspends or stops one.</summary>
public sealed class SystemMessageFilter(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private static readonly Dictionary<string, Type> Allowed =
        new[] { typeof(Watch), typeof(Unwatch), typeof(DeathWatchNotification) }.ToDictionary(t => t.TypeQualifiedName());

    private readonly SystemMessageSerializer _all = new(system);

    public override int Identifier => _all.Identifier;

    public override string Manifest(object o) => o.GetType().TypeQualifiedName();

    public override byte[] ToBinary(object obj) => _all.ToBinary(obj);

    /// <exception cref="SerializationException">The message is none of those that pass.</exception>
    public override object FromBinary(byte[] bytes, string manifest) =>
        Allowed.TryGetValue(manifest, out var type) ? _all.FromBinary(bytes, type)
            : throw new SerializationException($"the system message '{manifest}' is not taken from other processes");
}
