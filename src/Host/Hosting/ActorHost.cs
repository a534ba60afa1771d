using Akka.Configuration;
using Akka.Hosting;
using InterpActors.Actors.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace InterpActors.Host.Hosting;

/// <summary>Starts an actor system in this process: what a run on this machine and a cluster's member have in common.</summary>
internal static class ActorHost
{
    /// <summary>The name of every actor system; part of a member's address.</summary>
    public const string SystemName = "interp";

    /// <param name="wire">Adds the actors.</param>
    public static async Task<IHost> StartAsync(Config config, Action<AkkaConfigurationBuilder> wire)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddAkka(SystemName, akka =>
        {
            akka.AddHocon(config, HoconAddMode.Prepend).ConfigureLoggers(l =>
            {
                l.ClearLoggers();
                l.LogLevel = Akka.Event.LogLevel.WarningLevel;
                l.AddLogger<WarningFileLogger>();
            });
            wire(akka);
        });
        // Made by the container, so that it sends what is left when the host is disposed of.
        builder.Services.AddSingleton(_ => Telemetry.Start(config));
        var host = builder.Build();
        host.Services.GetRequiredService<Telemetry>();
        await host.StartAsync();
        return host;
    }
}
