using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Models;

/// <summary>
/// The names that a family's files give to their tensors. Block names hold <c>{l}</c> for the layer; a bias has its weight's name with
/// <c>.bias</c> for <c>.weight</c> (<c>.b_</c> for <c>.W_</c>). Of q, k, v (and gate, up) either the fused tensor has a name or each one.
/// </summary>
internal sealed record WeightNaming(
    string Embedding, string? PositionEmbedding, string? NormFinal, string Unembedding, string Block,
    string? NormAttention, string? QueryKeyValue, string? Query, string? Key, string? Value, string Output,
    string? NormMlp, string? Gate, string? MlpIn, string? MlpOut, StoredOrder Matrices = StoredOrder.Same,
    StoredOrder QueryKeyRows = StoredOrder.Same)
{
    /// <summary>Published gpt2 files have no prefix, those that transformers saves have one. Their matrices are Conv1D's: [in,
    /// out].</summary>
    public static WeightNaming Gpt2(IWeightSource source)
    {
        var prefix = source.Tensors.ContainsKey("wte.weight") ? "" : "transformer.";
        return new(prefix + "wte.weight", prefix + "wpe.weight", prefix + "ln_f.weight", "lm_head.weight", prefix + "h.{l}.",
            "ln_1.weight", "attn.c_attn.weight", null, null, null, "attn.c_proj.weight", "ln_2.weight", null, "mlp.c_fc.weight",
            "mlp.c_proj.weight",
            StoredOrder.Transposed);
    }

    /// <summary>Llama, Mistral, Qwen2.</summary>
    public static WeightNaming Llama(IWeightSource source)
    {
        var prefix = source.Tensors.ContainsKey("embed_tokens.weight") ? "" : "model.";
        return new(prefix + "embed_tokens.weight", null, prefix + "norm.weight", "lm_head.weight", prefix + "layers.{l}.",
            "input_layernorm.weight", null, "self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight",
            "self_attn.o_proj.weight",
            "post_attention_layernorm.weight", "mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight");
    }

    /// <summary>The project's own attention-only models.</summary>
    public static WeightNaming AttentionOnly { get; } = new(
        "embed.W_E", "pos_embed.W_pos", null, "unembed.W_U", "blocks.{l}.", null, "attn.W_QKV", null, null, null, "attn.W_O",
        null, null, null, null);

    /// <summary>
    /// llama.cpp's names. Its converter interleaves the q and k rows of the llama architecture (and only of it) for rotary pairs of
    /// neighbours, and turns gpt2's matrices to [out, in].
    /// </summary>
    public static WeightNaming Gguf(string architecture)
    {
        var gpt2 = architecture == "gpt2";
        return new("token_embd.weight", gpt2 ? "position_embd.weight" : null, "output_norm.weight", "output.weight", "blk.{l}.",
            "attn_norm.weight", gpt2 ? "attn_qkv.weight" : null, "attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_output.weight",
            "ffn_norm.weight", gpt2 ? null : "ffn_gate.weight", "ffn_up.weight", "ffn_down.weight",
            QueryKeyRows: architecture == "llama" ? StoredOrder.RotaryNeighbours : StoredOrder.Same);
    }

    /// <summary>Buffers that are no weights and are recomputed or unused.</summary>
    private static readonly string[] Buffers =
        ["attn.bias", "attn.masked_bias", "self_attn.rotary_emb.inv_freq", "attn_rot_embd.weight"];

    public static string BiasOf(string weight) => weight.EndsWith(".weight", StringComparison.Ordinal)
        ? weight[..^".weight".Length] + ".bias"
        : weight.Replace(".W_", ".b_");

    /// <summary>
    /// Refuses files whose blocks hold weights that this family does not have (query norms, experts, adapters): leaving them out
    /// would give another model.
    /// </summary>
    public void RefuseStrangers(IWeightSource source, WeightLayout layout)
    {
        var known = layout.Slots().SelectMany(s => s.Parts).Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        var root = Block[..Block.IndexOf("{l}", StringComparison.Ordinal)];
        foreach (var tensor in source.Tensors.Values)
        {
            if (known.Contains(tensor.Name) || !tensor.Name.StartsWith(root, StringComparison.Ordinal)) continue;
            var rest = tensor.Name[root.Length..];
            var dot = rest.IndexOf('.');
            if (dot > 0 && Buffers.Contains(rest[(dot + 1)..])) continue;
            throw new StudyException(
                $"the tensor '{tensor.Name}' is no part of a {layout.Config.Family} model of {layout.Config.Layers} layers", source.Where,
                "the file holds a variant of the architecture that is not supported");
        }
    }
}
