using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Sweeps.Latents;

/// <summary>
/// The codes of a study's latents on the base runs of a shard of its prompts, and what writes them back. Thread-safe once made; lives with
/// its session.
/// </summary>
internal sealed class LatentCodes : IDisposable
{
    private readonly Dictionary<(int Prompt, bool Corrupted), (Tensor Codes, Tensor? Scale)> _runs = [];
    private readonly Dictionary<int, int> _column;
    private readonly Tensor _directions;
    private readonly LatentSource _source;

    private LatentCodes(LatentSource source, SparseDictionary dictionary, PromptShard shard)
    {
        _source = source;
        _column = source.Latents.Select((l, i) => (l, i)).ToDictionary(p => p.l, p => p.i);
        var chosen = tensor(source.Latents.Select(l => (long)l).ToArray());
        _directions = dictionary.Weights["W_dec"].index_select(0, chosen).DetachFromDisposeScope();
        for (var p = 0; p < shard.Prompts.Count; p++)
            foreach (var corrupted in shard.Corrupted is null ? [false] : new[] { false, true })
            {
                var x = (corrupted ? shard.Corrupted! : shard.Clean).Activation(source.Component, source.Layer, p);
                var encoding = dictionary.Encode(dictionary.FlattensHeads ? x.unsqueeze(1) : x);
                var scale = encoding.Frame.RestoreChange(ones([1, 1], x.dtype));
                _runs[(p, corrupted)] = (encoding.Activations.index_select(1, chosen).DetachFromDisposeScope(),
                    scale.shape[0] == 1 && x.shape[0] != 1 ? null : scale.DetachFromDisposeScope());
            }
    }

    /// <summary>Those of a shard, made once for the session.</summary>
    public static LatentCodes Of(StudySession session, PromptShard shard, LatentSource source) =>
        session.Derived((typeof(LatentCodes), shard.First, source.Folder), () =>
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            return new LatentCodes(source, source.Open(session), shard);
        });

    /// <summary>Codes of a latent at some positions of a prompt's run. [positions, 1]</summary>
    public Tensor At(int latent, int prompt, bool corrupted, int[] positions) =>
        SiteValues.Rows(_runs[(prompt, corrupted)].Codes.narrow(1, _column[latent], 1), positions);

    /// <summary>Sum of a latent's codes over all positions of the shard's clean (or corrupted) runs, and their number.</summary>
    public (double Sum, long Count) Total(int latent, bool corrupted)
    {
        var (sum, count) = (0.0, 0L);
        foreach (var ((prompt, of), (codes, _)) in _runs.OrderBy(r => r.Key.Prompt))
        {
            if (of != corrupted) continue;
            using var column = codes.narrow(1, _column[latent], 1).to_type(ScalarType.Float64);
            sum += column.sum().item<double>();
            count += codes.shape[0];
        }
        return (sum, count);
    }

    /// <summary>
    /// The run's activation with one latent's code replaced, the dictionary's error kept: x + (z′ − z) · W_dec. [positions, width]
    /// </summary>
    /// <param name="code">[positions, 1] or [1, 1]</param>
    public Tensor Write(PromptShard shard, int latent, int prompt, bool corrupted, int[] positions, Tensor code)
    {
        var run = corrupted ? shard.Corrupted! : shard.Clean;
        var x = SiteValues.Rows(run.Activation(_source.Component, _source.Layer, prompt), positions);
        var change = (code - At(latent, prompt, corrupted, positions)) * _directions[_column[latent]].unsqueeze(0);
        if (_runs[(prompt, corrupted)].Scale is { } scale) change = change * SiteValues.Rows(scale, positions);
        return x + change.to_type(x.dtype);
    }

    public void Dispose()
    {
        _directions.Dispose();
        foreach (var (codes, scale) in _runs.Values)
        {
            codes.Dispose();
            scale?.Dispose();
        }
    }
}
