using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Compute.Dictionaries.Planted;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>A dictionary against the world that its data were drawn from, on rows that no training has seen.</summary>
internal static class PlantedComparison
{
    private const int Chunk = 4096;
    private const int Chunks = 4;

    /// <summary>What is compared, in the order of the columns.</summary>
    public static IReadOnlyList<string> Names(IPlantedWorld world, IArchitecture architecture) =>
    [
        "mcc", "f1_score", "uniqueness", "mmcs_latents_to_features", "mmcs_features_to_latents", "heldout_explained_variance", "shrinkage",
        "heldout_l0", "true_l0", "fvu",
        .. world.Families.Count == 0 ? Array.Empty<string>() : ["parent_cosine", "child_cosine", "child_parent_cosine"],
        .. architecture is MatchingPursuitArchitecture ? [PursuitResidual.Column] : Array.Empty<string>(),
    ];

    /// <param name="dictionary">Ready for use, in any dtype.</param>
    /// <returns>By name.</returns>
    public static IReadOnlyDictionary<string, double> Of(SparseDictionary dictionary, IPlantedWorld world)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var match = FeatureMatch.Of(dictionary.Weights["W_dec"], world.Features);
        var score = new PlantedScore(match.BestFeatures(), match.Features == 0 ? 0 : (int)world.Features.shape[1]);
        double active = 0;
        for (var chunk = 1; chunk <= Chunks; chunk++)
        {
            using var inner = NewDisposeScope();
            // Batches of training count from 0 upwards.
            var truth = world.Activations(-chunk, Chunk);
            var x = world.Rows(truth);
            var encoding = dictionary.Encode(x);
            score.Add(encoding.Activations, dictionary.Forward(dictionary.Decode(encoding.Activations, encoding.Frame), x), x, truth);
            active += (encoding.Activations != 0).sum().item<long>();
        }
        var found = new Dictionary<string, double>
        {
            ["mcc"] = match.Mcc,
            ["f1_score"] = score.F1,
            ["uniqueness"] = match.Uniqueness,
            ["mmcs_latents_to_features"] = match.MmcsOfLatents(absolute: false),
            ["mmcs_features_to_latents"] = match.MmcsOfFeatures(absolute: false),
            ["heldout_explained_variance"] = score.ExplainedVariance,
            ["shrinkage"] = score.Shrinkage,
            ["heldout_l0"] = active / score.Rows,
            ["true_l0"] = score.TrueL0,
            ["fvu"] = 1 - score.ExplainedVariance,
        };
        if (dictionary.Architecture is MatchingPursuitArchitecture pursuit)
            found[PursuitResidual.Column] = PursuitResidual.MonotoneShare(dictionary, pursuit, world.Rows(world.Activations(-1, Chunk)));
        if (world.Families.Count == 0) return found;
        var tree = new TreeScore(match, world.Families);
        found["parent_cosine"] = tree.ParentCosine;
        found["child_cosine"] = tree.ChildCosine;
        found["child_parent_cosine"] = tree.ChildParentCosine;
        return found;
    }
}
