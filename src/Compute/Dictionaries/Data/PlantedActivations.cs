using InterpActors.Compute.Dictionaries.Planted;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>Rows of a planted world, drawn anew for every batch: data whose features are known, without end.</summary>
internal sealed class PlantedActivations : TrainingData
{
    private const string Tree = "tree";
    private const string Synthetic = "synthetic";
    private const string Chat = "chat";

    public PlantedActivations(StudySection data, StudyContext study, int? batch)
    {
        World = ReadWorld(data, study);
        (Batch, Hook) = (batch ?? 256, $"planted.{data.Text("world")}");
    }

    /// <exception cref="StudyException">There is no such world.</exception>
    public static IPlantedWorld ReadWorld(StudySection data, StudyContext study)
    {
        var world = data.OneOf("world", [Tree, Synthetic, Chat]);
        var seed = data.Long("seed", study.Seed, 0);
        return world switch
        {
            Tree => new FeatureTree(data.Int("level", 1, 0, FeatureTree.Levels - 1), seed),
            Chat => new ConversationFeatures(ChatSizes(data), seed),
            _ => new SyntheticFeatures(Sizes(data), seed),
        };
    }

    public override int Width => (int)World.Features.shape[1];

    public override int Batch { get; }

    public override string Hook { get; }

    /// <inheritdoc/>
    internal override IPlantedWorld World { get; }

    public override ActivationBatches Open(StudySession session, ShardStore store) => new Drawn(World, Batch);

    private static ConversationSizes ChatSizes(StudySection data)
    {
        var plain = new ConversationSizes();
        var packed = data.OneOf("packing", [ChatSequences.Alone, ChatSequences.Blocks, ChatSequences.BlocksMasked], ChatSequences.Alone)
            == ChatSequences.Blocks;
        var sizes = new ConversationSizes(data.Int("width", plain.Width, 2, 1 << 14), data.Int("topics", plain.Topics, 1, 1 << 14),
            data.Int("words", plain.Words, 1, 1 << 14),
            Plain: data.OneOf("corpus", ["conversations", "text"], "conversations") == "text")
        {
            // Alone, there is nothing that could leak in.
            Leak = packed ? data.Number("leak", plain.Leak, 0) : 0,
            Context = packed ? data.Int("context", plain.Context, 2, 1 << 20) : plain.Context,
        };
        return sizes;
    }

    private static SyntheticSizes Sizes(StudySection data)
    {
        var plain = new SyntheticSizes();
        var sizes = new SyntheticSizes(data.Int("features", plain.Features, 1, 1 << 16), data.Int("width", plain.Width, 1, 1 << 14),
            data.Number("most_likely", plain.MostLikely, 0, 1), data.Number("least_likely", plain.LeastLikely, 0, 1),
                data.Int("roots", plain.Roots, 0),
            data.Int("branching", plain.Branching, 1, 64), data.Int("depth", plain.Depth, 1, 16),
                data.Int("correlation_rank", plain.CorrelationRank, 0, 256),
            data.Number("correlation_scale", plain.CorrelationScale, 0), data.Flag("compensate", plain.Compensate),
                data.Number("bias", plain.Bias, 0));
        if (sizes.MostLikely is 0 or 1 || sizes.LeastLikely is 0 || sizes.LeastLikely > sizes.MostLikely)
            throw data.Wrong("most_likely", "probabilities must be above 0 and below 1, the least not above the most");
        double hierarchy = 0, level = sizes.Roots;
        for (var d = 0; d < sizes.Depth; d++, level *= sizes.Branching) hierarchy += level;
        return hierarchy <= sizes.Features ? sizes
            : throw data.Wrong("roots", $"the hierarchy takes {hierarchy} features, there are {sizes.Features}", "make it smaller");
    }

    private sealed class Drawn(IPlantedWorld world, int rows) : ActivationBatches
    {
        public override int Width => (int)world.Features.shape[1];

        public override int Rows => rows;

        public override ScalarType Type => ScalarType.Float64;

        public override void Fill(long index, Tensor batch, CancellationToken cancellation)
        {
            using var scope = NewDisposeScope();
            batch.copy_(world.Rows(world.Activations(index, rows)));
        }
    }
}
