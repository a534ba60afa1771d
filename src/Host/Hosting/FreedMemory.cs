using System.Runtime.InteropServices;

namespace InterpActors.Host.Hosting;

/// <summary>
/// Memory that was freed and that the process keeps: tensors of a model lie in the C library's heap, which holds on to what was freed in
/// small pieces.
/// </summary>
internal static class FreedMemory
{
    /// <summary>Gives it back to the machine, where the C library can (glibc).</summary>
    public static void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = Trim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library, which may give it back by itself.
        }
    }

    [DllImport("libc", EntryPoint = "malloc_trim")]
    private static extern int Trim(nuint keep);
}
