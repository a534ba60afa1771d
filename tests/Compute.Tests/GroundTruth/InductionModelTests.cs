using InterpActors.Compute.GroundTruth;
using InterpActors.Compute.Models;
using InterpActors.Compute.Statistics;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.GroundTruth;

public class InductionModelTests
{
    // As measured with another implementation: mean over the predictions inside the second half.
    [Theory]
    [InlineData(2, 0.0622)]
    [InlineData(4, 0.0044)]
    [InlineData(8, 0.0037)]
    public void TheTableHolds(double beta, double nll)
    {
        using var model = GroundTruthModels.Build("gt-ind", beta);
        var clean = Evaluate(model);
        Assert.Equal(1, clean.Accuracy);
        Assert.Equal(nll, clean.Nll, 1e-4);
        Assert.Equal(0, Evaluate(model, "0.0").Accuracy);
        var without = Evaluate(model, "1.0");
        Assert.Equal(0, without.Accuracy);
        Assert.Equal(Math.Log(12), without.Nll, 1e-12);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void LogitsAreWhatTheRulesSayInEveryBasis(bool rotated)
    {
        using var built = GroundTruthModels.Build("gt-ind");
        using var model = rotated ? built.Rotated(1) : null;
        var circuit = new InductionCircuit(4, 8);
        foreach (var zeroed in new string[][] { [], ["0.0"], ["1.0"] })
        {
            foreach (var (prompt, logits) in Run(model ?? built, zeroed))
                for (var p = 0; p < prompt.Length; p++)
                    foreach (var (e, a) in circuit.Logits(prompt, p, zeroed).Zip(logits.Skip(p * 12).Take(12))) Assert.Equal(e, a, 1e-9);
        }
    }

    private static (double Accuracy, double Nll) Evaluate(HandBuiltModel model, params string[] zeroed)
    {
        var at = Run(model, zeroed)
            .SelectMany(r => Enumerable.Range(9, 7)
                .Select(p => (Logits: r.Logits.Skip(p * 12).Take(12).ToArray(), Next: r.Prompt[p + 1])))
            .ToArray();
        return (at.Average(x => x.Logits.Count(l => l >= x.Logits[x.Next]) == 1 ? 1.0 : 0),
            at.Average(x => InductionCircuit.NegativeLogLikelihood(x.Logits, x.Next)));
    }

    private static (int[] Prompt, double[] Logits)[] Run(HandBuiltModel model, string[] zeroed)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var random = new SeededRandom(3);
        int[] content = [.. Enumerable.Range(2, 10)];
        int[][] prompts = [.. Enumerable.Range(0, 20).Select(_ => random.Sample(content, 8)).Select(half => (int[])[0, .. half, .. half])];
        var hooks = new HookSet();
        foreach (var head in zeroed) hooks.Write(HandBuiltRuns.Hook(head), z => zeros_like(z));
        using var transformer = new HookedTransformer(model.Weights);
        var logits = transformer.Forward(prompts, hooks);
        return [.. prompts.Select((p, i) => (p, logits[i].data<double>().ToArray()))];
    }
}
