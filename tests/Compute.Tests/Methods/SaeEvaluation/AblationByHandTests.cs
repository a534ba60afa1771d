using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Methods.SaeEvaluation;

/// <summary>
/// The shortcut by contributions to means against the plain way: zero the codes, decode, add the error, average, ask the probe.
/// </summary>
public sealed class AblationByHandTests : IDisposable
{
    private const int Texts = 14;
    private const int Tokens = 3;
    private const int Width = 24;

    private static readonly string[] Classes = ["a", "b", "c"];

    private readonly string _folder = Directory.CreateTempSubdirectory("by-hand-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("evaluation/planted/standard")]
    [InlineData("evaluation/planted/topk")]
    [InlineData("dictionaries/standard-layer-norm")]
    [InlineData("dictionaries/topk-rescale")]
    public void Ablated_accuracies_are_those_of_decoding_without_the_latents(string sae)
    {
        using var scope = NewDisposeScope();
        var tensors = Draw();
        SafetensorsWriter.Write(Path.Combine(_folder, "texts.safetensors"), tensors.Select(t => (t.Key, t.Value)));
        var result = StudyRuns.Run(StudyRuns.CompileText($$"""
            study { name = by-hand
              method { kind = sae-evaluation, sae = "{{TestData.Path(sae)}}", metrics = tpp
                data { kind = texts, file = "texts.safetensors" }, ablation { top_n = [1, 3, 9] } } }
            """, _folder));
        using var stored = DictionaryFolder.Read(TestData.Path(sae), ScalarType.Float64);
        var effects = result.Tables.Single(t => t.FileName == "effects.csv").Rows;
        var changed = 0;
        foreach (var row in result.Tables.Single(t => t.FileName == "ablations.csv").Rows)
        {
            var latents = effects.Where(e => Equals(e[2], row[2])).Take((int)row[3]!).Select(e => (int)e[4]!).ToArray();
            Assert.Equal(latents.Length, (int)row[4]!);
            var accuracy = ByHand(stored.Dictionary, tensors, (string)row[5]!, latents);
            Assert.Equal(accuracy, (double)row[7]!, 12);
            if (accuracy != ByHand(stored.Dictionary, tensors, (string)row[5]!, [])) changed++;
        }
        Assert.True(changed > 3, $"{changed} accuracies changed");
    }

    private static double ByHand(SparseDictionary dictionary, Dictionary<string, Tensor> tensors, string probe, int[] latents)
    {
        var (weight, bias) = (tensors[$"probe/{probe}/weight"], tensors[$"probe/{probe}/bias"].item<double>());
        var right = 0;
        var others = Classes.Where(c => c != probe).SelectMany(c => Enumerable.Range(0, Texts / 2).Select(i => (c, i)));
        foreach (var (name, i) in Enumerable.Range(0, Texts).Select(i => (probe, i)).Concat(others))
        {
            var x = tensors[$"test/{name}"][i];
            var encoding = dictionary.Encode(x);
            var error = x - dictionary.Decode(encoding.Activations, encoding.Frame);
            var codes = encoding.Activations.clone();
            foreach (var latent in latents) codes.select(-1, latent).zero_();
            var rest = dictionary.Decode(codes, encoding.Frame) + error;
            var tokens = Enumerable.Range(0, Tokens).Count(t => (x[t] != 0).any().item<bool>());
            var score = ((rest.sum(dim: 0) / tokens) * weight).sum().item<double>() + bias;
            if (score > 0 == (name == probe)) right++;
        }
        return right / (2.0 * Texts);
    }

    private static Dictionary<string, Tensor> Draw()
    {
        var random = new SeededRandom(3);
        Tensor Normal(double mean, params long[] shape) =>
            tensor(Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(_ => mean + random.NextNormal()).ToArray())
                .view(shape);
        var tensors = new Dictionary<string, Tensor>();
        foreach (var name in Classes)
        {
            var direction = Normal(0, Width);
            foreach (var split in (string[])["train", "test"])
            {
                var x = Normal(0, Texts, Tokens, Width) + direction * 0.5;
                for (var i = 0; i < Texts; i += 3) x[i, Tokens - 1] = zeros(Width, ScalarType.Float64);
                tensors[$"{split}/{name}"] = x;
            }
            tensors[$"probe/{name}/weight"] = direction;
            tensors[$"probe/{name}/bias"] = Normal(-2, 1);
        }
        return tensors;
    }
}
