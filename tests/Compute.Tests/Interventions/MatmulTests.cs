using InterpActors.Compute.Interventions;
using InterpActors.Compute.Interventions.Kernels;
using InterpActors.Compute.Tests.Models;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Interventions;

public class MatmulTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(6, 64, 16)]
    [InlineData(7, 65, 33)]
    [InlineData(13, 200, 1500)]
    [InlineData(24, 96, 2100)]
    public unsafe void Packed_weights_multiply(int tokens, int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        var (x, weight, bias) = (randn([tokens, inputs], ScalarType.Float64), randn([outputs, inputs], ScalarType.Float64),
            randn([outputs], ScalarType.Float64));
        using var packed = new PackedWeight<double>((double*)TensorMemory.Address(weight), outputs, inputs);
        var expected = x.matmul(weight.t()) + bias;
        foreach (var (first, count) in new[] { (0, outputs), (outputs / 3, outputs - outputs / 3), (outputs / 2, (outputs + 3) / 4) })
            foreach (var threads in new[] { 1, 3 })
            {
                var output = full([tokens, count], double.NaN, ScalarType.Float64);
                packed.Multiply((double*)TensorMemory.Address(x), tokens, (double*)TensorMemory.Address(bias),
                    (double*)TensorMemory.Address(output), first, count, threads);
                Assert.True((output - expected.narrow(1, first, count)).abs().max().ToDouble() < 1e-11);
            }
    }

    [Fact]
    public unsafe void A_tokens_product_does_not_depend_on_its_batch()
    {
        using var scope = NewDisposeScope();
        var (x, weight) = (randn([29, 1100]), randn([130, 1100]));
        using var packed = new PackedWeight<float>((float*)TensorMemory.Address(weight), 130, 1100);
        var all = empty([29, 130]);
        packed.Multiply((float*)TensorMemory.Address(x), 29, null, (float*)TensorMemory.Address(all), 0, 130, 1);
        for (var token = 0; token < 29; token++)
        {
            var (one, alone) = (x.narrow(0, token, 1).clone(), empty([1, 100]));
            packed.Multiply((float*)TensorMemory.Address(one), 1, null, (float*)TensorMemory.Address(alone), 20, 100, 1);
            Assert.True(alone[0].Equals(all[token].narrow(0, 20, 100)));
        }
    }

    [Fact]
    public void Every_route_gives_the_same_numbers()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Llama, ScalarType.Float32);
        int[][] prompts = [.. Enumerable.Range(0, 12).Select(i => RandomModels.Prompt(weights.Config, 11, i))];
        int[] answers = [.. prompts.Select(p => 10)];
        var rows = Enumerable.Range(0, 12).Select(p =>
            new InterventionRow(p, [new(new(1, Component.ResidPre, null), null, ones([11, 32]))])).ToArray();
        double[] Metrics(MatmulRoutes routes)
        {
            using var engine = new InterventionEngine(weights, routes);
            using var run = engine.RunBase(prompts, answers, []);
            return [.. engine.Evaluate(run, rows, new ColumnMetric(41), default).Select(r => r.Metric)];
        }
        var expected = Metrics(MatmulRoutes.Torch);
        foreach (var routes in new[] { MatmulRoutes.OneDnn, MatmulRoutes.Packed })
            foreach (var (a, b) in expected.Zip(Metrics(routes))) Assert.Equal(a, b, 2e-4);
    }

    [Theory]
    [InlineData("torch")]
    [InlineData("packed")]
    [InlineData("64x32=packed 80x32=torch 128x16=onednn")]
    public void Routes_are_read_back(string text) => Assert.Equal(text, MatmulRoutes.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("fast")]
    [InlineData("64x=packed")]
    [InlineData("64x32=fast")]
    public void Other_texts_are_refused(string text) => Assert.Throws<StudyException>(() => MatmulRoutes.Parse(text));

    [Fact]
    public void Calibration_names_a_route_for_every_shape_of_a_block()
    {
        var routes = MatmulRoutes.Calibrate(RandomModels.Llama, ScalarType.Float32, 1);
        Assert.Equal(routes.ToString(), MatmulRoutes.Parse(routes.ToString()).ToString());
        Assert.True(routes.ToString() == "packed" || routes.ToString().Split(' ').Length == 4, routes.ToString());
        Assert.Equal("packed", MatmulRoutes.Calibrate(RandomModels.Llama, ScalarType.Float64, 1).ToString());
        Assert.Equal(4 * 8 * (80 * 32 + 32 * 48 + 128 * 32 + 32 * 64),
            MatmulRoutes.Packed.PackedBytes(RandomModels.Llama, ScalarType.Float64));
    }
}
