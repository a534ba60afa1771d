namespace InterpActors.Actors.Journal;

/// <summary>
/// The tables that Akka.Persistence.Sql 1.5 reads and writes, made by us in one transaction: a process killed while it creates a journal
/// leaves either no tables or all of them. Left out is what costs a page per commit and nothing here needs: AUTOINCREMENT (no event is ever
/// deleted, so numbers are not used twice) and the indexes of tag and time queries.
/// </summary>
internal static class JournalSchema
{
    /// <summary>"IAJ1": marks the file as one of our journals (SQLite's <c>application_id</c>).</summary>
    public const int ApplicationId = 0x49414A31;

    public const string Create = """
        CREATE TABLE IF NOT EXISTS journal (
            ordering INTEGER NOT NULL PRIMARY KEY,
            created INTEGER NOT NULL,
            deleted Bit NOT NULL,
            persistence_id NVarChar(255) NOT NULL,
            sequence_number INTEGER NOT NULL,
            message VarBinary NOT NULL,
            manifest NVarChar(500) NULL,
            identifier INTEGER NULL,
            writer_uuid NVarChar(128) NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS journal_uq ON journal (persistence_id, sequence_number);
        CREATE TABLE IF NOT EXISTS tags (
            ordering_id INTEGER NOT NULL,
            tag NVarChar(64) NOT NULL,
            sequence_nr INTEGER NOT NULL,
            persistence_id NVarChar(255) NOT NULL,
            CONSTRAINT PK_tags PRIMARY KEY (ordering_id, tag));
        CREATE TABLE IF NOT EXISTS snapshot (
            persistence_id NVarChar(255) NOT NULL,
            sequence_number INTEGER NOT NULL,
            created INTEGER NOT NULL,
            snapshot VarBinary NULL,
            manifest NVarChar(500) NULL,
            serializer_id INTEGER NULL,
            CONSTRAINT PK_snapshot PRIMARY KEY (persistence_id, sequence_number));
        """;
}
