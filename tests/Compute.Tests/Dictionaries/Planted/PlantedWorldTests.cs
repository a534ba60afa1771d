using InterpActors.Compute.Dictionaries.Planted;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Dictionaries.Planted;

public class PlantedWorldTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(8)]
    public void A_tree_has_the_cosines_of_its_level(int level)
    {
        using var scope = NewDisposeScope();
        var tree = new FeatureTree(level, seed: 3);
        var cosines = tree.Features.matmul(tree.Features.t());
        double Cosine(int i, int j) => cosines[i, j].item<double>();

        Assert.All(Enumerable.Range(0, 20), i => Assert.Equal(1, Cosine(i, i), 1e-12));
        Assert.Equal(level / 10.0, Cosine(0, 4), 0.005);
        Assert.Equal(level / 10.0, Cosine(8, 15), 0.005);
        Assert.Equal(level / 10.0, Cosine(1, 3), 0.005);
        Assert.All(tree.Families, f => Assert.All(f[1..], child => Assert.Equal(0, Cosine(f[0], child), 1e-12)));
    }

    [Fact]
    public void A_tree_lights_one_root_and_at_most_one_of_its_children()
    {
        using var scope = NewDisposeScope();
        var tree = new FeatureTree(1, seed: 0);
        var on = tree.Activations(batch: 5, rows: 20000) != 0;
        int[] roots = [0, 4, 8, .. Enumerable.Range(12, 8)];

        var lit = on.index_select(1, tensor(roots.Select(r => (long)r).ToArray())).sum(1);
        Assert.Equal(1, lit.min().item<long>());
        Assert.Equal(1, lit.max().item<long>());
        foreach (var family in tree.Families)
        {
            var children = on.index_select(1, tensor(family[1..].Select(c => (long)c).ToArray())).any(1);
            Assert.False(children.logical_and(on.select(1, family[0]).logical_not()).any().item<bool>());
            Assert.Equal(0.2, on.select(1, family[0]).to(ScalarType.Float64).mean().item<double>(), 0.01);
            Assert.Equal(0.12, children.to(ScalarType.Float64).mean().item<double>(), 0.01);
        }
        Assert.Equal(1.36, on.sum().item<long>() / 20000.0, 0.02);
    }

    [Fact]
    public void A_batch_is_a_function_of_seed_and_number_alone()
    {
        using var scope = NewDisposeScope();
        IPlantedWorld[] worlds = [new FeatureTree(2, 7), new SyntheticFeatures(new SyntheticSizes(), 7),
            new ConversationFeatures(new ConversationSizes(), 7)];
        IPlantedWorld[] again = [new FeatureTree(2, 7), new SyntheticFeatures(new SyntheticSizes(), 7),
            new ConversationFeatures(new ConversationSizes(), 7)];
        for (var w = 0; w < worlds.Length; w++)
        {
            var first = worlds[w].Activations(3, 50);
            worlds[w].Activations(4, 50);
            Assert.True(first.Equals(again[w].Activations(3, 50)));
            Assert.False(first.Equals(worlds[w].Activations(4, 50)));
            Assert.True(worlds[w].Features.Equals(again[w].Features));
        }
    }

    [Fact]
    public void Synthetic_features_fire_as_often_as_asked_and_keep_to_their_hierarchy()
    {
        using var scope = NewDisposeScope();
        var sizes = new SyntheticSizes(Compensate: true);
        var world = new SyntheticFeatures(sizes, seed: 1);
        var values = world.Activations(0, 20000);
        var rates = (values > 0).to(ScalarType.Float64).mean([0L]).data<double>().ToArray();

        Assert.Equal(0.3, rates[0], 0.02);
        Assert.InRange(rates[^1], 0.002, 0.008);
        Assert.Equal(8 + 24, world.Families.Count);
        foreach (var family in world.Families)
        {
            var children = values.index_select(1, tensor(family[1..].Select(c => (long)c).ToArray())) > 0;
            Assert.True(children.sum(1).max().item<long>() <= 1);
            Assert.False(children.any(1).logical_and(values.select(1, family[0]) == 0).any().item<bool>());
        }
        Assert.All(world.Features.norm(1).data<double>().ToArray(), n => Assert.Equal(1, n, 1e-9));
    }

    [Fact]
    public void Conversations_leak_into_those_after_them_in_their_block_and_nowhere_else()
    {
        using var scope = NewDisposeScope();
        var alone = new ConversationFeatures(new ConversationSizes { Leak = 0 }, seed: 2);
        var packed = new ConversationFeatures(new ConversationSizes { Leak = 0.5, Context = 128 }, seed: 2);
        Assert.True(alone.Features.Equals(packed.Features));
        var (own, mixed) = (Rows(alone), Rows(packed));
        var special = packed.Special(3, 512)!.data<bool>().ToArray();
        // Which rows are of special tokens is the same, and a conversation begins with feature 0.
        Assert.Equal(special, alone.Special(3, 512)!.data<bool>().ToArray());
        Assert.All(Enumerable.Range(0, 512), r => Assert.Equal(special[r], own[r].Take(4).Any(v => v > 0)));
        Assert.InRange(special.Count(s => s) / 512.0, 0.15, 0.45);
        var touched = 0;
        for (var block = 0; block < 512; block += 128)
        {
            var start = block;
            for (var r = block; r < block + 128; r++)
            {
                if (r > block && own[r][0] > 0) start = r;
                var before = own[block..start];
                touched += before.Length > 0 ? 1 : 0;
                for (var f = 0; f < own[r].Length; f++)
                    Assert.Equal(own[r][f] + (before.Length == 0 ? 0 : 0.5 * before.Average(row => row[f])), mixed[r][f], 1e-12);
            }
        }
        Assert.InRange(touched, 200, 500);

        static double[][] Rows(IPlantedWorld world) =>
            [.. world.Activations(3, 512).data<double>().ToArray().Chunk((int)world.Features.shape[0])];
    }

    [Fact]
    public void Plain_text_has_no_special_tokens()
    {
        using var scope = NewDisposeScope();
        var text = new ConversationFeatures(new ConversationSizes(Plain: true) { Leak = 0 }, seed: 2);
        Assert.False(text.Special(0, 400)!.any().item<bool>());
        Assert.Equal(0, text.Activations(0, 400).narrow(1, 0, 4).abs().max().item<double>());
    }
}
