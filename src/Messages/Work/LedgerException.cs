namespace InterpActors.Messages.Work;

/// <summary>A computed unit could not be noted: the run must stop rather than miscount. The message is one line with a remedy.</summary>
public sealed class LedgerException(string message, Exception? inner = null) : Exception(message, inner);
