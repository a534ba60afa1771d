using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Models;

/// <summary>Greedy generation: at each step the token with the largest logit, the lowest id among equals.</summary>
public static class Generation
{
    /// <summary>Generates tokens one by one; each is yielded as soon as it is known.</summary>
    /// <param name="prompt">Token ids.</param>
    /// <param name="end">Ends the text (it is yielded too); null to go on to <paramref name="most"/>.</param>
    /// <param name="most">Tokens to generate at most; fewer where the model's context is full.</param>
    /// <param name="edits">Interventions on the prompt's and the new tokens' activations.</param>
    /// <exception cref="StudyException">The model cannot take the prompt, or an edit never met its positions.</exception>
    public static IEnumerable<int> Greedy(ModelWeights weights, int[] prompt, int most, int? end = null,
        IReadOnlyList<GenerationEdit>? edits = null)
    {
        HookedTransformer.CheckPrompt(weights.Config, prompt);
        return Run();

        IEnumerable<int> Run()
        {
            using var model = new HookedTransformer(weights);
            using var past = new KeyValueCache(weights.Config.Layers);
            var fired = new bool[edits?.Count ?? 0];
            var next = prompt;
            for (var i = 0; i < most && past.Length + next.Length <= weights.Config.ContextLength; i++)
            {
                var token = Step(model, next, past, edits, fired);
                if (Array.IndexOf(fired, false) is var missed and >= 0 && (i + 1 == most || token == end))
                    throw edits![missed].NeverFired(past.Length);
                yield return token;
                if (token == end) yield break;
                next = [token];
            }
            if (Array.IndexOf(fired, false) is var never and >= 0) throw edits![never].NeverFired(past.Length);
        }
    }

    /// <summary>Scopes are bound to a thread and must not live across a yield.</summary>
    private static int Step(HookedTransformer model, int[] tokens, KeyValueCache past, IReadOnlyList<GenerationEdit>? edits, bool[] fired)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var (hooks, first) = (new HookSet(), past.Length);
        for (var e = 0; e < fired.Length; e++)
        {
            var (edit, at) = (edits![e], e);
            hooks.Write(edit.Hook, x =>
            {
                var edited = edit.Apply(x, first, tokens.Length);
                fired[at] |= edited is not null;
                return edited ?? x;
            });
        }
        var ids = tensor(tokens.Select(t => (long)t).ToArray(), [1, tokens.Length], ScalarType.Int64);
        return (int)model.Forward(ids, hooks, past)[0, -1].argmax().item<long>();
    }
}
