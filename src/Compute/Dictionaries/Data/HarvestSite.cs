using System.Globalization;
using InterpActors.Compute.Interventions;
using InterpActors.Compute.Models;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>A hook point whose activations are harvested, one row a token.</summary>
/// <param name="Hook">Full name, e.g. <c>blocks.12.hook_resid_post</c>.</param>
/// <param name="Width">Of a row; heads are flattened.</param>
/// <param name="Component">Where the intervention engine computes it; null for other points.</param>
public sealed record HarvestSite(string Hook, int Width, Component? Component, int Layer)
{
    /// <exception cref="StudyException">No such point, several, or one whose width differs from token to token.</exception>
    public static HarvestSite Of(string name, ModelConfig config, string where)
    {
        var found = HookNames.Resolve(config, [name], where);
        if (found.Count != 1) throw new StudyException($"'{name}' stands for {found.Count} hook points", where,
            $"name one, e.g. {found[0]}");
        var shape = HookNames.All(config).First(p => p.Name == found[0]).Shape.Trim('[', ']').Split(", ");
        if (shape[0] != "pos") throw new StudyException($"{found[0]} has no row of one width for each token", where,
            "harvest a residual, attention or MLP output");
        var width = shape.Skip(1).Aggregate(1, (product, size) => product * int.Parse(size, CultureInfo.InvariantCulture));
        for (var layer = 0; layer < config.Layers; layer++)
            foreach (var component in Enum.GetValues<Component>())
                if (component != Interventions.Component.Pattern && component.HookName(layer) == found[0])
                    return new HarvestSite(found[0], width, component, layer);
        return new HarvestSite(found[0], width, null, -1);
    }
}
