using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>
/// Texts as activations by token, by split and class: tensors <c>SPLIT/CLASS</c> [texts, tokens, d] of a safetensors file, rows of zeros
/// being padding. Nothing but shapes is read before a session opens it.
/// </summary>
/// <param name="path">Absolute.</param>
/// <param name="fileName">As results name the data.</param>
/// <param name="section">The <c>data</c> section.</param>
/// <param name="file">Read from only while the study is read.</param>
internal sealed class TextData(string path, string fileName, StudySection section, SafetensorsFile file)
{
    public const string Kind = "texts";
    public const string Train = "train";
    public const string Test = "test";

    // fp64 numbers of a chunk's codes.
    private const long ChunkNumbers = 1L << 22;

    // By tensor: the same everywhere, so chunks are too.
    private readonly Dictionary<string, (int Texts, int Tokens)> _shapes = file.Tensors
        .Where(t => t.Value.Shape.Count == 3).ToDictionary(t => t.Key, t => ((int)t.Value.Shape[0], (int)t.Value.Shape[1]));

    private readonly SortedSet<string> _needed = new(StringComparer.Ordinal);

    /// <summary>The file's name without its folder.</summary>
    public string FileName => fileName;

    /// <summary>Numbers of a token.</summary>
    public int Width { get; private set; }

    /// <summary>Reads the keys <c>file</c> of a <c>data</c> section of this kind and pins the file.</summary>
    /// <param name="use">Checks and notes the tensors that a metric needs, while the file is open.</param>
    /// <exception cref="StudyException">The file cannot be read, or lacks what a metric needs.</exception>
    public static T Read<T>(StudySection section, StudyContext study, Func<TextData, T> use)
    {
        var name = section.Text("file");
        FileHash.Pin(section, "sha256", name, study.Folder, "file");
        var path = study.Folder.PathOf(name);
        using var file = SafetensorsFile.Open(path);
        return use(new TextData(path, Path.GetFileName(name), section, file));
    }

    /// <summary>Texts of a tensor.</summary>
    public int Texts(string tensor) => _shapes[tensor].Texts;

    /// <summary>Tokens of each text of a tensor, padding and all.</summary>
    public int Tokens(string tensor) => _shapes[tensor].Tokens;

    /// <summary>How many texts are encoded together, by so many latents.</summary>
    public int TextsAChunk(string tensor, int latents) =>
        (int)Math.Clamp(ChunkNumbers / ((long)_shapes[tensor].Tokens * Math.Max(latents, Width)), 1, 1024);

    /// <summary>A tensor that a metric needs.</summary>
    /// <exception cref="StudyException">It is absent, or of another shape.</exception>
    public void Need(string tensor)
    {
        var stored = Find(tensor);
        if (stored.Shape.Count != 3)
            throw Wrong($"'{tensor}' of '{fileName}' has {stored.Shape.Count} dimensions", "three are needed: texts, tokens, d");
        if (stored.Shape.Any(n => n == 0)) throw Wrong($"'{tensor}' of '{fileName}' is empty", "every class needs texts");
        if (Width != 0 && stored.Shape[2] != Width)
            throw Wrong($"'{tensor}' of '{fileName}' has rows of {stored.Shape[2]}, other tensors of {Width}");
        Width = (int)stored.Shape[2];
        _needed.Add(tensor);
    }

    /// <summary>
    /// Classes of a file whose probes come along: what follows <c>train/</c>, <c>test/</c> or <c>probe/</c>, in ordinal order.
    /// </summary>
    public IReadOnlyList<string> Classes()
    {
        var classes = file.Tensors.Keys.Select(ClassOf).OfType<string>().Distinct().Order(StringComparer.Ordinal).ToArray();
        return classes.Length > 1 ? classes
            : throw Wrong($"'{fileName}' holds {(classes.Length == 0 ? "no class" : $"one class only, '{classes[0]}'")}",
                "two at least are needed: train/CLASS, test/CLASS, probe/CLASS/weight, probe/CLASS/bias");
    }

    /// <summary>A probe that comes with the texts.</summary>
    /// <exception cref="StudyException">It is absent, of another width, or not finite.</exception>
    public LogisticProbe Probe(string name)
    {
        var weights = Vector($"probe/{name}/weight");
        var bias = Vector($"probe/{name}/bias");
        if (weights.Length != Width)
            throw Wrong($"'probe/{name}/weight' of '{fileName}' has {weights.Length} numbers, the texts' rows {Width}");
        if (bias.Length != 1) throw Wrong($"'probe/{name}/bias' of '{fileName}' has {bias.Length} numbers", "one is needed");
        return weights.Append(bias[0]).All(double.IsFinite) ? new LogisticProbe(weights, bias[0])
            : throw Wrong($"the probe of '{name}' in '{fileName}' holds a value that is not finite");
    }

    /// <summary>
    /// As many texts of other classes as a class has, evenly from each: the first ones, or drawn with the study's seed.
    /// </summary>
    /// <param name="classes">All of them.</param>
    /// <param name="seed">Null for the first ones.</param>
    /// <returns>By class, which of its texts.</returns>
    public IReadOnlyList<(string Class, IReadOnlyList<int> Texts)> Others(string split, IReadOnlyList<string> classes, int of, long? seed)
    {
        var counts = classes.Select(c => Texts($"{split}/{c}")).ToArray();
        var each = OtherTexts.Each(counts, of);
        for (var c = 0; c < counts.Length; c++)
            if (c != of && counts[c] < each)
                throw Wrong($"'{split}/{classes[of]}' of '{fileName}' has {counts[of]} texts, which takes {each} of every other class; "
                    + $"'{classes[c]}' has {counts[c]}", "make the classes equally large");
        return [.. OtherTexts.Evenly(counts, of, seed, Stream(split)).GroupBy(t => t.Class)
            .Select(g => (classes[g.Key], (IReadOnlyList<int>)[.. g.Select(t => t.Text)]))];
    }

    /// <summary>The texts of the class that another one is paired with, as many as that one has.</summary>
    public IReadOnlyList<(string Class, IReadOnlyList<int> Texts)> Paired(
        string split, string of, string with, int index, long? seed)
    {
        var (wanted, there) = (Texts($"{split}/{of}"), Texts($"{split}/{with}"));
        if (there < wanted)
            throw Wrong($"'{split}/{of}' of '{fileName}' has {wanted} texts, '{split}/{with}' {there}", "make them equally many");
        var some = Enumerable.Range(0, there).ToArray();
        return [(with, seed is { } s ? new SeededRandom(s, Stream(split), index).Sample(some, wanted) : some[..wanted])];
    }

    /// <summary>Looks once at every text that is needed.</summary>
    /// <exception cref="StudyException">A text is padding only, or holds a value that is not finite.</exception>
    public void Verify(StudySession session) => session.Derived((path, "verified"), () =>
    {
        var texts = Open(session);
        foreach (var tensor in _needed)
        {
            var all = Enumerable.Range(0, Texts(tensor)).ToArray();
            foreach (var chunk in texts.Chunks(tensor, all, TextsAChunk(tensor, 0), CancellationToken.None)) _ = chunk;
        }
        return path;
    });

    /// <summary>The file, opened once for the session.</summary>
    public OpenedTexts Open(StudySession session) => session.Derived((path, Kind), () => new OpenedTexts(SafetensorsFile.Open(path)));

    private StudyException Wrong(string problem, string? remedy = null) => section.Wrong("file", problem, remedy);

    private static long Stream(string split) => split == Train ? 0 : 1;

    private double[] Vector(string tensor)
    {
        var stored = Find(tensor);
        if (stored.Shape.Count(n => n != 1) > 1)
            throw Wrong($"'{tensor}' of '{fileName}' has the shape [{string.Join(", ", stored.Shape)}]", "a vector is needed");
        using var scope = NewDisposeScope();
        return file.Read(tensor, ScalarType.Float64).flatten().contiguous().data<double>().ToArray();
    }

    private StoredTensor Find(string tensor)
    {
        if (!file.Tensors.TryGetValue(tensor, out var stored))
            throw Wrong($"'{fileName}' has no tensor '{tensor}'", StudySection.Nearest(tensor, [.. file.Names]));
        return stored.IsFloatingPoint ? stored
            : throw Wrong($"'{tensor}' of '{fileName}' is of type {stored.TypeName}", "numbers are needed");
    }

    private static string? ClassOf(string tensor)
    {
        foreach (var start in (string[])["train/", "test/"])
            if (tensor.StartsWith(start, StringComparison.Ordinal)) return tensor[start.Length..];
        const string Probe = "probe/";
        return tensor.StartsWith(Probe, StringComparison.Ordinal) && tensor.LastIndexOf('/') is var end && end > Probe.Length
            ? tensor[Probe.Length..end] : null;
    }
}

/// <summary>The open file of a <see cref="TextData"/>.</summary>
internal sealed class OpenedTexts(SafetensorsFile file) : IDisposable
{
    /// <summary>Texts of a tensor, some at a time; each chunk lives until the next.</summary>
    /// <param name="texts">Which, in this order.</param>
    /// <exception cref="StudyException">A text is padding only, or holds a value that is not finite.</exception>
    public IEnumerable<TextChunk> Chunks(string tensor, IReadOnlyList<int> texts, int size, CancellationToken cancellation)
    {
        var stored = file.Tensors[tensor];
        var (tokens, width) = ((int)stored.Shape[1], (int)stored.Shape[2]);
        for (var first = 0; first < texts.Count; first += size)
        {
            cancellation.ThrowIfCancellationRequested();
            var some = texts.Skip(first).Take(size).ToArray();
            var numbers = new double[(long)some.Length * tokens * width];
            for (var i = 0; i < some.Length; i++)
                stored.ReadRows((long)some[i] * tokens, tokens, numbers.AsSpan(i * tokens * width, tokens * width));
            using var scope = NewDisposeScope();
            var chunk = new TextChunk(TorchSharp.torch.tensor(numbers).view(some.Length, tokens, width));
            Check(stored, chunk, some);
            yield return chunk;
        }
    }

    public void Dispose() => file.Dispose();

    private static void Check(StoredTensor stored, TextChunk chunk, int[] texts)
    {
        var finite = chunk.X.isfinite().flatten(1).all(1).data<bool>();
        var there = chunk.Mask.flatten(1).any(1).data<bool>();
        for (var i = 0; i < texts.Length; i++)
        {
            if (!finite[i]) throw new StudyException($"text {texts[i]} holds a value that is not finite", stored.Where);
            if (!there[i]) throw new StudyException($"text {texts[i]} is padding only", stored.Where, "leave it out");
        }
    }
}
