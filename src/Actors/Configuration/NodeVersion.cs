using System.Globalization;
using System.Text.RegularExpressions;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Configuration;

/// <summary>
/// A member's version, as the others see it: that of its program and that of the messages it understands. Members whose messages are of one
/// version work side by side, whatever their programs' versions; others do not mix.
/// </summary>
/// <param name="Program">e.g. <c>0.1.0</c>; only for people.</param>
/// <param name="Wire"><see cref="WireFormat.Version"/>.</param>
public sealed partial record NodeVersion(string Program, int Wire)
{
    public static NodeVersion Mine { get; } = new(ProcessName.Version, WireFormat.Version);

    /// <summary>In the form that a member announces (Akka's <c>app-version</c> allows three numbers and a rest without dots).</summary>
    public string Announced => $"{Numbers().Match(Program).Value}-wire{Wire.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Reads what a member announces; one that does not tell its messages' version has the first.</summary>
    public static NodeVersion Parse(string announced)
    {
        var match = Announcement().Match(announced);
        return match.Success ? new NodeVersion(match.Groups[1].Value, int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture))
            : new NodeVersion(announced, 1);
    }

    public override string ToString() => Program;

    [GeneratedRegex(@"^\d{1,6}\.\d{1,6}\.\d{1,6}")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"^(.*)-wire(\d{1,6})$")]
    private static partial Regex Announcement();
}
