namespace InterpActors.Messages.Cluster;

/// <summary>
/// All that crosses a process boundary or enters a journal. Every such type has a versioned manifest in
/// <see cref="Serialization.WireFormat"/>; no actor reference, tensor or <c>object</c> is ever part of one.
/// </summary>
public interface IWireMessage;

/// <summary>A message for one study's supervisor.</summary>
public interface IStudyCommand : IWireMessage
{
    Studies.StudyId Study { get; }
}

/// <summary>A durable fact about one study.</summary>
public interface IStudyEvent : IWireMessage;
