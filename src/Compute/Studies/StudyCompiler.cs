using System.Text.Json;
using InterpActors.Compute.Interventions;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Studies;

/// <summary>
/// Turns a study file into a <see cref="Study"/>, having checked everything that can be known without the weights;
/// <see cref="StudyEngine.Verify"/> checks the rest.
/// </summary>
public static class StudyCompiler
{
    /// <param name="root">The parsed file.</param>
    /// <param name="source">Its text.</param>
    /// <param name="folder">Where the files that it names are.</param>
    /// <param name="threads">Torch threads per worker.</param>
    /// <exception cref="StudyException">The study cannot be run as written; nothing was written anywhere.</exception>
    public static Study Compile(StudyObject root, string source, StudyFolder folder, int threads) =>
        Compile(root, source, folder, threads, StudyKinds.All);

    /// <summary>The same with kinds of one's own.</summary>
    public static Study Compile(StudyObject root, string source, StudyFolder folder, int threads, IReadOnlyList<IStudyKind> kinds)
    {
        var opened = StudyReader.Read(root, folder, kinds);
        var canonical = opened.Canonical.ToJsonString(CanonicalForm);
        // Not the route that a stopwatch finds fastest just now: two runs of one study would then differ in their last bits.
        var routes = MatmulRoutes.Packed.ToString();
        var name = opened.Context.Name;
        return new Study(StudyId.From(name, canonical), name, opened.Kind.Name, canonical, source, folder.Root,
            new ExecutionSettings(threads, routes))
        {
            Inputs = folder.Inputs,
        };
    }

    /// <summary>
    /// The study for a kind of device. Its results are of that kind: the last bits on a CPU and on a CUDA device differ, so no study is
    /// computed on both.
    /// </summary>
    /// <param name="device">One of <see cref="DeviceNames.Kinds"/>.</param>
    /// <exception cref="StudyException">There is no such kind, or the study cannot be computed on it.</exception>
    public static Study On(Study study, string device) => On(study, device, StudyKinds.All);

    /// <summary>The same with kinds of one's own.</summary>
    public static Study On(Study study, string device, IReadOnlyList<IStudyKind> kinds)
    {
        if (!DeviceNames.Kinds.Contains(device))
            throw new StudyException($"'{device}' is no kind of device", "--device",
                $"kinds are {string.Join(" and ", DeviceNames.Kinds)}");
        var able = kinds.First(k => k.Name == study.Kind).Devices;
        if (!able.Contains(device))
            throw new StudyException($"{study.Kind} is not computed on {device}", "--device", $"it is on {string.Join(" and ", able)}");
        if (device == DeviceNames.Cpu) return study;
        return study with { Execution = study.Execution with { Matmul = MatmulRoutes.Torch.ToString(), Device = device } };
    }

    private static readonly JsonSerializerOptions CanonicalForm = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
