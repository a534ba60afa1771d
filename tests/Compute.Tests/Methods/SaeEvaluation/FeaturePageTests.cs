using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Compute.Models;
using InterpActors.Compute.Reports.Features;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Methods.SaeEvaluation;

public class FeaturePageTests
{
    [Fact]
    public void Contexts_and_logits_are_those_of_the_plain_model()
    {
        var source = File.ReadAllText(TestData.Path("evaluation/tiny/topk/study.conf"))
            .Replace("metrics = core", "metrics = [core, features]\n    contexts = 3\n    logits = 4");
        var result = StudyRuns.Run(StudyRuns.CompileText(source, TestData.Path("evaluation/tiny/topk")));
        using var stream = new MemoryStream();
        var file = Assert.Single(result.Files);
        Assert.Equal("features-topk.html", file.FileName);
        file.Write(stream);
        var page = Data(stream);
        var (starts, values, raised) = (Ints(page, "starts"), Floats(page, "values"), Ints(page, "raised"));

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = ModelLoader.LoadWeights(
            ModelLoader.Locate(TestData.Path("evaluation/tiny/model"), "."), ScalarType.Float64, WeightProcessing.None);
        using var model = new HookedTransformer(weights);
        using var sae = DictionaryFolder.Read(TestData.Path("evaluation/tiny/topk"), ScalarType.Float64);
        using var tokens = SafetensorsFile.Open(TestData.Path("evaluation/tiny/tokens.safetensors"));
        var hooks = new HookSet().Read("blocks.1.hook_resid_post");
        model.Forward(tokens.Read("eval"), hooks);
        // The first token is excluded; the strongest value of each sequence counts once.
        var codes = sae.Dictionary.Encode(hooks.Activations["blocks.1.hook_resid_post"][.., 1..]).Activations;
        var strongest = codes.amax([1L]);
        var direct = (sae.Dictionary.Weights["W_dec"] * weights.NormFinal!).matmul(weights.Unembedding.t());
        for (var latent = 0; latent < 192; latent++)
        {
            var expected = strongest.select(1, latent).data<double>().Where(v => v > 0).OrderDescending().Take(3).Select(v => (float)v);
            Assert.Equal(expected, values[starts[latent]..starts[latent + 1]]);
            Assert.Equal($"[{direct[latent].argmax().item<long>()}]", (string?)page["pieces"]![raised[4 * latent]]);
        }
    }

    [Fact]
    public void Fifty_thousand_latents_fit_a_page_and_hostile_text_stays_text()
    {
        const int latents = 50_000;
        var contexts = Enumerable.Range(0, latents).Select(i => (IReadOnlyList<TopContext>)[.. Enumerable.Range(0, 4)
            .Select(c => new TopContext(i % 100, 20, 5 - c, new double[TopContext.Window]))]).ToArray();
        var page = new FeaturePage("</script><b>", "topk", "blocks.0.hook_resid_post", "m", 1000, new double[latents], contexts,
            s => [.. Enumerable.Range(0, 40).Select(t => (int)s * 40 + t)], t => "</script>" + t, 0, [], [], [], []);
        using var stream = new MemoryStream();
        page.Write(stream);
        Assert.InRange(stream.Length, 1_000_000, 40_000_000);
        var html = Encoding.UTF8.GetString(stream.ToArray());
        Assert.Equal(2, html.Split("</script>").Length - 1);
        Assert.Equal("</script>6", (string?)Data(stream)["pieces"]![0]);
    }

    private static JsonNode Data(MemoryStream page) => JsonNode.Parse(
        Encoding.UTF8.GetString(page.ToArray()).Split("id=\"report\">")[1].Split("</script>")[0])!;

    private static float[] Floats(JsonNode page, string name) =>
        MemoryMarshal.Cast<byte, float>(Convert.FromBase64String((string)page[name]!)).ToArray();

    private static int[] Ints(JsonNode page, string name) =>
        MemoryMarshal.Cast<byte, int>(Convert.FromBase64String((string)page[name]!)).ToArray();
}
