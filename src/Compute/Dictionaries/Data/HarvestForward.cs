using InterpActors.Compute.Models;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Work;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>Runs token sequences up to a hook point and no further.</summary>
internal static class HarvestForward
{
    /// <returns>[tokens of all sequences, width] in the model's dtype, of the caller's dispose scope.</returns>
    /// <exception cref="UnitException">An activation is not finite.</exception>
    public static Tensor Run(StudySession session, HarvestSite site, IReadOnlyList<int[]> sequences)
    {
        var rows = site.Component is { } component
            ? session.Engine.Activations(sequences, component, site.Layer) : Plainly(session, site, sequences);
        using var finite = rows.sum().isfinite();
        if (!finite.ToBoolean())
            throw new UnitException(UnitFailureKind.Permanent, $"an activation at {site.Hook} is not finite: it overflows the run's dtype");
        return rows;
    }

    private static Tensor Plainly(StudySession session, HarvestSite site, IReadOnlyList<int[]> sequences)
    {
        var model = session.Derived("harvest model", () => new HookedTransformer(session.Weights));
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        foreach (var sequence in sequences)
        {
            using var inner = NewDisposeScope();
            var hooks = new HookSet { StopsWhenRead = true }.Read(site.Hook);
            model.Forward([sequence], hooks);
            parts.Add(hooks.Activations[site.Hook][0].reshape(sequence.Length, site.Width).clone().MoveToOuterDisposeScope());
        }
        return cat(parts).MoveToOuterDisposeScope();
    }
}
