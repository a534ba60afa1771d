using System.Diagnostics;
using InterpActors.Host.Commands;

namespace InterpActors.Host.Tests;

/// <summary>Runs the program, in this process or as one of its own.</summary>
internal static class Interp
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    public static string Model(string name) => Path.Combine(Root, "models", name);

    /// <summary>Runs a command in this process.</summary>
    public static async Task<Outcome> Here(params string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        var code = await CommandLine.RunAsync(arguments, output, error);
        return new Outcome(code, output.ToString(), error.ToString());
    }

    /// <summary>Starts a process of its own; the caller ends it.</summary>
    public static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(CommandLine).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // A process that is killed would leave the sockets and pipes of its diagnostics in the temporary folder.
            Environment = { ["DOTNET_EnableDiagnostics"] = "0" },
        };
        return Process.Start(start)!;
    }

    /// <summary>Waits for a process and what it said.</summary>
    public static async Task<Outcome> Finish(this Process process)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return new Outcome(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
            process.Dispose();
        }
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "InterpActors.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}

internal sealed record Outcome(int Code, string Output, string Error);
