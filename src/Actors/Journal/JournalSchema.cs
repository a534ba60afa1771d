namespace InterpActors.Actors.Journal;

/// <summary>
/// The tables that Akka.Persistence.Sql 1.5 reads and writes, made by us in one transaction: a process killed while it creates a journal
/// leaves either no tables or all of them. Left out is what costs a page per commit and nothing here needs: AUTOINCREMENT (no event is ever
/// deleted, so numbers are not used twice) and the indexes of tag and time queries. What keeps two incarnations from both writing one study
/// is the unique index on its sequence numbers.
/// </summary>
internal static class JournalSchema
{
    /// <summary>"IAJ1": marks the file as one of our journals (SQLite's <c>application_id</c>).</summary>
    public const int ApplicationId = 0x49414A31;

    public const string Sqlite = """
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

    /// <summary>
    /// The same tables, a <c>journal_format</c> that says what they are (the version that SQLite keeps in <c>user_version</c>), and the one
    /// row of the coordinators' lease.
    /// </summary>
    public const string Postgres = """
        CREATE TABLE journal (
            ordering bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            created bigint NOT NULL,
            deleted boolean NOT NULL,
            persistence_id text NOT NULL,
            sequence_number bigint NOT NULL,
            message bytea NOT NULL,
            manifest text NULL,
            identifier integer NULL,
            writer_uuid text NULL,
            CONSTRAINT journal_uq UNIQUE (persistence_id, sequence_number));
        CREATE TABLE tags (
            ordering_id bigint NOT NULL,
            tag text NOT NULL,
            sequence_nr bigint NOT NULL,
            persistence_id text NOT NULL,
            CONSTRAINT tags_pk PRIMARY KEY (ordering_id, tag));
        CREATE TABLE snapshot (
            persistence_id text NOT NULL,
            sequence_number bigint NOT NULL,
            created bigint NOT NULL,
            snapshot bytea NULL,
            manifest text NULL,
            serializer_id integer NULL,
            CONSTRAINT snapshot_pk PRIMARY KEY (persistence_id, sequence_number));
        CREATE TABLE leadership (
            holder text NOT NULL,
            node text NOT NULL,
            valid_until timestamptz NOT NULL);
        INSERT INTO leadership VALUES ('', '', '-infinity');
        CREATE TABLE journal_format (version integer NOT NULL);
        """;
}
