using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Models;

/// <summary>A likely next token.</summary>
/// <param name="LogProbability">Natural logarithm.</param>
public readonly record struct NextToken(int Token, double Logit, double LogProbability);

/// <summary>What one prompt's forward gave.</summary>
/// <param name="Top">The most likely tokens after the last position, best first.</param>
public sealed record DumpedPrompt(Prompt Prompt, IReadOnlyList<NextToken> Top);

/// <summary>
/// Runs prompts one by one and saves named activations: keys <c>&lt;prompt id&gt;/&lt;hook name&gt;</c> without a batch dimension, and
/// always <c>&lt;prompt id&gt;/tokens</c> (I64).
/// </summary>
public static class ActivationDump
{
    /// <param name="names">As <see cref="HookNames.Resolve"/> takes them; <c>tokens</c> too.</param>
    /// <param name="path">A safetensors file, written whole or not at all.</param>
    /// <param name="top">How many next tokens to report for each prompt.</param>
    /// <exception cref="StudyException">A name is unknown, or the file cannot be written.</exception>
    public static IReadOnlyList<DumpedPrompt> Write(ModelWeights weights, IReadOnlyList<Prompt> prompts, IEnumerable<string> names,
        string path, int top = 0)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        string[] asked = [.. names.Where(n => n.Trim() != "tokens")];
        var resolved = HookNames.Resolve(weights.Config, asked, "--save");
        using var model = new HookedTransformer(weights);
        var tensors = new List<(string, Tensor)>();
        var results = new List<DumpedPrompt>();
        foreach (var prompt in prompts)
        {
            using var inner = NewDisposeScope();
            var hooks = new HookSet().Read(resolved);
            var logits = model.Forward([prompt.Tokens], hooks);
            tensors.Add(($"{prompt.Id}/tokens",
                tensor(prompt.Tokens.Select(t => (long)t).ToArray(), ScalarType.Int64).MoveToOuterDisposeScope()));
            foreach (var name in resolved)
                tensors.Add(($"{prompt.Id}/{name}", hooks.Activations[name][0].contiguous().MoveToOuterDisposeScope()));
            results.Add(new(prompt, top > 0 ? Top(logits[0, -1], top) : []));
        }
        try
        {
            var processing = weights.Processing.ToString().ToLowerInvariant();
            SafetensorsWriter.Write(path, tensors, new Dictionary<string,
                string>
            { ["model"] = weights.Config.Name, ["processing"] = processing });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StudyException($"cannot write the activations: {e.Message}", path, null, e);
        }
        return results;
    }

    /// <summary>The most likely tokens, best first; of equally likely ones the lowest id first.</summary>
    /// <param name="logits">[d_vocab]</param>
    public static IReadOnlyList<NextToken> Top(Tensor logits, int count)
    {
        using var scope = NewDisposeScope();
        var values = logits.to_type(ScalarType.Float64).contiguous();
        var logProbabilities = values.log_softmax(-1).data<double>().ToArray();
        var all = values.data<double>().ToArray();
        return [.. Enumerable.Range(0, all.Length).OrderByDescending(i => all[i]).Take(count).Select(i =>
            new NextToken(i, all[i], logProbabilities[i]))];
    }
}
