using System.Runtime.InteropServices;
using InterpActors.Compute.Devices;
using InterpActors.Compute.Interventions;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Sweeps;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Devices;

/// <summary>
/// A unit that finds too little memory is computed once more with the device to itself, and then gives up under its own name.
/// </summary>
public sealed class OutOfMemoryTests
{
    /// <summary>Head scaling whose first units find no memory.</summary>
    private sealed class HungryKind(Action run) : IStudyKind
    {
        public string Name => "hungry";

        public StudyKindHelp Help { get; } = new HeadScalingKind().Help;

        public IStudyMethod Read(StudySection method, StudyContext study) =>
            new HungryMethod(study, SweepKeys.Read(method, study, new SweepKeyOptions([Component.Z], Granularity.All)), run);
    }

    private sealed class HungryMethod(StudyContext study, SweepGrid grid, Action run) : IStudyMethod
    {
        private readonly HeadScalingMethod _inner = new(study, grid, 0.5);

        public IStudyPlan Plan(Study study) => _inner.Plan(study);

        public void Verify(StudySession session) => _inner.Verify(session);

        public UnitOutput Run(StudySession session, IStudyPlan plan, WorkUnit unit, UnitContext context)
        {
            var output = _inner.Run(session, plan, unit, context);
            run();
            return output;
        }

        public StudyReduction Reduce(Reduction reduction) => _inner.Reduce(reduction);
    }

    private static (StudyEngine Engine, IStudyPlan Plan) Open(Action run)
    {
        IReadOnlyList<IStudyKind> kinds = [.. StudyKinds.All, new HungryKind(run)];
        var folder = TestData.Path("interventions/tr-gpt2-ioi");
        var text = File.ReadAllText(Path.Combine(folder, "ablate-zero.conf")).Replace("kind = ablation", "kind = hungry")
            .Replace("value = zero", "").Replace("reference = clean", "").Replace("[z, attn_out, mlp_out]", "[z]");
        var study = StudyCompiler.Compile(StudyFile.Parse(text, "test.conf"), text, folder, 1, kinds);
        var engine = new StudyEngine(kinds, ownSessions: true);
        return (engine, engine.Plan(study));
    }

    [Fact]
    public void A_unit_is_computed_again_alone_and_gives_the_same_bytes()
    {
        var fail = false;
        var (engine, plan) = Open(() =>
        {
            if (!fail) return;
            fail = false;
            throw new OutOfMemoryException();
        });
        using var _ = engine;
        var expected = engine.Run(plan.Study, plan[1], StudyRuns.Context).Payload;
        fail = true;
        Assert.Equal(expected, engine.Run(plan.Study, plan[1], StudyRuns.Context).Payload);
        Assert.False(fail);
    }

    [Fact]
    public void A_unit_that_finds_none_even_alone_says_so_and_the_next_one_is_computed()
    {
        var tries = 0;
        var greedy = true;
        var (engine, plan) = Open(() =>
        {
            if (!greedy) return;
            tries++;
            // What libtorch says of 4 EiB.
            using var large = empty(1L << 62, dtype: ScalarType.Byte);
        });
        using var _ = engine;
        var failure = Assert.Throws<UnitException>(() => engine.Run(plan.Study, plan[1], StudyRuns.Context));
        Assert.Equal((UnitFailureKind.OutOfMemory, 2), (failure.Kind, tries));
        Assert.DoesNotContain('\n', failure.Message);
        greedy = false;
        Assert.NotEmpty(engine.Run(plan.Study, plan[1], StudyRuns.Context).Payload);
    }

    [Fact]
    public async Task Units_beside_it_end_before_it_is_computed_alone()
    {
        var gate = new DeviceGate();
        using var began = new ManualResetEventSlim();
        using var end = new ManualResetEventSlim();
        var order = new List<string>();
        var beside = Task.Run(() => gate.Beside("cpu", () =>
        {
            began.Set();
            end.Wait();
            lock (order) order.Add("beside");
            return 0;
        }));
        began.Wait();
        var alone = Task.Run(() => gate.Alone("cpu", () =>
        {
            lock (order) order.Add("alone");
            return 1;
        }));
        // Another device's units go on.
        Assert.Equal(2, gate.Beside("cuda:0", () => 2));
        await Task.Delay(50);
        end.Set();
        Assert.Equal((true, 1), await alone);
        Assert.Equal(0, await beside);
        Assert.Equal(["beside", "alone"], order);
    }

    [Theory]
    [InlineData("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.", true)]
    [InlineData("CUDA out of memory. Tried to allocate 20.00 MiB", true)]
    [InlineData("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", true)]
    [InlineData("mat1 and mat2 shapes cannot be multiplied", false)]
    public void The_words_that_libraries_use(string message, bool isMemory)
    {
        Assert.Equal(isMemory, Compute.Devices.OutOfMemory.Is(new ExternalException(message)));
        Assert.Equal(isMemory, Compute.Devices.OutOfMemory.Is(new AggregateException(new ExternalException(message))));
    }
}
