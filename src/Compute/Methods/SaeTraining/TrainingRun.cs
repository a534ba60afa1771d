using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Compute.Dictionaries.Training;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Work;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>Trains one dictionary from where its last checkpoint left it, on the calling thread.</summary>
internal sealed class TrainingRun
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromMilliseconds(500);
    private static readonly Lock Keeping = new();

    private readonly TrainingSettings _settings;
    private readonly TrainingData _data;
    private readonly StudySession _session;
    private readonly ActivationBatches _batches;
    private readonly UnitContext _context;
    private readonly CheckpointFolder _checkpoints;
    private readonly ShardStore _store;
    private readonly string _folder;
    private readonly string _artifacts;
    private bool _saidTooSmall;

    /// <param name="batches">Of the dictionary's data; shared with others of the study.</param>
    /// <param name="store">Where harvested shards are.</param>
    /// <param name="folder">Where this dictionary's checkpoints are.</param>
    /// <param name="artifacts">The folder of large results, by content.</param>
    public TrainingRun(TrainingSettings settings, StudySession session, ActivationBatches batches, ShardStore store, UnitContext context,
        string folder, string artifacts)
    {
        (_settings, _data, _session, _batches, _store) = (settings, settings.Arm.Data, session, batches, store);
        (_context, _folder, _artifacts) = (context, folder, artifacts);
        _checkpoints = new CheckpointFolder(folder, settings);
    }

    /// <exception cref="UnitException">Training diverged, or this machine cannot write.</exception>
    public TrainingPayload Run()
    {
        using var _ = UnitLocks.Enter(_folder, _context.Cancellation);
        var (state, log) = Begin();
        using var trainer = DictionaryTrainers.Create(_settings.Plan, state, _session.Study.Execution.Threads);
        try
        {
            Train(trainer, log, state.Step, state.ScalingFactor);
            SayIfTooSmall();
            return Finish(trainer.State, log);
        }
        catch (TrainingDivergedException e)
        {
            throw new UnitException(UnitFailureKind.Permanent, $"{_settings.Name}: {e.Message}; a smaller learning rate may help", e);
        }
    }

    private (TrainingState, TrainingLog) Begin()
    {
        if (_checkpoints.Latest(_context.From, _context.Artifacts, _context.Warn, _context.Cancellation) is { } found) return (found.State,
            found.Log);
        var plan = _settings.Plan;
        TrainingState state;
        if (_settings.Initial is { } initial)
        {
            using var file = SafetensorsFile.Open(initial.Path);
            using var weights = new DictionaryWeights(plan.Architecture.Parameters.Where(p => file.Tensors.ContainsKey(p.Name))
                .Select(p => (p.Name, file.Read(p.Name))));
            state = TrainingState.From(plan, weights);
        }
        else state = TrainingState.Random(plan, _settings.Seed);
        try
        {
            state.ScalingFactor = ScalingFactor();
            return (state, new TrainingLog(plan.Architecture.LossTerms));
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    /// <summary>Estimated once for all dictionaries of the same data that scale alike.</summary>
    private double ScalingFactor()
    {
        var (scale, type) = (_settings.Scale, _settings.Plan.Type);
        if (scale.Kind == DataScaling.None) return 1;
        return (double)_session.Derived<object>((scale, type, _settings.Arm.Name), () =>
        {
            var estimate = new ScalingEstimate();
            for (var b = 0; b < scale.Batches; b++)
            {
                using var scope = NewDisposeScope();
                estimate.Add(_batches.Batch(b, type, _context.Cancellation));
            }
            return estimate.Factor(scale.Kind, _data.Width);
        });
    }

    /// <param name="step">Steps that are done.</param>
    private void Train(IDictionaryTrainer trainer, TrainingLog log, long step, double scale)
    {
        var clock = Stopwatch.StartNew();
        var (told, began) = (TimeSpan.Zero, step);
        // The trainer's state is asked for only where it is written: a fast trainer has it in a form of its own.
        using var stored = empty([_batches.Rows, _batches.Width], _batches.Type).DetachFromDisposeScope();
        while (step < _settings.Steps)
        {
            _context.Cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            // One buffer for all steps: fresh memory costs a page fault for every few rows.
            _batches.Fill(_settings.FirstBatch + step, stored, _context.Cancellation);
            var batch = stored.to_type(_settings.Plan.Type);
            var report = trainer.Train(batch);
            if (_settings.Logs(step)) log.Add(report, _data.Batch, ExplainedVariance(batch, report, scale));
            if (_settings.Saves(++step)) Save(trainer.State, log);
            if (clock.Elapsed - told < TellEvery) continue;
            told = clock.Elapsed;
            _context.Progress(step / (double)_settings.Steps);
            SayIfTooSmall();
            _context.Say(Words(report, log, (step - began) * (double)_data.Batch / clock.Elapsed.TotalSeconds));
        }
    }

    private void SayIfTooSmall()
    {
        if (_saidTooSmall || _store.ComputedAgain == 0) return;
        _saidTooSmall = true;
        _context.Warn($"the activations of the study take more than the {_store.Budget >> 20} MiB of interp.work.harvest-limit: what was "
            + "removed is computed again, which takes time");
    }

    private static string Words(StepReport report, TrainingLog log, double rate)
    {
        var explained = log.Last("explained_variance") is { } e && double.IsFinite(e) ? $", {e:0.000} explained" : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"step {report.Step + 1}: loss {report.Loss:G4}, L0 {report.L0:0.#}{explained}, {report.Dead} dead, {rate:N0} tokens/s");
    }

    /// <summary>1 − mean squared error / variance of the batch; nothing where the loss is of rows that were normalised one by
    /// one.</summary>
    private double ExplainedVariance(Tensor batch, StepReport report, double scale)
    {
        if (_settings.Plan.Normalisation is InputNormalisation.LayerNorm or InputNormalisation.ConstantNormRescale) return double.NaN;
        var variance = (batch - batch.mean([0L])).square().sum(1).mean().to_type(ScalarType.Float64).ToDouble() * scale * scale;
        return variance > 0 ? 1 - report.Terms[0] / variance : double.NaN;
    }

    private void Save(TrainingState state, TrainingLog log) => OnDisk(() => _context.Checkpoint(_checkpoints.Write(
        state, log, Metadata(), _context.Artifacts, _context.Warn, _context.Cancellation)));

    private TrainingPayload Finish(TrainingState state, TrainingLog log) => OnDisk(() =>
    {
        using var scope = NewDisposeScope();
        var folder = Path.Combine(_folder, "saved");
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        var metadata = Metadata();
        metadata["l0"] = log.Last("l0");
        metadata["num_dead_features"] = state.SinceFired.gt(_settings.Plan.DeadWindow).sum().ToInt64();
        IReadOnlyDictionary<string, double>? planted = null, heldOut = null;
        using (var dictionary = TrainedDictionary.Of(_settings.Plan, state, _settings.Scale.Kind, metadata))
        using (var saved = Converted(dictionary))
        {
            SaeLensWriter.Write(saved, folder);
            // Whoever looks at the dictionary later sees how its training went.
            Reports.RunFile.Write(Path.Combine(folder, TrainingLog.FileName), s => s.Write(log.ToBytes()));
            if (_settings.Arm.World is { } world) planted = PlantedComparison.Of(saved, world);
            if (_settings.Arm.HeldOut is { } rows) heldOut = Measured(saved, rows);
        }
        var files = Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)
            .Select(f => Keep(f, $"{_settings.Name}/{_settings.Folder}")).ToList();
        _checkpoints.Take(state.Step, _context.Artifacts,
            (step, from, kept) => files.AddRange(kept.Select(f => Keep(Path.Combine(from, f.Name), $"{_settings.Name}/checkpoint-{step}"))),
            _context.Warn, _context.Cancellation);
        Directory.Delete(folder, recursive: true);
        Bring(files);
        if (_context.Artifacts is not null) RemoveCopies(files);
        return new TrainingPayload(files, log.ToBytes(), state.ScalingFactor, (int)state.Fired.ne(0).sum().ToInt64())
        {
            Planted = planted,
            HeldOut = heldOut,
        };
    });

    private IReadOnlyDictionary<string, double> Measured(SparseDictionary saved, HeldOutData rows)
    {
        var score = new HeldOutScore(rows.Width);
        for (var part = 0; part < rows.Parts; part++)
        {
            _context.Cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            score.Add(saved, rows.Part(part, _session, _store, _context.Cancellation));
        }
        return score.Values();
    }

    /// <summary>
    /// The dictionary in the type it is saved in (what has a type of its own keeps it), for unscaled activations.
    /// </summary>
    private SparseDictionary Converted(SparseDictionary dictionary) => new(dictionary.Architecture, dictionary.Sizes,
        dictionary.Normalisation == InputNormalisation.ExpectedAverageOnlyIn ? InputNormalisation.None : dictionary.Normalisation,
            dictionary.FlattensHeads, new DictionaryWeights(dictionary.Weights.All.Select(t =>
            (t.Name, t.Tensor.to_type(t.Tensor.dtype == _settings.Plan.Type ? _settings.SavedType : t.Tensor.dtype, copy: true)))),
                dictionary.Metadata);

    /// <summary>Copies a file to where large results are, under the name of its content.</summary>
    private NamedArtifact Keep(string path, string under)
    {
        ArtifactId id;
        long bytes;
        // Of what is read: the path may be a link into the machine's store.
        using (var source = File.OpenRead(path)) (id, bytes) = (ArtifactId.Of(SHA256.HashData(source)), source.Length);
        var kept = Path.Combine(_artifacts, id.Value);
        // Dictionaries have files in common (equal configurations), and may end at the same time.
        lock (Keeping)
        {
            if (!File.Exists(kept) || new FileInfo(kept).Length != bytes)
            {
                Reports.RunFile.Write(kept, target =>
                {
                    using var source = File.OpenRead(path);
                    source.CopyTo(target);
                });
            }
            _context.Artifacts?.Offer(id, kept);
        }
        return new NamedArtifact($"{under}/{Path.GetFileName(path)}", id, bytes);
    }

    /// <summary>Results outlive this machine before the journal has them.</summary>
    private void Bring(IReadOnlyList<NamedArtifact> files)
    {
        try
        {
            _context.Artifacts?.Keep(files, asResults: true, _context.Cancellation);
        }
        catch (ArtifactException e)
        {
            // No unit of hours is given up because the coordinators' disks are full for a while.
            throw new UnitException(UnitFailureKind.Fatal, $"{_settings.Name}: {e.Message}", e);
        }
    }

    /// <summary>The coordinators have them for good.</summary>
    private void RemoveCopies(IReadOnlyList<NamedArtifact> files)
    {
        try
        {
            // One that another dictionary has just offered is with the coordinators too.
            lock (Keeping)
                foreach (var file in files) File.Delete(Path.Combine(_artifacts, file.Artifact.Value));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // They only take room.
        }
    }

    private JsonObject Metadata() => new()
    {
        ["model_name"] = _session.Context.GivenModel?.Config.Name ?? "none",
        ["hook_name"] = _data.Hook,
        ["context_size"] = _data.Context,
        ["prepend_bos"] = false,
    };

    /// <summary>A full disk is no fault of the unit: what is there stays, and a later run goes on from it.</summary>
    private T OnDisk<T>(Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var problem = FullDisk.Is(e) ? "the disk is full" : "its files cannot be written";
            throw new UnitException(UnitFailureKind.Fatal,
                $"{_settings.Name}: {problem} ({e.GetBaseException().Message.ReplaceLineEndings(" ")}); the last checkpoint stays: make "
                + "room and run again, it goes on from there", e);
        }
    }

    private void OnDisk(Action write) => OnDisk(() =>
    {
        write();
        return true;
    });
}
