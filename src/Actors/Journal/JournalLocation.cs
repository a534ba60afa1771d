using System.Data.Common;
using Akka.Persistence.Sql.Config;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Journal;

/// <summary>Where a journal is: a file of this machine, or a database that several coordinators reach.</summary>
public abstract class JournalLocation
{
    private const string FilePrefix = "sqlite:";

    /// <summary>Names it in messages; holds no password.</summary>
    public abstract string Name { get; }

    /// <summary>For the journal's and the snapshots' plugins, and for every other connection.</summary>
    public abstract string ConnectionString { get; }

    /// <summary>The file of the <c>hocon</c> folder with the plugins' settings, without <c>.conf</c>.</summary>
    public abstract string Settings { get; }

    /// <summary>How the plugins open connections, where that is more than the settings say; else null.</summary>
    public virtual DataOptionsSetup? Setup => null;

    /// <summary>Makes the journal unless it is there.</summary>
    /// <exception cref="StudyException">
    /// It cannot be reached or written, or is not a journal of this version; one line says why.
    /// </exception>
    public abstract void Prepare();

    /// <summary>Gives back what this process holds of it, once its actors have ended.</summary>
    public abstract void Release();

    /// <summary>The right to lead the studies of this journal; null where only one process can have it open for writing.</summary>
    /// <param name="holder">This incarnation; differs from every other one's.</param>
    /// <param name="node">Where the holder can be found, <c>host:port</c>.</param>
    /// <param name="validity">After so long without renewal it may be taken by another.</param>
    public virtual IJournalLease? Lease(string holder, string node, TimeSpan validity) => null;

    /// <exception cref="DbException">It cannot be reached.</exception>
    internal abstract DbConnection OpenForReading();

    /// <summary>
    /// What <c>--journal</c> says: <c>sqlite:PATH</c>, <c>postgres:</c> with a connection string of Npgsql, or a <c>postgres://</c> URI.
    /// </summary>
    /// <exception cref="StudyException">It is none of them.</exception>
    public static JournalLocation Parse(string text)
    {
        if (text.StartsWith(FilePrefix, StringComparison.Ordinal) && text.Length > FilePrefix.Length)
            return new JournalFile(Path.GetFullPath(text[FilePrefix.Length..]));
        return PostgresAddress.Parse(text) is { } connection
            ? new JournalDatabase(connection)
            : throw new StudyException($"'{text}' is no journal", "--journal", "write sqlite:PATH or postgres://USER@HOST/DATABASE");
    }

    public sealed override string ToString() => Name;
}
