using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// Sums over tokens that SAEBench's core metrics are made of. Those of two batches add up to those of both, in double precision.
/// Definitions: SAELens <c>evals</c> (from 6.45.2 on for the explained variance), SAEBench <c>core</c>.
/// </summary>
internal sealed class CoreSums
{
    /// <summary>Names of <see cref="Totals"/>, in the order in which they are stored.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "sequences", "tokens", "kept", "l0", "l1", "errors", "squares", "cosines", "in", "out", "ratios", "explained", "restored",
        "products", "biases", "batches", "special", "special errors", "next", "ce clean", "ce spliced",
        "ce zeroed", "kl spliced", "kl zeroed",
    ];

    private readonly Dictionary<string, double> _totals;

    public CoreSums(int width, int latents)
    {
        _totals = Names.ToDictionary(n => n, _ => 0.0);
        (Sum, Fired, FiredSequences) = (new double[width], new double[latents], new double[latents]);
    }

    /// <summary>Sum of the inputs. [d_in]</summary>
    public double[] Sum { get; }

    /// <summary>Tokens on which each latent fired. [d_sae]</summary>
    public double[] Fired { get; }

    /// <summary>Sequences in which each latent fired. [d_sae]</summary>
    public double[] FiredSequences { get; }

    public double this[string name] => _totals[name];

    /// <summary>In the order of <see cref="Names"/>.</summary>
    public double[] Totals => [.. Names.Select(n => _totals[n])];

    /// <summary>Adds what another batch gave.</summary>
    public void Add(double[] totals, double[] sum, double[] fired, double[] firedSequences)
    {
        for (var i = 0; i < Names.Count; i++) _totals[Names[i]] += totals[i];
        foreach (var (into, from) in new[] { (Sum, sum), (Fired, fired), (FiredSequences, firedSequences) })
            for (var i = 0; i < into.Length; i++) into[i] += from[i];
    }

    /// <summary>Adds one batch.</summary>
    /// <param name="tokens">All tokens of the batch, kept or not.</param>
    public void Add(SparseDictionary dictionary, SplicedTokens batch, int sequences, long tokens)
    {
        using var scope = NewDisposeScope();
        var encoding = dictionary.Encode(dictionary.FlattensHeads ? batch.X.unsqueeze(1) : batch.X);
        var codes = encoding.Activations;
        var x = batch.X.to_type(ScalarType.Float64);
        var y = dictionary.Forward(dictionary.Decode(codes, encoding.Frame), batch.X).flatten(1).to_type(ScalarType.Float64);
        var wide = codes.to_type(ScalarType.Float64);
        var (errors, squares, restored, products) = ((x - y).square().sum(1), x.square().sum(1), y.square().sum(1), (x * y).sum(1));
        var (lengthIn, lengthOut) = (squares.sqrt(), restored.sqrt());
        var spread = (x - x.mean([0L])).square().sum(1);
        var special = tensor(batch.Special);

        Put("sequences", sequences);
        Put("tokens", tokens);
        Put("kept", batch.Special.Length);
        Put("l0", (wide != 0).sum());
        Put("l1", wide.abs().sum());
        Put("errors", errors.sum());
        Put("squares", squares.sum());
        Put("restored", restored.sum());
        Put("products", products.sum());
        Put("cosines", (products / lengthIn / lengthOut).nan_to_num(0).sum());
        Put("in", lengthIn.sum());
        Put("out", lengthOut.sum());
        Put("ratios", (lengthOut / lengthIn).nan_to_num(0, 0, 0).sum());
        Put("explained", (1 - errors / spread).nan_to_num(0, 0, 0).sum());
        // SAELens averages this ratio over batches, not over tokens.
        Put("biases", restored.mean().item<double>() / products.mean().item<double>());
        Put("batches", 1);
        Put("special", special.sum());
        Put("special errors", (errors * special.to_type(ScalarType.Float64)).sum());
        Put("next", batch.CrossEntropy.Clean.Length);
        Put("ce clean", batch.CrossEntropy.Clean.Sum());
        Put("ce spliced", batch.CrossEntropy.Spliced.Sum());
        Put("ce zeroed", batch.CrossEntropy.Zeroed.Sum());
        Put("kl spliced", batch.Divergence.Spliced.Sum());
        Put("kl zeroed", batch.Divergence.Zeroed.Sum());
        AddTo(Sum, x.sum(dim: 0));
        var fires = codes != 0;
        AddTo(Fired, fires.to_type(ScalarType.Float64).sum(dim: 0));
        var seen = zeros(sequences, codes.shape[1], ScalarType.Float64)
            .index_add(0, tensor(batch.Sequence.Select(s => (long)s).ToArray()), fires.to_type(ScalarType.Float64), 1);
        AddTo(FiredSequences, (seen > 0).to_type(ScalarType.Float64).sum(dim: 0));
    }

    private void Put(string name, Tensor value) => Put(name, value.to_type(ScalarType.Float64).item<double>());

    private void Put(string name, double value) => _totals[name] += value;

    private static void AddTo(double[] into, Tensor values)
    {
        var data = values.data<double>();
        for (var i = 0; i < into.Length; i++) into[i] += data[i];
    }
}
