using InterpActors.Compute.Devices;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Devices;

/// <summary>Units on other devices than the CPU, simulated.</summary>
public sealed class DeviceTests
{
    private const string File = "interventions/tr-gpt2-ioi/patch-denoising-position.conf";

    private static UnitContext On(string device) => new(device, _ => { }, CancellationToken.None);

    private static StudyEngine Engine() => new(StudyKinds.All, ownSessions: true, devices: new SimulatedDevices());

    [Fact]
    public void Two_devices_give_the_same_bytes_and_the_numbers_of_the_cpu()
    {
        using var engine = Engine();
        var here = StudyRuns.Compile(File);
        var there = StudyCompiler.On(here, DeviceNames.Cuda);
        var plan = engine.Plan(there);
        byte[][] Payloads(string device) => [.. StudyRuns.Ordinals(plan).Select(o => engine.Run(there, plan[o], On(device)).Payload)];
        var first = Payloads("cuda:0");
        Assert.Equal(first, Payloads("cuda:1"));

        var rows = StudyRuns.Reduce(engine, plan, first).Result.Rows;
        var expected = StudyRuns.Run(here).Rows;
        Assert.Equal(expected.Count, rows.Count);
        for (var i = 0; i < rows.Count; i++) Assert.Equal(expected[i].Score!.Value, rows[i].Score!.Value, 1e-9);
    }

    [Fact]
    public void A_study_is_computed_on_its_own_kind_of_device_only()
    {
        using var engine = Engine();
        var here = StudyRuns.Compile(File);
        var there = StudyCompiler.On(here, DeviceNames.Cuda);
        UnitException Refused(Study study, string device) =>
            Assert.Throws<UnitException>(() => engine.Run(study, engine.Plan(study)[0], On(device)));
        Assert.Equal(UnitFailureKind.Unfit, Refused(there, "cpu").Kind);
        Assert.Equal(UnitFailureKind.Unfit, Refused(here, "cuda:1").Kind);
        Assert.Contains("there is no device cuda:7 here", Refused(there, "cuda:7").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_build_for_the_cpu_has_the_cpu_and_says_why_no_more()
    {
        var cpu = Assert.Single(TorchDevices.Instance.All);
        Assert.Equal("cpu", cpu.Name);
        Assert.True(cpu.MemoryBytes > 0);
        Assert.Contains("-p:Cuda=true", TorchDevices.Instance.Limits, StringComparison.Ordinal);
    }

    [Fact]
    public void A_study_whose_kind_is_computed_on_the_cpu_only_is_refused_elsewhere()
    {
        var training = StudyRuns.Compile(File) with { Kind = "sae-training" };
        Assert.Equal("cpu", StudyCompiler.On(training, "cpu").Execution.DeviceKind);
        var refused = Assert.Throws<StudyException>(() => StudyCompiler.On(training, "cuda"));
        Assert.Contains("it is on cpu", refused.Message, StringComparison.Ordinal);
    }
}
