using InterpActors.Actors.Compute;
using InterpActors.Actors.Journal;
using InterpActors.Messages.Cluster;
using InterpActors.TestSupport;

namespace InterpActors.Actors.Tests.Compute;

public class ComputeNodeTests : ActorTestKit
{
    [Fact]
    public void Tells_every_new_coordinator_what_the_ledger_of_its_folder_says()
    {
        var folder = Directory.CreateTempSubdirectory("interp-ledger-").FullName;
        try
        {
            var (one, two) = (FakePlanner.Study("one").Id, FakePlanner.Study("two").Id);
            using var ledger = new ComputedLog(Path.Combine(folder, "computed.log"));
            ledger.Append(one, "killed", 0, 1);
            Assert.Equal(2, ledger.Append(one, "killed", 1, 1));
            ledger.Append(two, "p", 0, 1);
            var services = new ComputeServices("p", TestActor, new FakeRunner(), ledger, Settings, Engines.Props);
            var node = Sys.ActorOf(ComputeNode.Props([new WorkerSlot("cpu-0", "cpu")], services));
            ExpectMsg<RegisterWorker>();
            var worker = LastSender;

            foreach (var epoch in new[] { "e1", "e2" })
            {
                worker.Tell(new Registered(epoch), TestActor);
                var told = new[] { Fish(), Fish() };
                Assert.Equal([one, two], told.Select(t => t.Study));
                Assert.Equal([new ProcessCount("killed", 2)], told[0].Processes);
                worker.Tell(new Registered(epoch), TestActor);
            }
            Sys.Stop(node);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private ReportComputed Fish() => (ReportComputed)FishForMessage(m => m is ReportComputed);
}
