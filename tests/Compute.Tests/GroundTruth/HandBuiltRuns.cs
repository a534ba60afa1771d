using InterpActors.Compute.GroundTruth;
using InterpActors.Compute.Models;
using InterpActors.Compute.Tasks;
using InterpActors.Compute.Tests.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.GroundTruth;

/// <summary>Runs of a hand-built IOI model by the plain forward pass, all prompts at once.</summary>
internal sealed class HandBuiltRuns : IDisposable
{
    private readonly HookedTransformer _model;
    private readonly HandBuiltModel _built;

    public HandBuiltRuns(HandBuiltModel built, TaskData task)
    {
        _built = built;
        _model = new HookedTransformer(built.Weights);
        Task = task;
    }

    public TaskData Task { get; }

    public static TaskData Ioi(HandBuiltModel model, int n, long seed = 0) => TaskReader.Read(
        TaskTesting.Section(("kind", "ioi"), ("n", n)), ".", seed, new WordTokenizer(model.Pieces.Skip(2)), model.Weights.Config);

    public static string Hook(string head) => $"blocks.{head[0]}.attn.hook_z";

    /// <summary>Per prompt: logit of the answer minus that of the wrong answer at the last position.</summary>
    public double[] LogitDifferences(bool corrupted = false, string[]? zeroed = null, string[]? restored = null)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var hooks = new HookSet();
        foreach (var head in zeroed ?? []) hooks.Write(Hook(head), z => Replace(z, head, zeros_like(z)));
        if (restored is not null)
        {
            var clean = new HookSet().Read(restored.Select(Hook));
            Forward(false, clean);
            foreach (var head in restored) hooks.Write(Hook(head), z => Replace(z, head, clean.Activations[Hook(head)]));
        }
        return Differences(Forward(corrupted, hooks)).data<double>().ToArray();
    }

    /// <summary>Logits at the last position: [prompt, d_vocab].</summary>
    public Tensor Forward(bool corrupted, HookSet? hooks = null) =>
        _model.Forward([.. Task.Prompts.Select(p => corrupted ? p.Corrupted! : p.Clean)], hooks)[.., -1];

    public Tensor Differences(Tensor logits)
    {
        Tensor Pick(Func<PromptPair, int> id) =>
            logits.gather(1, tensor(Task.Prompts.Select(p => (long)id(p)).ToArray()).unsqueeze(1)).squeeze(1);
        return Pick(p => p.Answers[0]) - Pick(p => p.Wrong[0]);
    }

    public double Accuracy()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var best = Forward(false).argmax(1).data<long>().ToArray();
        return Task.Prompts.Zip(best).Average(x => x.First.Answers[0] == x.Second ? 1.0 : 0);
    }

    /// <summary>
    /// First-order estimate of restoring a head's z in the corrupted run (mean over prompts): gradient of the metric at
    /// corrupted + a (clean − corrupted), averaged over the a, times (clean − corrupted). One a of 0 is attribution patching.
    /// </summary>
    public double Attribution(string head, double[] steps)
    {
        using var scope = NewDisposeScope();
        HookSet Read(bool corrupted)
        {
            var hooks = new HookSet().Read(Hook(head));
            using var _ = no_grad();
            Forward(corrupted, hooks);
            return hooks;
        }
        var clean = Head(Read(false).Activations[Hook(head)], head);
        var bad = Head(Read(true).Activations[Hook(head)], head);
        var gradient = zeros_like(bad);
        foreach (var a in steps)
        {
            var z = (bad + a * (clean - bad)).detach().requires_grad_(true);
            var hooks = new HookSet().Write(Hook(head),
                all => Replace(all, head, stack([.. Enumerable.Range(0, (int)all.shape[2]).Select(_ => z)], 2)));
            Differences(Forward(true, hooks)).sum().backward();
            gradient = gradient + z.grad! / steps.Length;
        }
        return ((clean - bad) * gradient).sum().ToDouble() / Task.Prompts.Count;
    }

    private static Tensor Head(Tensor z, string head) => z.select(2, head[2] - '0');

    // Other heads keep their z: [batch, pos, head, d_head].
    private static Tensor Replace(Tensor z, string head, Tensor with)
    {
        var mask = zeros(z.shape[2], ScalarType.Bool);
        mask[head[2] - '0'] = true;
        return where(mask.view(1, 1, -1, 1), with, z);
    }

    public void Dispose()
    {
        _model.Dispose();
        _built.Dispose();
    }
}
