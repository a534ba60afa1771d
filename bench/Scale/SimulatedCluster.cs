using Akka.Actor;
using Akka.Hosting;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Coordination;
using InterpActors.Actors.Journal;
using InterpActors.Actors.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace InterpActors.Bench.Scale;

/// <summary>A real coordinator (broker, supervisors, SQLite journal) and simulated workers in this process.</summary>
internal sealed class SimulatedCluster : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly IActorRef _coordinator;
    private readonly string _journal;
    private readonly TaskCompletionSource _assigned = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private SimulatedCluster(IHost host, string journal)
    {
        _host = host;
        _journal = journal;
        _coordinator = host.Services.GetRequiredService<ActorRegistry>().Get<Coordinator>();
    }

    /// <summary>Ends when a worker got its first unit.</summary>
    public Task FirstAssignment => _assigned.Task;

    public static async Task<SimulatedCluster> StartAsync(string journal, int workers, IStudyPlanner planner)
    {
        new JournalFile(journal).Prepare();
        var config = HoconFolder.Load(
            HoconFolder.Default, HoconFolder.Local,
            HoconFolder.Set("interp.journal.connection-string", new JournalFile(journal).ConnectionString));
        var host = await ActorHost.StartAsync(config, akka => akka.AddCoordinator(planner, new JournalFile(journal)));
        var cluster = new SimulatedCluster(host, journal);
        cluster.StartWorkers(workers);
        return cluster;
    }

    /// <summary>Begins or resumes; returns once the study is planned.</summary>
    public Task<StudyProgress> SubmitAsync(Study study) => Ask(new SubmitStudy(study, null));

    public Task<StudyProgress> ProgressAsync(StudyId study) => Ask(new GetProgress(study));

    /// <summary>Units with a result in the journal's file, counted row by row.</summary>
    /// <exception cref="InvalidOperationException">A unit has more than one result.</exception>
    public static long Committed(string journal, StudyId study)
    {
        using var connection = new SqliteConnection(new JournalFile(journal).ConnectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText =
            """
            SELECT count(*), count(DISTINCT json_extract(CAST(message AS TEXT), '$.ordinal'))
            FROM journal WHERE persistence_id = $id AND manifest = 'e-unit.1'
            """;
        command.Parameters.AddWithValue("$id", StudySupervisor.PersistenceIdOf(study));
        using var reader = command.ExecuteReader();
        reader.Read();
        var (rows, units) = (reader.GetInt64(0), reader.GetInt64(1));
        return rows == units ? units : throw new InvalidOperationException($"{rows} results of {units} units");
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        new JournalFile(_journal).Release();
    }

    private void StartWorkers(int workers)
    {
        var system = _host.Services.GetRequiredService<ActorSystem>();
        for (var i = 0; i < workers; i++)
        {
            var id = $"{SimulatedWorker.Process}/{i}";
            system.ActorOf(Props.Create(() => new SimulatedWorker(id, _coordinator, () => _assigned.TrySetResult())), $"worker-{i}");
        }
    }

    private async Task<StudyProgress> Ask(IStudyCommand command) => await _coordinator.Ask<object>(command, TimeSpan.FromMinutes(1)) switch
    {
        ProgressReply { Progress.Error: null } r => r.Progress,
        ProgressReply r => throw new InvalidOperationException(r.Progress.Error),
        var other => throw new InvalidOperationException($"{other}"),
    };
}
