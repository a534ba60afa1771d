using InterpActors.Actors.Journal;
using InterpActors.Messages.Studies;
using Npgsql;

namespace InterpActors.Actors.Tests.Journal;

public class JournalLocationTests
{
    [Fact]
    public void A_file()
    {
        var journal = JournalLocation.Parse("sqlite:some/journal.db");
        Assert.Equal(Path.GetFullPath("some/journal.db"), Assert.IsType<JournalFile>(journal).Name);
        Assert.Equal("persistence-sqlite", journal.Settings);
    }

    [Theory]
    [InlineData("postgres:Host=db;Port=5433;Username=lab;Password=geheim;Database=studies")]
    [InlineData("postgres://lab:geheim@db:5433/studies")]
    [InlineData("postgresql://lab:geheim@db:5433/studies?sslmode=verify-full&application_name=interp")]
    public void A_database_in_each_notation(string text)
    {
        var journal = Assert.IsType<JournalDatabase>(JournalLocation.Parse(text));
        var connection = new NpgsqlConnectionStringBuilder(journal.ConnectionString);
        Assert.Equal(("db", 5433, "lab"), (connection.Host, connection.Port, connection.Username));
        Assert.Equal(("geheim", "studies"), (connection.Password, connection.Database));
        Assert.Equal((5, "interp"), (connection.Timeout, connection.ApplicationName));
        Assert.Equal(text.Contains("sslmode") ? SslMode.VerifyFull : SslMode.Prefer, connection.SslMode);
        Assert.Equal("postgres://lab@db:5433/studies", $"{journal}");
        Assert.Equal("persistence-postgres", journal.Settings);
    }

    [Fact]
    public void What_the_address_says_wins_over_our_defaults()
    {
        var journal = JournalLocation.Parse("postgres:///d?host=/var/run&user=u%40x&connect_timeout=1&options=-c%20search_path%3Da");
        var connection = new NpgsqlConnectionStringBuilder(journal.ConnectionString);
        Assert.Equal(("/var/run", "u@x", 1, "-c search_path=a"),
            (connection.Host, connection.Username, connection.Timeout, connection.Options));
    }

    [Theory]
    [InlineData("journal.db")]
    [InlineData("sqlite:")]
    [InlineData("postgres:")]
    [InlineData("postgres:Host=h;Nonsense=1;Password=geheim")]
    [InlineData("postgres://h/d?nonsense=1")]
    [InlineData("postgres:///d")]
    [InlineData("mysql://h/d")]
    public void Anything_else_is_refused_without_repeating_a_password(string text)
    {
        var message = Assert.Throws<StudyException>(() => JournalLocation.Parse(text)).Message;
        Assert.Contains("--journal", message);
        Assert.DoesNotContain("geheim", message);
    }
}
