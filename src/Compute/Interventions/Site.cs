namespace InterpActors.Compute.Interventions;

/// <summary>A place in a block where an intervention can write, in the contract's words.</summary>
public enum Component { ResidPre, ResidMid, ResidPost, AttnOut, MlpOut, Z, Q, K, V, Pattern, MlpPost }

/// <summary>Names and shapes of components.</summary>
public static class Components
{
    private static readonly (Component Component, string Word, string Hook, bool HasHeads)[] Table =
    [
        (Component.ResidPre, "resid_pre", "hook_resid_pre", false),
        (Component.ResidMid, "resid_mid", "hook_resid_mid", false),
        (Component.ResidPost, "resid_post", "hook_resid_post", false),
        (Component.AttnOut, "attn_out", "hook_attn_out", false),
        (Component.MlpOut, "mlp_out", "hook_mlp_out", false),
        (Component.Z, "z", "attn.hook_z", true),
        (Component.Q, "q", "attn.hook_q", true),
        (Component.K, "k", "attn.hook_k", true),
        (Component.V, "v", "attn.hook_v", true),
        (Component.Pattern, "pattern", "attn.hook_pattern", true),
        (Component.MlpPost, "mlp_post", "mlp.hook_post", false),
    ];

    /// <summary>The contract's words, in the contract's order.</summary>
    public static IReadOnlyList<string> Words { get; } = [.. Table.Select(t => t.Word)];

    public static Component Parse(string word) => Table.First(t => t.Word == word).Component;

    public static string Word(this Component component) => Table[(int)component].Word;

    /// <summary>The TransformerLens hook name, e.g. <c>blocks.4.attn.hook_z</c>.</summary>
    public static string HookName(this Component component, int layer) => $"blocks.{layer}.{Table[(int)component].Hook}";

    /// <summary>True where one head can be addressed (for k and v: one key/value head).</summary>
    public static bool HasHeads(this Component component) => Table[(int)component].HasHeads;
}

/// <summary>One place in the model: a layer's component, and one head of it where the component has heads (null: all of them).</summary>
public readonly record struct Site(int Layer, Component Component, int? Head)
{
    /// <summary>A latent of a dictionary that reads the component; null for the activation itself.</summary>
    public LatentSite? Latent { get; init; }

    /// <summary>The TransformerLens name; of a latent, SAELens' name of the dictionary's codes there.</summary>
    public string HookName => Component.HookName(Layer) + (Latent is null ? "" : ".hook_sae_acts_post");
}

/// <summary>A latent of a dictionary.</summary>
/// <param name="Dose">What it is set to, where the study names values; null otherwise.</param>
public readonly record struct LatentSite(int Index, double? Dose);
