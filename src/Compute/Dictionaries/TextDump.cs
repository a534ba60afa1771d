using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Models;
using InterpActors.Compute.Text;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries;

/// <summary>A tensor of texts that was written.</summary>
/// <param name="Name"><c>SPLIT/CLASS</c></param>
/// <param name="Tokens">Of the longest text, to which the others are padded.</param>
public sealed record DumpedTexts(string Name, int Texts, int Tokens);

/// <summary>
/// Runs labelled texts through a model and writes what evaluations of dictionaries on texts read: activations by token as
/// <c>SPLIT/CLASS</c> [texts, tokens, d], rows of zeros where a token is padding or excluded, and probes fitted to their means over tokens.
/// </summary>
public sealed class TextDump
{
    private static readonly string[] Splits = ["train", "test"];

    private readonly SortedDictionary<string, List<(int[] Tokens, SourcePlace Place)>> _texts = new(StringComparer.Ordinal);
    private readonly HarvestSite _site;
    private readonly KeptTokens _kept;
    private readonly string _file;

    /// <param name="file">JSON lines of prompts, each with <c>class</c> and <c>split</c> (train or test).</param>
    /// <param name="hook">Where the model is read.</param>
    /// <param name="context">So many tokens of a text at most; the rest is left out.</param>
    /// <param name="kept">Which of them count.</param>
    /// <exception cref="StudyException">A line is no labelled text, or none of its tokens counts; the message names the line.</exception>
    public TextDump(string file, ModelConfig config, ITokenizer? tokenizer, string hook, int context, KeptTokens kept)
    {
        (_file, _kept, _site) = (file, kept, HarvestSite.Of(hook, config, "--hook"));
        foreach (var line in PromptLines.Read(file))
        {
            var where = line.Place.ToString();
            if (line.Split is not { } split || !Splits.Contains(split))
                throw new StudyException("the line has no split", where, "write \"split\":\"train\" or \"split\":\"test\"");
            if (line.Class is not { Length: > 0 } name) throw new StudyException("the line has no class", where, "write \"class\":\"…\"");
            var tokens = line.Tokens ?? PromptFile.Encode(line, tokenizer, prependBos: false);
            tokens = tokens[..Math.Min(tokens.Length, Math.Min(context, config.ContextLength))];
            HookedTransformer.CheckPrompt(config, tokens, where);
            if (Counted(tokens).Length == 0)
                throw new StudyException("no token of the text counts", where, "exclude fewer tokens, or leave the text out");
            if (!_texts.TryGetValue($"{split}/{name}", out var list)) _texts[$"{split}/{name}"] = list = [];
            list.Add((tokens, line.Place));
        }
        if (_texts.Count == 0) throw new StudyException("the file holds no texts", file, "write one JSON object a line");
        foreach (var tensor in _texts.Keys)
        {
            var other = tensor.StartsWith("train/", StringComparison.Ordinal) ? $"test/{tensor[6..]}" : $"train/{tensor[5..]}";
            if (!_texts.ContainsKey(other)) throw new StudyException($"there are texts of '{tensor}' and none of '{other}'", file);
        }
    }

    /// <param name="c">Weight of the data in the probes; null for no probes.</param>
    /// <param name="output">A safetensors file, written whole or not at all.</param>
    /// <exception cref="StudyException">An activation is not finite, a class has too few texts, or the file cannot be written.</exception>
    public IReadOnlyList<DumpedTexts> Write(ModelWeights weights, double? c, string output)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var pairs = c is null ? [] : Pairs();
        using var model = new HookedTransformer(weights);
        var tensors = _texts.Select(t => (Name: t.Key, Tensor: Activations(model, t.Value, weights.Type))).ToList();
        var train = tensors.ToDictionary(t => t.Name, t => t.Tensor, StringComparer.Ordinal);
        foreach (var (name, others) in pairs)
        {
            using var inner = NewDisposeScope();
            var positive = Means(train[$"train/{name}"]);
            var negative = cat([.. others.Select(o => Means(train[$"train/{o.Class}"]).index_select(0,
                tensor(o.Texts.Select(i => (long)i).ToArray())))], 0);
            bool[] labels = [.. Enumerable.Repeat(true, (int)positive.shape[0]), .. Enumerable.Repeat(false, (int)negative.shape[0])];
            var probe = LogisticProbe.Fit(cat([positive, negative], 0), labels, c!.Value, CancellationToken.None);
            tensors.Add(($"probe/{name}/weight", tensor(probe.Weights).MoveToOuterDisposeScope()));
            tensors.Add(($"probe/{name}/bias", tensor(new[] { probe.Intercept }).MoveToOuterDisposeScope()));
        }
        try
        {
            SafetensorsWriter.Write(
            output, tensors, new Dictionary<string, string> { ["model"] = weights.Config.Name, ["hook"] = _site.Hook });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StudyException($"cannot write the activations: {e.Message}", output, null, e);
        }
        return [.. _texts.Select(t => new DumpedTexts(t.Key, t.Value.Count, t.Value.Max(x => x.Tokens.Length)))];
    }

    private int[] Counted(int[] tokens) => _kept.Of(TokenSequence.Whole(tokens, 0));

    /// <summary>[texts, tokens, d]</summary>
    private Tensor Activations(HookedTransformer model, List<(int[] Tokens, SourcePlace Place)> texts, ScalarType type)
    {
        var all = zeros([texts.Count, texts.Max(t => t.Tokens.Length), _site.Width], type);
        for (var i = 0; i < texts.Count; i++)
        {
            using var inner = NewDisposeScope();
            var hooks = new HookSet { StopsWhenRead = true }.Read(_site.Hook);
            model.Forward([texts[i].Tokens], hooks);
            var rows = hooks.Activations[_site.Hook][0].reshape(texts[i].Tokens.Length, _site.Width);
            if (!rows.isfinite().all().item<bool>())
                throw new StudyException($"an activation at {_site.Hook} is not finite", texts[i].Place.ToString(), "try --dtype fp64");
            var counted = tensor(Counted(texts[i].Tokens).Select(p => (long)p).ToArray());
            all[i].index_copy_(0, counted, rows.index_select(0, counted));
        }
        return all;
    }

    private static Tensor Means(Tensor texts) => new TextChunk(texts.to_type(ScalarType.Float64)).Mean();

    /// <summary>The classes that get a probe, each with texts that are not of it.</summary>
    private IReadOnlyList<(string Name, IReadOnlyList<(string Class, IReadOnlyList<int> Texts)> Others)> Pairs()
    {
        string[] classes = [.. _texts.Keys.Where(k => k.StartsWith("train/", StringComparison.Ordinal)).Select(k => k[6..])];
        var spurious = AblationScores.Pairs.Where(p => classes.Contains(p.Class)).ToArray();
        if (spurious.Length > 0)
        {
            return [.. spurious.Select(p => _texts.TryGetValue($"train/{p.Against}", out var against)
                ? (p.Class, (IReadOnlyList<(string, IReadOnlyList<int>)>)[(p.Against, [.. Enumerable.Range(0, against.Count)])])
                : throw new StudyException($"there are texts of '{p.Class}' and none of '{p.Against}'", _file))];
        }
        if (classes.Length < 2) throw new StudyException($"there is one class only, '{classes[0]}'", _file, "a probe needs two");
        var counts = classes.Select(c => _texts[$"train/{c}"].Count).ToArray();
        for (var of = 0; of < classes.Length; of++)
        {
            if (Enumerable.Range(0, classes.Length).Any(c => c != of && counts[c] < OtherTexts.Each(counts, of)))
                throw new StudyException($"class '{classes[of]}' has {counts[of]} texts for training, which takes "
                    + $"{OtherTexts.Each(counts, of)} of every other class", _file, "make the classes equally large");
        }
        return [.. classes.Select((name, of) => (name, (IReadOnlyList<(string, IReadOnlyList<int>)>)
            [
                .. OtherTexts.Evenly(counts, of).GroupBy(t => t.Class)
                    .Select(g => (classes[g.Key], (IReadOnlyList<int>)[.. g.Select(t => t.Text)])),
            ]))];
    }
}
