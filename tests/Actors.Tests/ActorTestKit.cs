using Akka.Configuration;
using Akka.TestKit.Xunit2;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Work;

namespace InterpActors.Actors.Tests;

/// <summary>Actors under the shipped configuration, with a journal in memory and short times.</summary>
public abstract class ActorTestKit(string more = "") : TestKit(Config(more))
{
    protected static readonly WorkSettings Settings = new(
        TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30),
        new RetryPolicy(3, TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50)) { MaxDeaths = 3 }, 10);

    private static Config Config(string more) => HoconFolder.Load(
        HoconFolder.Default, ["akka", "dispatchers", "serialization", "artifacts"],
        """
        akka.persistence.journal.plugin = "akka.persistence.journal.inmem"
        akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.inmem"
        akka.loggers = ["Akka.Event.DefaultLogger, Akka"]
        akka.test.single-expect-default = 10s
        akka.scheduler.tick-duration = 10ms
        """ + "\n" + more);
}
