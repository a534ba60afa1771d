using System.Globalization;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Web;

/// <summary>Reads where a coordinator's HTTP API is to listen: <c>PORT</c> on loopback, or <c>HOST:PORT</c>.</summary>
internal static class WebAddress
{
    /// <exception cref="StudyException">The text is neither.</exception>
    public static (string Host, int Port) Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? "127.0.0.1" : text[..colon].Trim('[', ']');
        if (host.Length == 0 || !ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            throw new StudyException($"'{text}' is neither a port nor HOST:PORT", "--http", "write e.g. 8558 or 0.0.0.0:8558");
        return (host, port);
    }
}
