using System.Reflection;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Devices;

/// <summary>
/// TorchSharp frees a number that it has handed to libtorch when a garbage collection comes in between; the build takes that from it
/// (<c>Directory.Build.targets</c>).
/// </summary>
public sealed class ScalarTests
{
    [Fact]
    public void The_finaliser_of_a_scalar_frees_nothing()
    {
        var finaliser = typeof(Scalar).GetMethod("Finalize", BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly)!;
        // 7 nops, then the end that the compiler gives every finaliser; where this fails, TorchSharp is of another version.
        Assert.All(finaliser.GetMethodBody()!.GetILAsByteArray()![..7], code => Assert.Equal(0, code));
    }

    [Fact]
    public void Numbers_that_meet_tensors_survive_garbage_collections_of_other_threads()
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        try
        {
            using var ones = torch.ones(8, ScalarType.Float64).DetachFromDisposeScope();
            for (var i = 0; i < 20_000; i++)
            {
                using var scope = NewDisposeScope();
                Assert.Equal(8, ((ones * 3.5).eq(3.5).sum() + 0).ToInt64());
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }
}
