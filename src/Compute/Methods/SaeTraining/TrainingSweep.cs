using System.Globalization;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>
/// The study's <c>sweep</c>: one dictionary for each combination of data, architecture and values of keys, in this order, the first
/// varying slowest. <c>key = [values]</c> sweeps a key; <c>architecture { topk { k = 2 }, standard { l1 = 5 } }</c> gives each
/// architecture keys of its own; for <c>data</c> see <see cref="DataArm"/>. Dictionaries of the same data read the same batches, whose
/// order follows from the study's own seed.
/// </summary>
internal static class TrainingSweep
{
    private const int Most = 10_000;
    private const string Architecture = "architecture";

    // What all dictionaries of a study share: the data and what is written of them.
    private static readonly string[] Shared = ["kind", "data", "evaluate", "batch", "dtype", "checkpoint_every", "checkpoints_kept",
        "log_every", "output", "expect_order"];

    /// <exception cref="StudyException">A key cannot be swept or a combination cannot be trained.</exception>
    public static IReadOnlyList<TrainingSettings> Read(StudySection method, StudyContext study, IReadOnlyList<DataArm> arms)
    {
        var axes = new List<SweepAxis>();
        if (study.Sweep is { } sweep) Collect(sweep, "", axes);
        var variants = Variants(method, study.Sweep);
        var points = axes.Aggregate((long)arms.Count * variants.Count, (product, axis) => product * axis.Values.Count);
        if (points > Most) throw new StudyException($"{points} combinations", study.Sweep!.Place.ToString(),
            $"at most {Most} dictionaries a study");
        var all = new List<TrainingSettings>();
        foreach (var arm in arms)
        {
            foreach (var (own, section) in variants)
            {
                var whole = TrainingKeys.Read(section, Labels(section, arm, []), study.Seed, study, arm);
                own?.Adopt(section, key => key != Architecture && !Shared.Contains(key));
                if (own is not null) method.Adopt(section, Shared.Contains);
                if (axes.Count == 0) all.Add(whole);
                else all.AddRange(SweepAxis.Points(axes).Select(p => Point(section, study, arm, p)));
            }
        }
        return all;
    }

    /// <summary>
    /// The method for each architecture that has keys of its own, with the section that holds them; otherwise the method alone.
    /// </summary>
    private static IReadOnlyList<(StudySection? Own, StudySection Section)> Variants(StudySection method, StudySection? sweep)
    {
        if (sweep is null || !sweep.IsObject(Architecture)) return [(null, method)];
        if (method.Has(Architecture)) throw method.Wrong(Architecture, "is swept", "leave it out here");
        var named = sweep.Section(Architecture);
        if (named.Keys.Count == 0) throw sweep.Wrong(Architecture, "names none");
        return [.. named.Keys.Select(name =>
        {
            if (!ArchitectureKeys.Names.Contains(name)) throw named.Wrong(name, $"'{name}' is no architecture",
                StudySection.Nearest(name, ArchitectureKeys.Names));
            var own = named.Section(name);
            foreach (var key in own.Keys)
                if (key == Architecture || Shared.Contains(key))
                    throw own.Wrong(key, "cannot differ: all dictionaries of a study share it");
            var given = new StudyScalar(name, quoted: false, own.Place);
            return ((StudySection?)own, own.Over(method).With([KeyValuePair.Create(Architecture, (StudyNode)given)]));
        })];
    }

    private static void Collect(StudySection section, string prefix, List<SweepAxis> axes)
    {
        foreach (var key in section.Keys)
        {
            var isObject = section.IsObject(key);
            if (prefix.Length == 0 && isObject && key is "data" or Architecture) continue;
            if (prefix.Length == 0 && Shared.Contains(key)) throw section.Wrong(key,
                "cannot be swept: all dictionaries of a study share it", "make another study");
            if (isObject) Collect(section.Section(key), $"{prefix}{key}.", axes);
            else axes.Add(SweepAxis.Read(section, key, prefix + key));
        }
    }

    private static TrainingSettings Point(StudySection method, StudyContext study, DataArm arm, IReadOnlyList<SweepValue> chosen)
    {
        var seed = study.Seed;
        if (chosen.FirstOrDefault(c => c.Key == "seed")?.Value is { } given
            && !long.TryParse(given.Text, NumberStyles.None, CultureInfo.InvariantCulture, out seed))
            throw new StudyException($"'{given}' is no seed", $"{given.Place} study.sweep.seed", "a whole number from 0");
        var section = method.With(chosen.Where(c => c.Key != "seed").Select(c => KeyValuePair.Create(c.Key, (StudyNode)c.Value)));
        var settings = TrainingKeys.Read(section, Labels(section, arm, chosen), seed, study, arm);
        foreach (var value in chosen)
            if (value.Key != "seed" && !section.WasRead(value.Key)) throw new StudyException($"unknown key '{value.Key}'",
                $"{study.Sweep!.Place} study.sweep", "sweep keys of the method, or seed");
        return settings;
    }

    private static IReadOnlyList<string> Labels(StudySection section, DataArm arm, IReadOnlyList<SweepValue> chosen) =>
    [
        section.OneOf(Architecture, ArchitectureKeys.Names), .. arm.Name is { } name ? [name] : Array.Empty<string>(),
        .. chosen.Where(c => c.Key != Architecture).Select(c => c.Label),
    ];
}
