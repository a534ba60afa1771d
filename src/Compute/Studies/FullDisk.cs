namespace InterpActors.Compute.Studies;

/// <summary>Tells a full disk from other trouble with files.</summary>
internal static class FullDisk
{
    // Errors of the operating system: ENOSPC, ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, EDQUOT.
    private static readonly int[] Codes = [28, 39, 112, 122];

    /// <summary>True where an exception, or what caused it, says that there is no space left or a quota is used up.</summary>
    public static bool Is(Exception? error)
    {
        for (; error is not null; error = error.InnerException)
            if (error is IOException && Codes.Contains(error.HResult & 0xFFFF)) return true;
        return false;
    }
}
