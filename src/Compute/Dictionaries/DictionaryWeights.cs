using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries;

/// <summary>
/// The tensors of a dictionary by SAELens' names: <c>W_enc</c> [d_in, d_sae], <c>b_enc</c> [d_sae], <c>W_dec</c> [d_sae, d_out],
/// <c>b_dec</c> [d_out], and those of its architecture. They live until this is disposed.
/// </summary>
public sealed class DictionaryWeights : IDisposable
{
    private readonly SortedDictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    /// <param name="tensors">Taken over: they leave their dispose scope.</param>
    public DictionaryWeights(IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        foreach (var (name, tensor) in tensors) _tensors.Add(name, tensor.DetachFromDisposeScope());
    }

    /// <exception cref="KeyNotFoundException">The architecture has no such tensor.</exception>
    public Tensor this[string name] => _tensors[name];

    /// <summary>In the order of their names.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> All => _tensors.Select(t => (t.Key, t.Value));

    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>‖W_dec‖ of each latent: [d_sae].</summary>
    public Tensor DecoderNorms() => this["W_dec"].square().sum(-1).sqrt();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _tensors.Values) tensor.Dispose();
    }
}
