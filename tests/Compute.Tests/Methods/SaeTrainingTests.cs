using InterpActors.Compute.Studies;
using InterpActors.Compute.Tests.Dictionaries.Data;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Methods;

/// <summary>Training studies end to end, in memory but for their checkpoints.</summary>
public sealed class SaeTrainingTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public SaeTrainingTests()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        SafetensorsWriter.Write(_folder.At("acts.safetensors"), [("batches", randn([8, 32, 6], ScalarType.Float32, generator: generator)),
            ("rows", randn([200, 6], ScalarType.Float32, generator: generator))]);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("topk, k = 2, d_sae = 12, normalisation { kind = mean-norm, batches = 2 }")]
    [InlineData("batchtopk, k = 1.5, d_sae = 12, data.tensor = rows, batch = 32, dead_window = 2")]
    [InlineData("jumprelu, d_sae = 12, l0_warm_up_steps = 5, data.order = shuffled")]
    [InlineData("matryoshka_batchtopk, k = 2, d_sae = 12, widths = [4, 12]")]
    [InlineData("gated, d_sae = 12")]
    [InlineData("standard, expansion = 2, schedule { lr = cosine, lr_warm_up_steps = 3 }")]
    [InlineData("matching_pursuit, d_sae = 12, residual_threshold = 0.5")]
    [InlineData("topk, k = 2, k_start = 9, k_schedule_steps = 15, d_sae = 12")]
    [InlineData("matryoshka_batchtopk, k = 1.5, k_start = 8.5, k_schedule_steps = 17, d_sae = 12, widths = [4, 12]")]
    public void Killed_and_continued_run_equals_one_that_was_not(string architecture)
    {
        var study = Compile($"architecture = {architecture}, steps = 20, checkpoint_every = 5, log_every = 3");
        var whole = Run(study, "whole", null);

        // The first try dies in step 7, the second in step 13: a checkpoint of step 10 is what they left.
        foreach (var last in (int[])[7, 13])
            Assert.Throws<OperationCanceledException>(() => Run(study, "killed", last));
        var continued = Run(study, "killed", null);

        Assert.Equal(whole.Payload, continued.Payload);
        Assert.Equal(Files("whole"), Files("killed"));
        Assert.Equal([5L, 10, 15, 20], whole.Checkpoints.Select(c => c.Step));
        Assert.Equal([15L, 20], continued.Checkpoints.Select(c => c.Step));
        Assert.Equal(whole.Checkpoints[2].Artifact, continued.Checkpoints[0].Artifact);
    }

    [Theory]
    [InlineData("flipped")]
    [InlineData("truncated")]
    [InlineData("missing")]
    [InlineData("list damaged")]
    [InlineData("list missing")]
    [InlineData("list of other bits")]
    public void Damaged_checkpoint_gives_way_to_the_one_before(string damage)
    {
        var study = Compile("architecture = topk, k = 2, d_sae = 12, steps = 20, checkpoint_every = 5");
        var whole = Run(study, "whole", null);
        Assert.Throws<OperationCanceledException>(() => Run(study, "killed", 13));
        var known = Damage(Unit("killed", study), 10, damage, whole.Checkpoints[1]);

        var continued = Run(study, "killed", null, known);

        Assert.Equal(whole.Payload, continued.Payload);
        Assert.Equal(Files("whole"), Files("killed"));
        var line = Assert.Single(continued.Warnings);
        Assert.Contains("checkpoint-10 of topk is", line);
        Assert.EndsWith("topk goes on from checkpoint-5", line);
        Assert.Equal(10, continued.Checkpoints[0].Step);
    }

    [Fact]
    public void Without_a_whole_checkpoint_training_begins_anew_and_says_so()
    {
        var study = Compile("architecture = topk, k = 2, d_sae = 12, steps = 20, checkpoint_every = 5");
        var whole = Run(study, "whole", null);
        Assert.Throws<OperationCanceledException>(() => Run(study, "killed", 13));
        Damage(Unit("killed", study), 5, "truncated", null);
        Damage(Unit("killed", study), 10, "flipped", null);

        var continued = Run(study, "killed", null, whole.Checkpoints[1]);

        Assert.Equal(whole.Payload, continued.Payload);
        Assert.Equal(2, continued.Warnings.Count);
        Assert.All(continued.Warnings, w => Assert.EndsWith("topk goes on from step 0", w));
        Assert.Equal([5L, 10, 15, 20], continued.Checkpoints.Select(c => c.Step));
    }

    [Fact]
    public void On_another_machine_it_goes_on_from_what_can_be_had()
    {
        var study = Compile("architecture = topk, k = 2, d_sae = 12, steps = 20, checkpoint_every = 5");
        var whole = Run(study, "whole", null);
        var cluster = new Elsewhere();
        Assert.Throws<OperationCanceledException>(() => Run(study, "first", 13, null, cluster));
        var known = whole.Checkpoints[1] with { Before = whole.Checkpoints[0] };

        var second = Run(study, "second", null, known, cluster);
        Assert.Empty(second.Warnings);
        Assert.Equal([15L, 20], second.Checkpoints.Select(c => c.Step));
        Assert.Equal(whole.Payload, second.Payload);
        // The coordinators have its results.
        Assert.Empty(Files("second"));

        // Its own copy is damaged, the cluster's is not.
        Directory.CreateDirectory(_folder.At("third"));
        Assert.Throws<OperationCanceledException>(() => Run(study, "third", 13, null, cluster));
        Damage(Unit("third", study), 10, "flipped", null);
        var third = Run(study, "third", null, known, cluster);
        Assert.EndsWith("topk goes on from checkpoint-10 of another machine", Assert.Single(third.Warnings));
        Assert.Equal(whole.Payload, third.Payload);

        // What stays at the end follows from the schedule, not from which machine has what: also where another one wrote it, or where
        // this one has older ones of an earlier try.
        Assert.Equal(whole.Payload, Run(study, "late", null, whole.Checkpoints[2], cluster).Payload);
        Assert.Throws<OperationCanceledException>(() => Run(study, "stale", 13, null, cluster));
        var stale = Run(study, "stale", null, whole.Checkpoints[2], cluster);
        Assert.Equal([20L], stale.Checkpoints.Select(c => c.Step));
        Assert.Equal(whole.Payload, stale.Payload);

        cluster.Missing.Add(known.Artifact);
        var fourth = Run(study, "fourth", null, known, cluster);
        Assert.Contains("cannot be had from elsewhere (gone)", Assert.Single(fourth.Warnings));
        Assert.EndsWith("topk goes on from checkpoint-5 of another machine", fourth.Warnings[0]);
        Assert.Equal([10L, 15, 20], fourth.Checkpoints.Select(c => c.Step));
        Assert.Equal(whole.Payload, fourth.Payload);

        // To begin anew on a full disk would only lose what was done.
        cluster.IsFull = true;
        Assert.Equal(UnitFailureKind.Fatal, Assert.Throws<UnitException>(() => Run(study, "fifth", null, known, cluster)).Kind);
    }

    /// <summary>The other nodes: what was offered once, they have.</summary>
    private sealed class Elsewhere : IArtifacts
    {
        private readonly Dictionary<ArtifactId, byte[]> _files = [];

        public HashSet<ArtifactId> Missing { get; } = [];

        public bool IsFull { get; set; }

        public bool Has(ArtifactId artifact) => false;

        public bool Copy(ArtifactId artifact, string path) => false;

        public void Offer(ArtifactId artifact, string path) => _files[artifact] = File.ReadAllBytes(path);

        public void Keep(IReadOnlyList<NamedArtifact> files, bool asResults, CancellationToken cancellation) =>
            Assert.All(files, f => Assert.Contains(f.Artifact, _files.Keys));

        public bool Bring(Recipe recipe, string path, CancellationToken cancellation) =>
            throw new ArtifactException("nothing is harvested");

        public void OfferMade(string recipe, string path) { }

        public IArtifactFolder Open(string name, IReadOnlyList<NamedArtifact> files, CancellationToken cancellation)
        {
            if (IsFull || files.Any(f => Missing.Contains(f.Artifact)))
                throw new ArtifactException(IsFull ? "no space left" : "gone") { IsForLackOfRoom = IsFull };
            var folder = new Folder();
            foreach (var file in files)
            {
                // As a node's store has them: links to files that are named by content.
                var content = Path.Combine(folder.Path, file.Artifact.Value);
                File.WriteAllBytes(content, _files[file.Artifact]);
                File.CreateSymbolicLink(Path.Combine(folder.Path, file.Name), content);
            }
            return folder;
        }

        private sealed class Folder : IArtifactFolder
        {
            public string Path { get; } = Directory.CreateTempSubdirectory("elsewhere-").FullName;

            public void Dispose() => Directory.Delete(Path, recursive: true);
        }
    }

    /// <summary>Where the first dictionary of a study has its checkpoints.</summary>
    private string Unit(string folder, Study study) => _folder.At($"{folder}/training/{study.Id.Value}/0");

    /// <returns>What the journal says of the checkpoint then.</returns>
    private UnitCheckpoint? Damage(string unit, long step, string damage, UnitCheckpoint? known)
    {
        var (files, list) = (Path.Combine(unit, $"checkpoint-{step}"), Path.Combine(unit, $"checkpoint-{step}.json"));
        var weights = Path.Combine(files, "sae_weights.safetensors");
        var bytes = File.ReadAllBytes(weights);
        switch (damage)
        {
            case "flipped":
                bytes[^3] ^= 1;
                File.WriteAllBytes(weights, bytes);
                break;
            case "truncated":
                File.WriteAllBytes(weights, bytes[..^100]);
                break;
            case "missing":
                File.Delete(Path.Combine(files, "state.safetensors"));
                break;
            case "list damaged":
                File.WriteAllText(list, "{");
                break;
            case "list missing":
                File.Delete(list);
                break;
            default:
                return known! with { Artifact = new ArtifactId(new string('0', 64)) };
        }
        return known;
    }

    [Fact]
    public void Sweep_trains_one_dictionary_for_each_combination()
    {
        var study = Compile("architecture = topk, k = 2, d_sae = 12, steps = 4", "sweep { k = [1, 3], seed = [0, 5] }");
        using var engine = new StudyEngine();
        var plan = engine.Plan(study);
        Assert.Equal(["topk-k1-seed0", "topk-k1-seed5", "topk-k3-seed0", "topk-k3-seed5"], StudyRuns.Ordinals(plan)
            .Select(o => plan[o].Label));

        var payloads = StudyRuns.Ordinals(plan).Select(o => (byte[]?)engine.Run(study, plan[o],
            Context("sweep", null, [], [])).Payload).ToArray();
        payloads[1] = null;
        var result = StudyRuns.Reduce(engine, plan, payloads).Result;

        Assert.Equal(3, result.Results!.Rows.Count);
        Assert.Equal(6, result.Tables.Single().Rows.Count);
        Assert.Equal("unit,step,tokens,lr,coefficient,loss,mse_loss,auxiliary_reconstruction_loss,l0,dead,grad_norm,threshold,"
            + "explained_variance",
            string.Join(',', result.Tables.Single().Columns));
        Assert.Contains("topk-k1-seed5", result.Warnings.Single());
        Assert.Contains(result.Linked, f => f.Name == "topk-k3-seed0/sae/cfg.json");
        Assert.Contains(result.Linked, f => f.Name == "topk-k3-seed0/checkpoint-4/state.safetensors");
        // The same seed begins with the same weights, whatever k is.
        Assert.NotEqual(payloads[2], payloads[3]);
    }

    [Fact]
    public void Dictionaries_that_end_at_the_same_time_share_files_without_harm()
    {
        var study = Compile("architecture = topk, k = 2, d_sae = 12, steps = 1", "sweep { seed = [0, 1, 2, 3, 4, 5, 6, 7] }");
        using var engine = new StudyEngine();
        var plan = engine.Plan(study);
        // All have the same cfg.json.
        var results = StudyRuns.Ordinals(plan).AsParallel().WithDegreeOfParallelism(8)
            .Select(o => engine.Run(study, plan[o], Context("same", null, [], [])).Payload).ToArray();
        Assert.Equal(8, results.Length);
        Assert.DoesNotContain(Files("same"), f => f.EndsWith(".partial", StringComparison.Ordinal));
    }

    [Fact]
    public void K_goes_from_its_start_to_its_end_and_the_log_shows_it()
    {
        var study = Compile("architecture = topk, k = 2, k_start = 8, k_schedule_steps = 6, d_sae = 12, steps = 10, log_every = 1, aux = 0",
            "sweep { seed = [0, 1] }");
        using var engine = new StudyEngine();
        var plan = engine.Plan(study);
        var payloads = StudyRuns.Ordinals(plan)
            .Select(o => (byte[]?)engine.Run(study, plan[o], Context("k", null, [], [])).Payload).ToArray();
        var table = StudyRuns.Reduce(engine, plan, payloads).Result.Tables.Single();

        double[] Column(string name) => [.. table.Rows.Take(10).Select(r => (double)r[table.Columns.ToList().IndexOf(name)]!)];
        Assert.Equal([8, 7, 6, 5, 4, 3, 2, 2, 2, 2], Column("k"));
        Assert.All(Column("l0").Zip(Column("k")), pair => Assert.InRange(pair.First, 0.5 * pair.Second, pair.Second));
        Assert.True(Column("l0")[0] > Column("l0")[9] + 1);
    }

    [Fact]
    public void Divergence_stops_the_dictionary_and_names_the_step()
    {
        var study = Compile("architecture = standard, d_sae = 12, steps = 20, optimiser { lr = 1e40 }");
        var error = Assert.Throws<UnitException>(() => Run(study, "diverged", null));
        Assert.Equal(UnitFailureKind.Permanent, error.Kind);
        Assert.Matches("in step [1-9]", error.Message);
    }

    [Fact]
    public void Full_disk_keeps_the_last_checkpoint()
    {
        var study = Compile("architecture = topk, k = 2, d_sae = 12, steps = 20, checkpoint_every = 5");
        var whole = Run(study, "whole", null);
        // A file stands where the folder of step 15 is to be.
        var unit = Unit("full", study);
        Directory.CreateDirectory(unit);
        File.WriteAllText(Path.Combine(unit, "checkpoint-15.writing"), "");

        var error = Assert.Throws<UnitException>(() => Run(study, "full", null));

        Assert.Equal(UnitFailureKind.Fatal, error.Kind);
        File.Delete(Path.Combine(unit, "checkpoint-15.writing"));
        var continued = Run(study, "full", null);
        Assert.Equal([15L, 20], continued.Checkpoints.Select(c => c.Step));
        Assert.Equal(whole.Payload, continued.Payload);
    }

    [Theory]
    [InlineData("architecture = topk, k = 13, d_sae = 12, steps = 5", "k = 13")]
    [InlineData("architecture = topk, l1 = 2, d_sae = 12, steps = 5", "l1", "standard, gated")]
    [InlineData("architecture = gated, k_start = 5, d_sae = 12, steps = 5", "k_start", "topk, batchtopk, matryoshka_batchtopk")]
    [InlineData("architecture = topk, k = 2, k_start = 5, d_sae = 12, steps = 5", "k_schedule_steps", "missing")]
    [InlineData("architecture = topk, k = 2, k_schedule_steps = 5, d_sae = 12, steps = 5", "goes with k_start")]
    [InlineData("architecture = topk, k = 2, k_start = 5, k_schedule_steps = 9, d_sae = 12, steps = 5", "the run has 5")]
    [InlineData("architecture = batchtopk, k = 2, k_start = 12.5, k_schedule_steps = 5, d_sae = 12, steps = 5", "k_start = 12.5 is more")]
    [InlineData("architecture = topk, k = 2, kk = 2, d_sae = 12, steps = 5", "kk")]
    [InlineData("architecture = topk, d_in = 7, d_sae = 12, k = 2, steps = 5", "d_in")]
    [InlineData("architecture = topk, d_sae = 12, k = 2, steps = 5, batch = 31", "batches of 32")]
    [InlineData("architecture = topk, d_sae = 12, k = 2, steps = 5, batch = 300, data.tensor = rows", "200 rows")]
    [InlineData("architecture = topk, d_sae = 12, k = 2, steps = 5, data.tensor = none", "no tensor 'none'")]
    [InlineData("architecture = topk, d_sae = 12, k = 2", "steps")]
    [InlineData("architecture = matryoshka_batchtopk, d_sae = 12, k = 2, widths = [4, 8], steps = 5", "widths")]
    [InlineData("architecture = topk, d_sae = 12, k = 2, steps = 5, data { kind = model, hook = x, tokens = y }", "needs a model")]
    [InlineData("architecture = topk, d_sae = 12, k = 2, steps = 5, init { kind = file, path = nowhere }", "nowhere")]
    public void Wrong_keys_are_refused(string method, params string[] parts)
    {
        var message = Assert.Throws<StudyException>(() => Compile(method)).Message;
        foreach (var part in parts) Assert.Contains(part, message);
    }

    private sealed record Outcome(byte[] Payload, List<UnitCheckpoint> Checkpoints, List<string> Warnings);

    private Study Compile(string method, string sweep = "") => StudyRuns.CompileText(
        $"study {{ name = t, seed = 1, {sweep}\n method {{ kind = sae-training, "
            + $"data {{ kind = activations, file = acts.safetensors, tensor = batches }}\n {method} }} }}",
        _folder.Root);

    /// <param name="last">The step after which the process dies; null: it does not.</param>
    /// <param name="from">The last checkpoint that the journal knows.</param>
    private Outcome Run(Study study, string folder, int? last, UnitCheckpoint? from = null, IArtifacts? artifacts = null)
    {
        var (checkpoints, warnings) = (new List<UnitCheckpoint>(), new List<string>());
        using var engine = new StudyEngine(StudyKinds.All, ownSessions: true);
        var output = engine.Run(study, engine.Plan(study)[0],
            Context(folder, last, checkpoints, warnings) with { From = from, Artifacts = artifacts });
        return new Outcome(output.Payload, checkpoints, warnings);
    }

    private UnitContext Context(string folder, int? last, List<UnitCheckpoint> checkpoints, List<string> warnings)
    {
        var source = new CancellationTokenSource();
        return new UnitContext("cpu", _ => { }, source.Token)
        {
            Folder = _folder.At(folder),
            Warn = warnings.Add,
            Checkpoint = c =>
            {
                checkpoints.Add(c);
                if (c.Step + 5 > last) source.Cancel();
            },
        };
    }

    /// <summary>Names and hashes of the large results.</summary>
    private string[] Files(string folder) => [.. Directory.EnumerateFiles(Path.Combine(_folder.At(folder), "artifacts"))
        .Select(f => Path.GetFileName(f)!).Order()];
}
