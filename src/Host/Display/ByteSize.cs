using System.Globalization;

namespace InterpActors.Host.Display;

/// <summary>Bytes for people, in powers of 1024.</summary>
public static class ByteSize
{
    public static string Words(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        double size = bytes;
        var unit = 0;
        for (; size >= 1024 && unit < units.Length - 1; unit++) size /= 1024;
        return size.ToString(unit == 0 || size >= 100 ? "0" : "0.0", CultureInfo.InvariantCulture) + " " + units[unit];
    }
}
