using Akka.Actor;
using Akka.Cluster;

namespace InterpActors.Actors.Coordination;

/// <summary>Puts <see cref="SideResolver"/> in the place of Akka's split-brain resolver (<c>hocon/cluster.conf</c>).</summary>
public sealed class SideDowning(ActorSystem system, Cluster cluster) : IDowningProvider
{
    /// <summary>How long a coordinator's successor waits after the other was removed.</summary>
    public TimeSpan DownRemovalMargin => system.Settings.Config.GetTimeSpan("interp.cluster.removal-margin");

    public Props DowningActorProps => SideResolver.Props(cluster, system.Settings.Config.GetTimeSpan("interp.cluster.stable-after"));
}
