using InterpActors.Compute.Interventions;
using InterpActors.Compute.Models;
using static TorchSharp.torch;

namespace InterpActors.Compute.Sweeps;

/// <summary>Cuts a site's part out of whole activations.</summary>
public static class SiteValues
{
    /// <summary>The values of a run at a site, [positions, width of the site].</summary>
    public static Tensor Of(BaseRun run, ModelConfig config, Site site, int prompt, int[] positions)
    {
        var whole = run.Activation(site.Component, site.Layer, prompt);
        var own = site.Component == Component.Pattern ? whole[site.Head!.Value] : Head(whole, config, site);
        return Rows(own, positions);
    }

    /// <summary>The columns of the site's head; all of them where it names none. Last dimension: heads · d_head.</summary>
    public static Tensor Head(Tensor whole, ModelConfig config, Site site) =>
        site.Head is { } head ? whole.narrow(-1, (long)head * config.HeadWidth, config.HeadWidth) : whole;

    /// <summary>Some rows, as a view where they are contiguous.</summary>
    public static Tensor Rows(Tensor values, int[] positions)
    {
        var first = positions[0];
        if (positions[^1] - first == positions.Length - 1) return values.narrow(0, first, positions.Length);
        return values.index_select(0, tensor(positions.Select(p => (long)p).ToArray(), device: values.device));
    }

    /// <summary>The width of a site's activation; at a pattern there is none.</summary>
    public static int Width(ModelConfig config, Site site) => site.Component switch
    {
        Component.MlpPost => config.MlpWidth,
        Component.Z or Component.Q => site.Head is null ? config.Heads * config.HeadWidth : config.HeadWidth,
        Component.K or Component.V => site.Head is null ? config.KeyValueHeads * config.HeadWidth : config.HeadWidth,
        Component.Pattern => throw new ArgumentException("a pattern's width is its prompt's length", nameof(site)),
        _ => config.ModelWidth,
    };
}
