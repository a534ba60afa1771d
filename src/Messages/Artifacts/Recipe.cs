namespace InterpActors.Messages.Artifacts;

/// <summary>How a file is made that comes out the same whoever makes it.</summary>
/// <param name="Key">A hash, in hex, of all that its bytes depend on: the name under which nodes ask each other for it.</param>
/// <param name="Make">Writes it to a path, whole or not at all. Must not wait for another recipe's file.</param>
/// <param name="Fits">Whether a file that another node made can be it.</param>
/// <param name="Took">How long it or its like took to make here; null where none was made yet.</param>
public sealed record Recipe(string Key, Action<string> Make, Func<string, bool> Fits, TimeSpan? Took = null);
