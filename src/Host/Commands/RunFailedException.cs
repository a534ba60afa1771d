namespace InterpActors.Host.Commands;

/// <summary>A run stopped before its end for a reason that is not the user's input; running again resumes it. Exit code 1.</summary>
public sealed class RunFailedException(string message, Exception? inner = null) : Exception(message, inner);
