using System.Collections.Immutable;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Microsoft.Data.Sqlite;

namespace InterpActors.Actors.Tests.Studies;

/// <summary>A journal in memory that fails, as a full disk does, or delays when told to.</summary>
public sealed class ChaosJournal : MemoryJournal
{
    /// <summary>The SQLite error of every write; 0 for none.</summary>
    public static int Error { get; set; }

    /// <summary>A gate that every write waits for.</summary>
    public static TaskCompletionSource? Gate { get; set; }

    protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        if (Gate is { } gate) await gate.Task;
        if (Error != 0) throw new AggregateException(new SqliteException("SQLite Error", Error, Error));
        return await base.WriteMessagesAsync(messages, cancellationToken);
    }
}
