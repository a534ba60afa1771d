using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Files;

/// <summary>The tensors of an SAE's weight file on their way into a <see cref="DictionaryWeights"/>: converted, renamed, checked.</summary>
internal sealed class StoredWeights
{
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly string _file;

    /// <summary>Reads every floating-point tensor of a file; they are of the caller's dispose scope.</summary>
    /// <exception cref="StudyException">The file is missing or damaged, or holds NaN or infinities.</exception>
    public StoredWeights(string file, ScalarType type)
    {
        _file = file;
        using var stored = SafetensorsFile.Open(file);
        StoredType = stored.Tensors.TryGetValue("W_dec", out var decoder) || stored.Tensors.TryGetValue("decoder.weight", out decoder)
            ? decoder.TypeName : "";
        foreach (var (name, tensor) in stored.Tensors)
        {
            if (!tensor.IsFloatingPoint) continue;
            // A running average that training goes on with: it keeps its precision.
            var read = stored.Read(name, name == "topk_threshold" ? ScalarType.Float64 : type);
            if (!read.isfinite().all().ToBoolean()) throw new StudyException("it holds NaN or infinite values", tensor.Where);
            _tensors.Add(name, read);
        }
    }

    /// <summary>Element type of the decoder in the file.</summary>
    public string StoredType { get; }

    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <exception cref="StudyException">There is no such tensor.</exception>
    public Tensor this[string name]
    {
        get => _tensors.TryGetValue(name, out var tensor) ? tensor : throw new StudyException($"the tensor {name} is missing", _file);
        set => _tensors[name] = value;
    }

    public void Remove(string name) => _tensors.Remove(name);

    /// <summary>Gives a tensor another name, transposed where asked for.</summary>
    public void Rename(string from, string to, bool transposed = false)
    {
        var tensor = this[from];
        if (transposed && tensor.dim() != 2) throw new StudyException($"{from} has {tensor.dim()} dimensions, 2 are needed", _file);
        _tensors.Remove(from);
        _tensors[to] = transposed ? tensor.t().contiguous() : tensor;
    }

    /// <summary>The tensors of an architecture, their shapes checked. Others stay behind and are listed.</summary>
    /// <exception cref="StudyException">One is missing or of another shape than the configuration says.</exception>
    public DictionaryWeights Take(IArchitecture architecture, DictionarySizes sizes, ICollection<string> converted)
    {
        var taken = new List<(string, Tensor)>();
        foreach (var parameter in architecture.Parameters)
        {
            var (tensor, wanted) = (this[parameter.Name], sizes.Shape(parameter.Dimensions));
            if (!tensor.shape.SequenceEqual(wanted))
                throw new StudyException($"{parameter.Name} has the shape [{string.Join(", ", tensor.shape)}], the configuration "
                    + $"(d_in {sizes.Input}, d_sae {sizes.Latents}, d_out {sizes.Output}) asks for "
                    + $"[{string.Join(", ", wanted)}]", _file, "configuration and weights are not of one SAE");
            taken.Add((parameter.Name, tensor));
        }
        foreach (var name in _tensors.Keys.Except(architecture.Parameters.Select(p => p.Name)).Order(StringComparer.Ordinal))
            converted.Add($"tensor {name} was left out: {architecture.Name} has none");
        return new DictionaryWeights(taken);
    }
}
