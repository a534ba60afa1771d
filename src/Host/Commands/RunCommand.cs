using System.CommandLine;
using InterpActors.Actors.Configuration;
using InterpActors.Compute.Studies;
using InterpActors.Host.Display;
using InterpActors.Host.Runs;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp run STUDY.conf</c>: plans, computes on this machine, shows progress, writes the run folder; resumes.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var study = SharedOptions.Study();
        var folder = new Option<string?>("--out") { HelpName = "DIR", Description = "The run folder (default: runs/<name>-<id>)" };
        var workers = SharedOptions.Positive("--workers", PhysicalCores.Count,
            "Units computed at a time; results do not depend on it (default: physical cores)");
        var threads = new Option<int?>("--threads")
        {
            HelpName = "N",
            Description = "Threads per worker; the last bits of results depend on it (default: 1)"
        };
        threads.Validators.Add(result => SharedOptions.CheckRange(result, "--threads"));
        var device = SharedOptions.DeviceKind();
        var set = SharedOptions.Set();
        var fresh = new Option<bool>("--fresh") { Description = "Starts anew in a folder beside the old one" };
        var quiet = new Option<bool>("--quiet") { Description = "Shows nothing but errors and the last line" };
        var command = new Command("run", "Runs a study on this machine, or goes on with it where it was interrupted")
        {
            study, folder, workers, threads, device, set, fresh, quiet,
        };
        command.SetAction(async parsed =>
        {
            // Before a folder is made.
            _ = new SettingOverrides(HoconFolder.Default).FromEnvironment();
            using var interrupts = new Interrupts();
            var display = Displays.For(parsed.InvocationConfiguration.Output, parsed.GetValue(quiet));
            display.Say("reading the study");
            var file = SharedOptions.Load(parsed, study, set);
            var compiled = StudyCompiler.Compile(file.Root, file.Source, file.Folder, parsed.GetValue(threads) ?? 1);
            compiled = StudyCompiler.On(compiled, parsed.GetValue(device) ?? DeviceNames.Cpu);
            using var engine = new StudyEngine();
            var run = new StudyRun(engine, engine, engine, s => ProgressText.Baselines(engine.Verify(s)), display, interrupts);
            return await run.ExecuteAsync(new RunRequest(compiled, parsed.GetValue(folder), parsed.GetValue(fresh),
                parsed.GetValue(workers), parsed.GetValue(threads), parsed.GetValue(device)));
        });
        return command;
    }
}
