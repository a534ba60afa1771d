using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Models;

/// <summary>
/// What one forward pass reads and overwrites, by hook name. Edits of a point run in the order in which they were added; a read sees
/// the edited value. Belongs to one thread.
/// </summary>
public sealed class HookSet
{
    private readonly Dictionary<string, List<Func<Tensor, Tensor>>> _edits = new(StringComparer.Ordinal);
    private readonly HashSet<string> _reads = new(StringComparer.Ordinal);
    private readonly HashSet<string> _fired = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> _activations = new(StringComparer.Ordinal);
    private readonly List<Tensor> _recent = [];

    /// <summary>What the last forward read, by hook name, each with its batch dimension. In the caller's dispose scope.</summary>
    public IReadOnlyDictionary<string, Tensor> Activations => _activations;

    /// <summary>The forward ends after the layer that met the last read; it then has no logits to give.</summary>
    public bool StopsWhenRead { get; init; }

    /// <summary>True where nothing further down the forward is wanted.</summary>
    internal bool IsSatisfied => StopsWhenRead && _reads.IsSubsetOf(_fired);

    /// <summary>Names that were asked for and that no forward has met yet.</summary>
    public IEnumerable<string> Unfired => _edits.Keys.Concat(_reads).Distinct().Where(n => !_fired.Contains(n));

    /// <summary>Asks for activations.</summary>
    public HookSet Read(params IEnumerable<string> names)
    {
        _reads.UnionWith(names);
        return this;
    }

    /// <summary>
    /// Overwrites an activation with a function of it: [batch, pos, …] to the same shape. The function must return a new tensor rather
    /// than write into its argument, so that gradients flow, and must not keep its argument, which ends with the layer: read it instead.
    /// </summary>
    public HookSet Write(string name, Func<Tensor, Tensor> edit)
    {
        if (!_edits.TryGetValue(name, out var edits)) _edits[name] = edits = [];
        edits.Add(edit);
        return this;
    }

    /// <summary>Moves what was read, and <paramref name="x"/>, out of a layer's scope.</summary>
    internal void KeepReads(DisposeScope scope, Tensor x)
    {
        if (scope.Contains(x)) scope.MoveToOuter(x);
        foreach (var tensor in _recent)
            if (scope.Contains(tensor)) scope.MoveToOuter(tensor);
        _recent.Clear();
    }

    internal bool Wants(string name) => _edits.ContainsKey(name) || _reads.Contains(name);

    internal Tensor Apply(string name, Tensor value)
    {
        if (!Wants(name)) return value;
        _fired.Add(name);
        foreach (var edit in _edits.GetValueOrDefault(name) ?? [])
        {
            var edited = edit(value);
            if (!edited.shape.AsSpan().SequenceEqual(value.shape))
                throw new InvalidOperationException(
                    $"an edit of {name} changed its shape from [{string.Join(", ", value.shape)}] to [{string.Join(", ", edited.shape)}]");
            value = edited;
        }
        if (_reads.Contains(name))
        {
            _activations[name] = value;
            _recent.Add(value);
        }
        return value;
    }
}
