using System.Data.Common;

namespace InterpActors.Actors.Journal;

/// <summary>
/// The right to lead the studies of a journal that several coordinators reach. At most one holds it; one that stopped renewing it loses it
/// to the next who asks. It keeps two clusters that do not see each other from both leading. That a holder which lost it unnoticed (its
/// process was frozen) writes nothing more is not its work, but that of the journal's unique sequence numbers.
/// </summary>
public interface IJournalLease
{
    /// <summary>Takes it if nobody holds it.</summary>
    /// <returns>Null where it is ours now; else the node that holds it.</returns>
    /// <exception cref="DbException">The journal cannot be reached.</exception>
    Task<string?> TakeAsync();

    /// <summary>Renews it.</summary>
    /// <returns>False where another has taken it since.</returns>
    /// <exception cref="DbException">The journal cannot be reached; whether it is still ours shows later.</exception>
    Task<bool> RenewAsync();

    /// <summary>Lets the next one take it at once; nothing where it is not ours.</summary>
    /// <exception cref="DbException">The journal cannot be reached; it will run out.</exception>
    Task ReleaseAsync();
}
