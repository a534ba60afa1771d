using System.Reflection;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Devices;

/// <summary>
/// TorchSharp frees a number that it has handed to libtorch when a garbage collection comes in between; the build gives numbers to dispose
/// scopes instead (<c>Directory.Build.targets</c>).
/// </summary>
public sealed class ScalarTests
{
    [Fact]
    public void A_scalar_belongs_to_the_scope_it_is_used_in()
    {
        Scalar used = 2.5, unused = 2.5;
        using (NewDisposeScope())
        {
            using var ones = torch.ones(3);
            Assert.Equal(7.5, (ones * used).sum().ToDouble());
            Assert.NotEqual(0, Handle(used));
        }
        Assert.Equal(0, Handle(used));
        Assert.NotEqual(0, Handle(unused));
        unused.Dispose();

        static nint Handle(Scalar scalar) =>
            (nint)typeof(Scalar).GetField("handle", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(scalar)!;
    }

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
