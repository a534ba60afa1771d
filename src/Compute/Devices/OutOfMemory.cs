using System.Runtime.InteropServices;

namespace InterpActors.Compute.Devices;

/// <summary>Tells that a device's memory did not suffice, in whichever words .NET, libtorch or CUDA say so.</summary>
internal static class OutOfMemory
{
    private static readonly string[] Words =
        ["out of memory", "not enough memory", "allocate memory", "ALLOC_FAILED", "bad_alloc", "Storage size calculation overflowed"];

    public static bool Is(Exception e) => e switch
    {
        OutOfMemoryException => true,
        AggregateException a => a.InnerExceptions.Any(Is),
        ExternalException x => Words.Any(w => x.Message.Contains(w, StringComparison.OrdinalIgnoreCase)),
        _ => e.InnerException is { } inner && Is(inner),
    };
}
