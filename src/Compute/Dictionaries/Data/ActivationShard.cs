using InterpActors.Compute.Studies;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>
/// Activations of some sequences, one row a kept token, and where each row comes from. A safetensors file: <c>rows</c> [n, width],
/// <c>token</c>, <c>conversation</c>, <c>position</c> [n] (I32), <c>special</c> [n] (U8). Mapped, so that its memory is the page cache's.
/// </summary>
public sealed class ActivationShard : IDisposable
{
    private readonly SafetensorsFile _file;
    private readonly FileWindow _window;

    private ActivationShard(SafetensorsFile file, FileWindow window, SafetensorsTensor rows)
    {
        (_file, _window) = (file, window);
        (Rows, Width, Type) = (rows.Shape[0], (int)rows.Shape[1], rows.Type.Torch);
    }

    public long Rows { get; }
    public int Width { get; }
    public ScalarType Type { get; }

    /// <summary>The bytes of a row.</summary>
    internal ReadOnlySpan<byte> Row(int row)
    {
        var size = Width * (Type == ScalarType.Float64 ? 8 : 4);
        return _window.Bytes.Slice(row * size, size);
    }

    /// <summary><c>token</c>, <c>conversation</c>, <c>position</c> or <c>special</c> of every row, in the caller's dispose scope.</summary>
    public Tensor Origin(string name) => _file.Read(name);

    /// <exception cref="StudyException">The file is damaged.</exception>
    internal static ActivationShard Open(string path)
    {
        var file = SafetensorsFile.Open(path);
        try
        {
            if (!file.Tensors.ContainsKey("rows")) throw new StudyException("it has no tensor 'rows'", path, "delete it");
            var (mapped, start, rows) = file.Locate("rows");
            return new ActivationShard(file, mapped.Map(start, checked((int)rows.StoredBytes)), rows);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file that another node made can be a shard of the plan: whole, and of the rows, width and type it has.</summary>
    internal static bool Fits(string path, HarvestPlan plan, int shard, StudySession session)
    {
        try
        {
            using var found = Open(path);
            return found.Width == plan.Site.Width && found.Type == session.Context.Model.Type
                && (plan.MaxNorm > 0 ? found.Rows <= plan.KeptRows[shard] : found.Rows == plan.KeptRows[shard]);
        }
        catch (StudyException)
        {
            return false;
        }
    }

    /// <summary>Computes a shard and writes its file, whole or not at all.</summary>
    internal static void Make(string path, HarvestPlan plan, int shard, StudySession session, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var sequences = plan.Sequences(shard);
        var all = HarvestForward.Run(session, plan.Site, [.. sequences.Select(s => s.Tokens)]);
        cancellation.ThrowIfCancellationRequested();
        var (rows, token, conversation, position) = (new List<long>(), new List<int>(), new List<int>(), new List<int>());
        long first = 0;
        foreach (var sequence in sequences)
        {
            foreach (var p in plan.Tokens.Kept.Of(sequence))
            {
                rows.Add(first + p);
                token.Add(sequence.Tokens[p]);
                conversation.Add(sequence.Conversations[p]);
                position.Add(sequence.Positions[p]);
            }
            first += sequence.Tokens.Length;
        }
        var kept = all.index_select(0, tensor(rows.ToArray()));
        var special = token.Select(t => (byte)(plan.Tokens.Special.Contains(t) ? 1 : 0)).ToArray();
        (string, Tensor)[] tensors = [("rows", kept), ("token", tensor(token.ToArray())), ("conversation", tensor(conversation.ToArray())),
            ("position", tensor(position.ToArray())), ("special", tensor(special))];
        if (plan.MaxNorm > 0 && rows.Count > 0)
        {
            var within = NormBound.Within(kept, plan.MaxNorm);
            tensors = [.. tensors.Select(t => (t.Item1, t.Item2.index_select(0, within)))];
        }
        SafetensorsWriter.Write(path, tensors);
    }

    public void Dispose()
    {
        _window.Dispose();
        _file.Dispose();
    }
}
