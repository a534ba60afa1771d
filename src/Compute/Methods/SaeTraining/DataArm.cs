using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Dictionaries.Planted;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>Data that dictionaries of a study are trained on, and what these are measured on at their end.</summary>
/// <param name="Name">Tells it from the study's others; null where there are none.</param>
/// <param name="HeldOut">Null where the study has no <c>evaluate</c>.</param>
internal sealed record DataArm(string? Name, TrainingData Data, HeldOutData? HeldOut)
{
    // What says which file is read: its hash is pinned beside it, so that each arm needs a section of its own.
    private static readonly string[] Whole = ["kind", "file", "tokens", "world"];

    /// <summary>
    /// What dictionaries are compared with, if its features are known: the world of the held-out rows, or that of training.
    /// </summary>
    public IPlantedWorld? World => HeldOut?.World ?? Data.World;

    /// <summary>
    /// Reads <c>method.data</c>, alone or, with <c>sweep { data { … } }</c>, once for each arm: named sections that are laid over it,
    /// or lists of values for some of its keys.
    /// </summary>
    /// <exception cref="StudyException">An arm cannot be read, or arms do not go together.</exception>
    public static IReadOnlyList<DataArm> ReadAll(StudySection method, StudyContext study)
    {
        var reader = new Reader(method, study, new Dictionary<string, HeldOutData>(StringComparer.Ordinal));
        var common = method.Section("data");
        if (study.Sweep is not { } sweep || !sweep.Has("data")) return [reader.Read(null, common)];
        var swept = sweep.Section("data");
        if (swept.Keys.Count == 0)
            throw sweep.Wrong("data", "names no data", "write e.g. data { fast { packing = none }, btf { packing = blocks } }");
        var arms = swept.IsObject(swept.Keys[0]) ? Named(swept, common, reader) : Listed(swept, common, reader);
        if (arms.FirstOrDefault(a => a.Data.Batch != arms[0].Data.Batch) is { } other)
            throw swept.Wrong(swept.Keys[0],
                $"batches have {arms[0].Data.Batch} rows in {arms[0].Name} and {other.Data.Batch} in {other.Name}", "they must be equal");
        return arms;
    }

    private static DataArm[] Named(StudySection swept, StudySection common, Reader reader) =>
        [.. swept.Keys.Select(name =>
        {
            if (!swept.IsObject(name)) throw swept.Wrong(name, "must be an object, as the others are", $"write {name} {{ … }}");
            if (name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.')))
                throw swept.Wrong(name, $"'{name}' is no name for a folder", "use letters, digits, _ and .");
            var own = swept.Section(name);
            var data = own.Over(common);
            var arm = reader.Read(name, data);
            own.Adopt(data, _ => true);
            common.Adopt(data, _ => false);
            return arm;
        })];

    private static DataArm[] Listed(StudySection swept, StudySection common, Reader reader)
    {
        var axes = new List<SweepAxis>();
        foreach (var key in swept.Keys)
        {
            if (swept.IsObject(key)) throw swept.Wrong(key, "must be a list, as the others are");
            if (Whole.Contains(key))
                throw swept.Wrong(key, "cannot be a list", $"name the data: data {{ a {{ {key} = … }}, b {{ {key} = … }} }}");
            axes.Add(SweepAxis.Read(swept, key, key));
        }
        return [.. SweepAxis.Points(axes).Select(point =>
        {
            var data = common.With(point.Select(v => KeyValuePair.Create(v.Key, (StudyNode)v.Value)));
            var arm = reader.Read(string.Join('-', point.Select(v => v.Label)), data);
            if (point.FirstOrDefault(v => !data.WasRead(v.Key)) is { } unknown)
                throw swept.Wrong(unknown.Key, $"unknown key '{unknown.Key}'", "keys of the method's data");
            common.Adopt(data, key => !swept.Keys.Contains(key));
            return arm;
        })];
    }

    /// <param name="HeldOut">By hook, once read.</param>
    private sealed record Reader(StudySection Method, StudyContext Study, Dictionary<string, HeldOutData> HeldOut)
    {
        public DataArm Read(string? name, StudySection data)
        {
            var training = TrainingData.Read(data, Study, TrainingKeys.Batch(Method), Method.Where("batch"));
            if (!Method.Has("evaluate")) return new DataArm(name, training, null);
            var evaluate = Method.Section("evaluate");
            if (!HeldOut.TryGetValue(training.Hook, out var heldOut))
                HeldOut[training.Hook] = heldOut = HeldOutData.Read(evaluate.Section("data"), Study, training.Hook);
            return heldOut.Width == training.Width ? new DataArm(name, training, heldOut)
                : throw evaluate.Wrong("data", $"its rows are {heldOut.Width} wide, those of training {training.Width}");
        }
    }
}
