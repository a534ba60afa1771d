using InterpActors.Compute.Interventions;

namespace InterpActors.Compute.Sweeps;

/// <summary>Sites as people say them.</summary>
public static class SiteWords
{
    /// <summary>E.g. <c>the residual stream before layer 4</c>, <c>head 2.0</c>, <c>the MLP of layer 3</c>.</summary>
    public static string Of(Site site) => site.Latent is { } latent
        ? $"latent {latent.Index} of {Of(site with { Latent = null })}"
            + (latent.Dose is { } dose ? FormattableString.Invariant($", set to {dose:0.###},") : "")
        : site.Component switch
        {
            Component.ResidPre => $"the residual stream before layer {site.Layer}",
            Component.ResidMid => $"the residual stream after attention of layer {site.Layer}",
            Component.ResidPost => $"the residual stream after layer {site.Layer}",
            Component.AttnOut => $"the attention output of layer {site.Layer}",
            Component.MlpOut => $"the MLP output of layer {site.Layer}",
            Component.MlpPost => $"the MLP neurons of layer {site.Layer}",
            Component.Z => $"head {site.Layer}.{site.Head}",
            Component.Q => $"the queries of head {site.Layer}.{site.Head}",
            Component.K => $"the keys of key/value head {site.Layer}.{site.Head}",
            Component.V => $"the values of key/value head {site.Layer}.{site.Head}",
            _ => $"the attention pattern of head {site.Layer}.{site.Head}",
        };

    /// <summary>A component without heads over a range of layers, e.g. <c>the residual stream in layers 12–18</c>.</summary>
    public static string Of(Component component, int first, int last) => component switch
    {
        Component.ResidPre => $"the residual stream before layers {first}–{last}",
        Component.ResidMid => $"the residual stream after attention of layers {first}–{last}",
        Component.ResidPost => $"the residual stream after layers {first}–{last}",
        Component.AttnOut => $"the attention output of one of layers {first}–{last}",
        Component.MlpOut => $"the MLP output of one of layers {first}–{last}",
        Component.MlpPost => $"the MLP neurons of one of layers {first}–{last}",
        _ => throw new ArgumentOutOfRangeException(nameof(component), component, "has heads"),
    };
}
