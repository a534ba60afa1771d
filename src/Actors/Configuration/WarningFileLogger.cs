using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;

namespace InterpActors.Actors.Configuration;

/// <summary>
/// Writes warnings and errors of the actor system to the file named by <c>interp.log-file</c>, which exists only once there is something to
/// say; nothing where the name is empty. The terminal belongs to the user.
/// </summary>
public sealed class WarningFileLogger : ReceiveActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    public WarningFileLogger()
    {
        var path = Context.System.Settings.Config.GetString("interp.log-file", "");
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<LogEvent>(e =>
        {
            if (path.Length == 0 || e.LogLevel() < LogLevel.WarningLevel) return;
            try
            {
                var cause = e.Cause is null ? "" : $"\n{e.Cause}";
                File.AppendAllText(path, $"{e.Timestamp:O} {e.LogLevel()} {e.LogSource} {e.Message}{cause}\n");
            }
            catch (IOException)
            {
                // A full disk: the study itself reports it.
            }
        });
    }
}
