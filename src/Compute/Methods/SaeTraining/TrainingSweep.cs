using System.Globalization;
using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>
/// The study's <c>sweep { key = [values], … }</c>: one dictionary for each combination, the first key varying slowest. All read the same
/// batches, whose order follows from the study's own seed.
/// </summary>
internal static class TrainingSweep
{
    private const int Most = 10_000;

    // What all dictionaries of a study share: the data and what is written of them.
    private static readonly string[] Shared = ["kind", "data", "batch", "dtype", "checkpoint_every", "checkpoints_kept", "log_every",
        "output"];

    /// <exception cref="StudyException">A key cannot be swept or a combination cannot be trained.</exception>
    public static IReadOnlyList<TrainingSettings> Read(StudySection method, StudyContext study, TrainingData data)
    {
        var whole = TrainingKeys.Read(method, Plain(method), study.Seed, study, data);
        if (study.Sweep is not { } sweep) return [whole];
        var axes = new List<(string Key, IReadOnlyList<StudyScalar> Values)>();
        Collect(sweep, "", axes);
        if (axes.Count == 0) return [whole];
        var points = axes.Aggregate(1L, (product, axis) => product * axis.Values.Count);
        if (points > Most) throw new StudyException($"{points} combinations", sweep.Place.ToString(),
            $"at most {Most} dictionaries a study");
        return [.. Enumerable.Range(0, (int)points).Select(p => Point(method, study, data, Choose(axes, p)))];
    }

    private static void Collect(StudySection section, string prefix, List<(string, IReadOnlyList<StudyScalar>)> axes)
    {
        foreach (var key in section.Keys)
        {
            if (prefix.Length == 0 && Shared.Contains(key)) throw section.Wrong(key,
                "cannot be swept: all dictionaries of a study share it", "make another study");
            if (section.IsObject(key)) Collect(section.Section(key), $"{prefix}{key}.", axes);
            else
            {
                var values = section.Scalars(key)!;
                if (values.Count == 0) throw section.Wrong(key, "has no values");
                axes.Add((prefix + key, values));
            }
        }
    }

    private static List<(string Key, StudyScalar Value)> Choose(List<(string Key, IReadOnlyList<StudyScalar> Values)> axes, int point)
    {
        var chosen = new List<(string, StudyScalar)>();
        foreach (var (key, values) in Enumerable.Reverse(axes))
        {
            chosen.Insert(0, (key, values[point % values.Count]));
            point /= values.Count;
        }
        return chosen;
    }

    private static TrainingSettings Point(StudySection method, StudyContext study, TrainingData data,
        List<(string Key, StudyScalar Value)> chosen)
    {
        var seed = study.Seed;
        if (chosen.Find(c => c.Key == "seed").Value is { } given)
            if (!long.TryParse(given.Text, NumberStyles.None, CultureInfo.InvariantCulture, out seed))
                throw new StudyException($"'{given}' is no seed", $"{given.Place} study.sweep.seed", "a whole number from 0");
        var section = method.With(chosen.Where(c => c.Key != "seed").Select(c => KeyValuePair.Create(c.Key, (StudyNode)c.Value)));
        var name = Plain(section)
            + string.Concat(chosen.Where(c => c.Key != "architecture").Select(c => $"-{c.Key.Split('.')[^1]}{Text(c.Value)}"));
        var settings = TrainingKeys.Read(section, name, seed, study, data);
        foreach (var (key, _) in chosen)
            if (key != "seed" && !section.WasRead(key)) throw new StudyException($"unknown key '{key}'",
                $"{study.Sweep!.Place} study.sweep", "sweep keys of the method, or seed");
        return settings;
    }

    private static string Plain(StudySection method) => method.OneOf("architecture", ArchitectureKeys.Names);

    /// <summary>A value as part of a folder's name.</summary>
    private static string Text(StudyScalar value) =>
        string.Concat(value.ToString().Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '_'));
}
