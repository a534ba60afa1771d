using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Compute.Models;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Sweeps;

/// <summary>Latents of a dictionary as sites, against the plain forward pass with x + (z′ − z) · W_dec written by hand.</summary>
public sealed class LatentSweepTests : IDisposable
{
    private const string Hook = "blocks.1.hook_resid_post";
    private static readonly int[] Clean = [256, 84, 104, 101, 32, 76, 105, 99];
    private static readonly int[] Corrupt = [256, 84, 104, 97, 32, 87, 111, 114];

    private readonly string _folder = Directory.CreateTempSubdirectory("latents-").FullName;

    public LatentSweepTests() => File.WriteAllText(Path.Combine(_folder, "pairs.jsonl"),
        $$"""{"id":"p","clean":[{{string.Join(',', Clean)}}],"corrupt":[{{string.Join(',', Corrupt)}}],"answers":[101],"wrong":[115]}""");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Ablation_patching_and_doses_are_those_of_the_plain_model()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = ModelLoader.LoadWeights(
            ModelLoader.Locate(TestData.Path("evaluation/tiny/model"), "."), ScalarType.Float64, WeightProcessing.None);
        using var model = new HookedTransformer(weights);
        using var stored = DictionaryFolder.Read(TestData.Path("evaluation/tiny/topk"), ScalarType.Float64);
        var dictionary = stored.Dictionary;
        Tensor Activation(int[] tokens)
        {
            var hooks = new HookSet().Read(Hook);
            model.Forward([tokens], hooks);
            return hooks.Activations[Hook];
        }
        double Difference(int[] tokens, Func<Tensor, Tensor>? edit = null)
        {
            var logits = model.Forward([tokens], edit is null ? null : new HookSet().Write(Hook, edit))[0, -1];
            return (logits[101] - logits[115]).item<double>();
        }
        var cleanCodes = dictionary.Encode(Activation(Clean)).Activations[0];
        var corruptCodes = dictionary.Encode(Activation(Corrupt)).Activations[0];
        // Two latents that fire at the last position of the clean run.
        var latents = cleanCodes[-1].topk(2).indexes.data<long>().Select(l => (int)l).ToArray();
        Tensor Change(Tensor x, int latent, Tensor by) => x + (by.unsqueeze(1) * dictionary.Weights["W_dec"][latent]).unsqueeze(0);

        var zero = Run("ablation", latents, "value = zero, by = all");
        var set = Run("ablation", latents, "value = set, by = all", "doses = [0, 7.5]");
        var mean = Run("ablation", latents, "value = mean, by = all");
        var patched = Run("activation-patching", latents, "direction = denoising, by = position, positions = [-1]");
        Assert.Equal(4, set.Count);
        for (var i = 0; i < 2; i++)
        {
            var (latent, of) = (latents[i], cleanCodes.select(1, latents[i]));
            var ablated = Difference(Clean, x => Change(x, latent, -of));
            Near(ablated, zero[i].Patched);
            Assert.NotEqual(0, zero[i].Effect);
            Assert.Equal(Hook + ".hook_sae_acts_post", zero[i].Hook);
            Assert.Equal(latent, zero[i].Latent);
            Near(ablated, set[2 * i].Patched);
            Assert.Equal("7.5", set[2 * i + 1].Value);
            Near(Difference(Clean, x => Change(x, latent, 7.5 - of)), set[2 * i + 1].Patched);
            Near(Difference(Clean, x => Change(x, latent, of.mean() - of)), mean[i].Patched);
            var back = (of - corruptCodes.select(1, latent)).clone();
            back[..^1] = 0;
            Near(Difference(Corrupt, x => Change(x, latent, back)), patched[i].Patched);
        }
    }

    [Theory]
    [InlineData("latents = [192]", "value = zero", "192 is out of range; 0 to 191")]
    [InlineData("latents = [3, 3]", "value = zero", "names a latent twice")]
    [InlineData("latents = [3]", "value = set", "value = set needs doses")]
    [InlineData("latents = [3], doses = [1]", "value = zero", "doses go with value = set")]
    [InlineData("latents = [3]", "value = noise", "take zero, mean, resample or set")]
    [InlineData("latents = [3], hook = blocks.7.hook_resid_post", "value = zero", "no hook point of this model")]
    [InlineData("latents = [3], hook = blocks.0.mlp.hook_post", "value = zero", "it takes activations of width 48")]
    [InlineData("latent = [3]", "value = zero", "did you mean 'latents'?")]
    public void What_is_wrong_is_said_in_one_line(string dictionary, string keys, string message)
    {
        var error = Assert.Throws<StudyException>(() => Compile("ablation", dictionary, keys));
        Assert.Contains(message, error.Message);
    }

    private IReadOnlyList<CellRow> Run(string kind, int[] latents, string keys, string more = "") =>
        StudyRuns.Run(Compile(kind, $"latents = [{string.Join(", ", latents)}], {more}", keys)).Rows;

    private Study Compile(string kind, string dictionary, string keys) => StudyRuns.CompileText($$"""
        study {
          name = latents
          model { path = "{{TestData.Path("evaluation/tiny/model")}}", dtype = fp64 }
          task { kind = pairs, file = pairs.jsonl }
          method { kind = {{kind}}, {{keys}}
            dictionary { sae = "{{TestData.Path("evaluation/tiny/topk")}}", {{dictionary}} } }
        }
        """, _folder);

    private static void Near(double expected, double? actual) =>
        Assert.InRange(actual!.Value - expected, -1e-9 * Math.Abs(expected), 1e-9 * Math.Abs(expected));
}
