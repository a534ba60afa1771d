namespace InterpActors.Compute.Models;

/// <summary>The norm in front of attention, MLP and unembedding.</summary>
public enum NormKind { None, LayerNorm, RmsNorm }

/// <summary>How positions enter the model.</summary>
public enum PositionKind { Learned, Rotary }

/// <summary>The MLP's activation function.</summary>
public enum ActivationKind { None, Relu, GeluExact, GeluTanh, Silu }

/// <summary>Weight processing applied after loading (TransformerLens' names and formulas).</summary>
public enum WeightProcessing
{
    /// <summary>Weights as stored.</summary>
    None,

    /// <summary>Norms folded into the reading weights, writing weights centred (LayerNorm only), value biases folded into the output
    /// bias, unembedding centred: TransformerLens' default processing.</summary>
    Folded,
}

/// <summary>
/// Rotary embedding parameters. <paramref name="InverseFrequencies"/> are in fp64, scaling (llama3, linear) already applied.
/// </summary>
/// <param name="Dimensions">How many dimensions of a head are rotated; pairs are (i, i + Dimensions/2).</param>
public sealed record RotaryConfig(int Dimensions, IReadOnlyList<double> InverseFrequencies);

/// <summary>The shape and the conventions of one decoder-only transformer, whatever file it came from.</summary>
/// <param name="Family">gpt2, llama, mistral, qwen2, attention-only, …: what the file called itself.</param>
/// <param name="Name">A name for people: <c>general.name</c> or the folder's name.</param>
/// <param name="MlpWidth">d_mlp; 0 for attention-only models.</param>
/// <param name="GatedMlp">act(gate) * up instead of act(in).</param>
/// <param name="AttentionScale">What q·k is multiplied by: 1/sqrt(d_head) as a rule.</param>
/// <param name="SlidingWindows">Per layer, how many keys a query sees including itself; null for all.</param>
public sealed record ModelConfig(
    string Family, string Name, int Layers, int Heads, int KeyValueHeads, int HeadWidth, int ModelWidth, int MlpWidth,
    int ContextLength, int Vocabulary, NormKind Norm, double NormEpsilon, ActivationKind Activation, bool GatedMlp,
    PositionKind Positions, RotaryConfig? Rotary, double AttentionScale, IReadOnlyList<int?> SlidingWindows)
{
    public bool HasMlp => MlpWidth > 0;

    /// <summary>Query heads per key/value head.</summary>
    public int GroupSize => Heads / KeyValueHeads;
}
