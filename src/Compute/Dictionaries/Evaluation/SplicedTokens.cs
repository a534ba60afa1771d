using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Models;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>What a model says of some sequences as it is, with a dictionary spliced in, and with nothing at that place.</summary>
/// <param name="X">Activations at the hook of the kept positions. [tokens, d_in]</param>
/// <param name="Sequence">Which sequence each kept token is of.</param>
/// <param name="Special">Which kept tokens are no text.</param>
/// <param name="CrossEntropy">Of the next token, at every kept position that has one: as it is, spliced, zeroed.</param>
/// <param name="Divergence">KL of the model as it is to the spliced and to the zeroed one, at every kept position.</param>
internal sealed record SplicedTokens(
    Tensor X, int[] Sequence, bool[] Special, (double[] Clean, double[] Spliced, double[] Zeroed) CrossEntropy,
    (double[] Spliced, double[] Zeroed) Divergence);

/// <summary>
/// Runs sequences through a model three times: as it is, with the activation at a hook replaced by a dictionary's reconstruction where the
/// position is kept, and with it zeroed at every position. Source: SAELens <c>evals</c>.
/// </summary>
internal sealed class SplicedForward(HookedTransformer model, string hook, SparseDictionary dictionary, IReadOnlySet<int> specialTokens)
{
    /// <param name="sequences">Of any lengths; equally long neighbours run together.</param>
    /// <param name="positions">The kept ones of each sequence.</param>
    /// <returns>Tensors of the caller's dispose scope.</returns>
    public SplicedTokens Run(
        IReadOnlyList<TokenSequence> sequences, IReadOnlyList<int[]> positions, CancellationToken cancellation)
    {
        var rows = new List<Tensor>();
        var (of, special) = (new List<int>(), new List<bool>());
        var (clean, spliced, zeroed, splicedKl, zeroedKl) = (new List<double>(), new List<double>(), new List<double>(),
            new List<double>(), new List<double>());
        for (var first = 0; first < sequences.Count;)
        {
            cancellation.ThrowIfCancellationRequested();
            var length = sequences[first].Tokens.Length;
            var some = sequences.Skip(first).TakeWhile(s => s.Tokens.Length == length).ToArray();
            using var scope = NewDisposeScope();
            var kept = some.Select(_ => new bool[length]).ToArray();
            for (var s = 0; s < some.Length; s++)
                foreach (var p in positions[first + s]) kept[s][p] = true;
            var keep = tensor(kept.SelectMany(k => k).ToArray()).view(some.Length, length);
            var prompts = some.Select(s => s.Tokens).ToArray();

            var reading = new HookSet().Read(hook);
            var asItIs = model.Forward(prompts, reading).log_softmax(-1);
            var x = reading.Activations[hook];
            rows.Add(x.flatten(2)[keep].MoveToOuterDisposeScope());
            var withDictionary = model.Forward(prompts, new HookSet().Write(hook, a => Splice(a, keep))).log_softmax(-1);
            var withNothing = model.Forward(prompts, new HookSet().Write(hook, a => a.zeros_like())).log_softmax(-1);

            var next = NextTokens(prompts);
            var counts = keep.narrow(1, 0, length - 1);
            clean.AddRange(CrossEntropy(asItIs, next, counts));
            spliced.AddRange(CrossEntropy(withDictionary, next, counts));
            zeroed.AddRange(CrossEntropy(withNothing, next, counts));
            splicedKl.AddRange(Divergence(asItIs, withDictionary, keep));
            zeroedKl.AddRange(Divergence(asItIs, withNothing, keep));
            for (var s = 0; s < some.Length; s++)
                for (var p = 0; p < length; p++)
                {
                    if (!kept[s][p]) continue;
                    of.Add(first + s);
                    special.Add(specialTokens.Contains(some[s].Tokens[p]));
                }
            first += some.Length;
        }
        return new SplicedTokens(cat(rows), [.. of], [.. special], ([.. clean], [.. spliced], [.. zeroed]),
            ([.. splicedKl], [.. zeroedKl]));
    }

    private Tensor Splice(Tensor activation, Tensor keep)
    {
        var input = dictionary.FlattensHeads ? activation : activation.flatten(2);
        var encoding = dictionary.Encode(input);
        var reconstruction = dictionary.Forward(dictionary.Decode(encoding.Activations, encoding.Frame), input);
        return where(keep.view([.. keep.shape, .. Enumerable.Repeat(1L, (int)activation.dim() - 2)]),
            reconstruction.to_type(activation.dtype).reshape(activation.shape), activation);
    }

    private static Tensor NextTokens(int[][] prompts) =>
        tensor(prompts.SelectMany(p => p.Skip(1).Select(t => (long)t)).ToArray(), ScalarType.Int64)
            .view(prompts.Length, prompts[0].Length - 1);

    private static double[] CrossEntropy(Tensor logProbabilities, Tensor next, Tensor counts) =>
        Numbers(logProbabilities.narrow(1, 0, next.shape[1]).gather(-1, next.unsqueeze(-1)).squeeze(-1)[counts].neg());

    private static double[] Divergence(Tensor from, Tensor to, Tensor keep) => Numbers((from.exp() * (from - to)).sum(-1)[keep]);

    private static double[] Numbers(Tensor values) => values.to_type(ScalarType.Float64).contiguous().data<double>().ToArray();
}
