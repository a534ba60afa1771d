using InterpActors.Messages.Studies;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace InterpActors.Compute.Models;

/// <summary>
/// The plain forward pass of a decoder-only transformer, every hook point of which can be read and overwritten. Differentiable in the
/// weights and in whatever an edit puts in. It computes every position of every layer: the slow truth that the intervention engine is
/// tested against, and the way to read activations, to generate and to train small models.
/// </summary>
/// <remarks>
/// Conventions are HookedTransformer's: <c>hook_normalized</c> is taken before the norm's weight and bias, <c>hook_scale</c> =
/// sqrt(var + eps), <c>hook_q</c>, <c>hook_k</c> before rotary, <c>hook_attn_scores</c> scaled and masked with -inf.
/// The weights are only read; several threads may share an instance.
/// </remarks>
public sealed class HookedTransformer : IDisposable
{
    private readonly ModelConfig _config;
    private readonly RotaryTables? _rotary;

    public HookedTransformer(ModelWeights weights)
    {
        Weights = weights;
        _config = weights.Config;
        if (_config.Positions == PositionKind.Rotary) _rotary = new RotaryTables(_config.Rotary!, weights.Type);
    }

    public ModelWeights Weights { get; }

    /// <summary>Runs prompts of equal length.</summary>
    /// <returns>[batch, pos, d_vocab]</returns>
    /// <exception cref="StudyException">A token id is not in the vocabulary, or a prompt is empty or longer than the context.</exception>
    public Tensor Forward(IReadOnlyList<int[]> prompts, HookSet? hooks = null)
    {
        foreach (var prompt in prompts) CheckPrompt(_config, prompt);
        if (prompts.Any(p => p.Length != prompts[0].Length))
            throw new ArgumentException("prompts of one forward must be equally long", nameof(prompts));
        using var ids = tensor(prompts.SelectMany(p => p.Select(t => (long)t)).ToArray(), [prompts.Count, prompts[0].Length],
            ScalarType.Int64);
        return Forward(ids, hooks);
    }

    /// <summary>Runs token ids.</summary>
    /// <param name="tokens">I64 [batch, pos]; ids are not checked.</param>
    /// <param name="hooks">What to read and overwrite; null for nothing.</param>
    /// <param name="past">Keys and values of the tokens before these, which this call extends; null where these are the first.</param>
    /// <returns>[batch, pos, d_vocab]; the residual stream [batch, pos, d_model] where the hooks ended the forward early.</returns>
    public Tensor Forward(Tensor tokens, HookSet? hooks = null, KeyValueCache? past = null)
    {
        var (batch, length, first) = (tokens.shape[0], tokens.shape[1], past?.Length ?? 0);
        if (first + length > _config.ContextLength)
            throw new StudyException($"{first + length} tokens are more than the model's context of {_config.ContextLength}", null,
                "shorten the prompt");
        hooks ??= new HookSet();
        var x = hooks.Apply("hook_embed", Weights.Embedding.index_select(0, tokens.flatten()).view(batch, length, -1));
        if (Weights.PositionEmbedding is { } positions)
            x = x + hooks.Apply("hook_pos_embed", positions.narrow(0, first, length).unsqueeze(0).expand(batch, -1, -1));

        var masks = new Dictionary<int, Tensor>();
        for (var layer = 0; layer < _config.Layers; layer++)
        {
            var window = _config.SlidingWindows.Count > layer ? _config.SlidingWindows[layer] ?? 0 : 0;
            if (!masks.TryGetValue(window, out var mask)) masks[window] = mask = Mask(length, first, window, tokens.device);
            // A layer's intermediates go before the next layer starts; what was read stays with the caller.
            using var scope = NewDisposeScope();
            x = Block(layer, x, mask, hooks, past);
            hooks.KeepReads(scope, x);
            if (hooks.IsSatisfied) return x;
        }
        past?.Advance((int)length);
        x = Normalise("ln_final.", x, Weights.NormFinal, Weights.NormFinalBias, hooks);
        return hooks.Apply(HookNames.Logits, F.linear(x, Weights.Unembedding, Weights.UnembeddingBias));
    }

    private Tensor Block(int layer, Tensor x, Tensor mask, HookSet hooks, KeyValueCache? past)
    {
        var name = $"blocks.{layer}.";
        x = hooks.Apply(name + "hook_resid_pre", x);
        x = x + hooks.Apply(name + "hook_attn_out", Attention(layer, x, mask, hooks, past));
        if (_config.HasMlp)
        {
            x = hooks.Apply(name + "hook_resid_mid", x);
            x = x + hooks.Apply(name + "hook_mlp_out", Mlp(layer, hooks.Apply(name + "hook_mlp_in", x), hooks));
        }
        return hooks.Apply(name + "hook_resid_post", x);
    }

    /// <summary>Refuses a prompt that the model cannot take.</summary>
    /// <exception cref="StudyException">See <see cref="Forward(IReadOnlyList{int[]}, HookSet?)"/>.</exception>
    public static void CheckPrompt(ModelConfig config, ReadOnlySpan<int> tokens, string? where = null)
    {
        if (tokens.Length == 0) throw new StudyException("a prompt without tokens", where, "give at least one token");
        if (tokens.Length > config.ContextLength)
            throw new StudyException($"{tokens.Length} tokens are more than the model's context of {config.ContextLength}", where,
                "shorten the prompt");
        foreach (var token in tokens)
            if (token < 0 || token >= config.Vocabulary)
                throw new StudyException($"token id {token} is not in the vocabulary", where, $"ids go from 0 to {config.Vocabulary - 1}");
    }

    /// <inheritdoc/>
    public void Dispose() => _rotary?.Dispose();

    private Tensor Attention(int layer, Tensor x, Tensor mask, HookSet hooks, KeyValueCache? past)
    {
        var (block, name) = (Weights.Blocks[layer], $"blocks.{layer}.");
        var (batch, length, first) = (x.shape[0], x.shape[1], past?.Length ?? 0);
        var (q, k, v) = Projections(layer, x, hooks);
        q = hooks.Apply(name + "attn.hook_q", q);
        k = hooks.Apply(name + "attn.hook_k", k);
        v = hooks.Apply(name + "attn.hook_v", v);
        if (_rotary is not null)
        {
            q = hooks.Apply(name + "attn.hook_rot_q", _rotary.Rotate(q, first));
            k = hooks.Apply(name + "attn.hook_rot_k", _rotary.Rotate(k, first));
        }
        if (past is not null) (k, v) = past.Extend(layer, k, v);

        // A key/value head serves its group of query heads in one matmul, so that nothing is repeated.
        long keys = k.shape[1], shared = _config.KeyValueHeads, rows = _config.GroupSize * length;
        var grouped = q.transpose(1, 2).reshape(batch, shared, rows, -1);
        var scores = grouped.matmul(k.permute(0, 2, 3, 1)).mul(_config.AttentionScale).view(batch, _config.Heads, length, keys);
        scores = hooks.Apply(name + "attn.hook_attn_scores", scores.masked_fill(mask, double.NegativeInfinity));
        var pattern = hooks.Apply(name + "attn.hook_pattern", scores.softmax(-1));
        var z = pattern.reshape(batch, shared, rows, keys).matmul(v.transpose(1, 2));
        z = hooks.Apply(name + "attn.hook_z", z.reshape(batch, _config.Heads, length, -1).transpose(1, 2));

        if (!hooks.Wants(name + "attn.hook_result")) return F.linear(z.reshape(batch, length, -1), block.Output, block.OutputBias);
        var output = block.Output.view(_config.ModelWidth, _config.Heads, _config.HeadWidth);
        var result = hooks.Apply(name + "attn.hook_result", einsum("bphe,dhe->bphd", z, output)).sum(2);
        return block.OutputBias is null ? result : result + block.OutputBias;
    }

    /// <summary>q [batch, pos, heads, d_head], k and v [batch, pos, kv_heads, d_head].</summary>
    private (Tensor Q, Tensor K, Tensor V) Projections(int layer, Tensor x, HookSet hooks)
    {
        var (block, name) = (Weights.Blocks[layer], $"blocks.{layer}.");
        long queries = _config.Heads, shared = _config.KeyValueHeads;
        var normalised = Normalise(name + "ln1.", x, block.NormAttention, block.NormAttentionBias, hooks);
        var all = F.linear(normalised, block.QueryKeyValue, block.QueryKeyValueBias).view(x.shape[0], x.shape[1], queries + 2 * shared, -1);
        return (Stream(0, queries, "hook_q_input"), Stream(queries, shared, "hook_k_input"),
            Stream(queries + shared, shared, "hook_v_input"));

        Tensor Stream(long from, long heads, string hook)
        {
            var together = _config.Heads == _config.KeyValueHeads && hooks.Wants(name + "hook_attn_in");
            if (!together && !hooks.Wants(name + hook)) return all.narrow(2, from, heads);
            // Each head reads its own copy of the residual stream, normalised on its own.
            var input = x.unsqueeze(2).expand(-1, -1, heads, -1);
            if (together) input = hooks.Apply(name + "hook_attn_in", input);
            input = hooks.Apply(name + hook, input);
            input = Normalise("", input, block.NormAttention, block.NormAttentionBias, NoHooks);
            var weight = block.QueryKeyValue.narrow(0, from * _config.HeadWidth, heads * _config.HeadWidth)
                .view(heads, _config.HeadWidth, -1);
            var projected = einsum("bphd,hed->bphe", input, weight);
            return block.QueryKeyValueBias is null ? projected
                : projected + block.QueryKeyValueBias.narrow(0, from * _config.HeadWidth, heads * _config.HeadWidth).view(heads, -1);
        }
    }

    private Tensor Mlp(int layer, Tensor x, HookSet hooks)
    {
        var (block, name) = (Weights.Blocks[layer], $"blocks.{layer}.");
        x = Normalise(name + "ln2.", x, block.NormMlp, block.NormMlpBias, hooks);
        var pre = F.linear(x, block.MlpIn!, block.MlpInBias);
        Tensor post;
        if (_config.GatedMlp)
        {
            var gate = hooks.Apply(name + "mlp.hook_pre", pre.narrow(-1, 0, _config.MlpWidth));
            var up = hooks.Apply(name + "mlp.hook_pre_linear", pre.narrow(-1, _config.MlpWidth, _config.MlpWidth));
            post = Activate(_config.Activation, gate) * up;
        }
        else post = Activate(_config.Activation, hooks.Apply(name + "mlp.hook_pre", pre));
        return F.linear(hooks.Apply(name + "mlp.hook_post", post), block.MlpOut!, block.MlpOutBias);
    }

    internal static Tensor Activate(ActivationKind kind, Tensor x) => kind switch
    {
        ActivationKind.None => x,
        ActivationKind.Relu => x.relu(),
        ActivationKind.GeluExact => F.gelu(x),
        ActivationKind.GeluTanh => F.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh, false),
        ActivationKind.Silu => F.silu(x),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private Tensor Normalise(string name, Tensor x, Tensor? weight, Tensor? bias, HookSet hooks)
    {
        if (_config.Norm == NormKind.None) return x;
        string scaleName = name + "hook_scale", normalisedName = name + "hook_normalized";
        var hooked = hooks.Wants(scaleName) || hooks.Wants(normalisedName);
        if (!hooked && _config.Norm == NormKind.LayerNorm)
            return F.layer_norm(x, [_config.ModelWidth], weight, bias, _config.NormEpsilon);
        var centred = _config.Norm == NormKind.LayerNorm ? x - x.mean([-1L], keepdim: true) : x;
        var scale = hooks.Apply(scaleName, (centred.square().mean([-1L], keepdim: true) + _config.NormEpsilon).sqrt());
        var result = hooks.Apply(normalisedName, centred / scale);
        if (weight is not null) result = result * weight;
        return bias is null ? result : result + bias;
    }

    /// <summary>True where a query must not look: [pos, keys].</summary>
    private static Tensor Mask(long length, int first, int window, Device device)
    {
        using var scope = NewDisposeScope();
        var queries = arange(first, first + length, device: device).unsqueeze(1);
        var keys = arange(0, first + length, device: device).unsqueeze(0);
        var mask = keys > queries;
        if (window > 0) mask = mask.logical_or(keys <= queries - window);
        return mask.MoveToOuterDisposeScope();
    }

    private static readonly HookSet NoHooks = new();
}
