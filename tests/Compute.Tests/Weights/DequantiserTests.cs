using InterpActors.Compute.Weights;

namespace InterpActors.Compute.Tests.Weights;

/// <summary>Every GGUF block format against values of the reference implementation (random blocks, some scales negative).</summary>
public sealed class DequantiserTests
{
    public static TheoryData<string> Types => [.. GgufType.Supported.Where(t => t.Name is not ("F32" or "F64")).Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Equals_the_reference_bit_by_bit(string name)
    {
        using var file = SafetensorsFile.Open(TestData.Path("weights/dequantisation.safetensors"));
        using var raw = file.Read($"{name}/raw");
        using var expected = file.Read($"{name}/values");
        var values = new float[expected.NumberOfElements];
        Dequantiser.ToFloat(GgufType.Supported.Single(t => t.Name == name), raw.bytes, values);
        Assert.Equal(expected.data<float>().ToArray(), values);
    }

    [Fact]
    public void Half_precision_is_widened_exactly_in_the_vector_path_too()
    {
        var halves = Enumerable.Range(0, 65536).Select(i => (ushort)i).ToArray();
        var bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(halves.AsSpan());
        var values = new float[halves.Length];
        ElementConversion.HalfToFloat(bytes, values);
        for (var i = 0; i < halves.Length; i++)
        {
            var expected = (float)BitConverter.UInt16BitsToHalf(halves[i]);
            Assert.True(float.IsNaN(expected)
                ? float.IsNaN(values[i])
                : BitConverter.SingleToUInt32Bits(expected) == BitConverter.SingleToUInt32Bits(values[i]), $"half {i:x4}");
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Finds_a_value_that_is_not_finite_wherever_it_stands(float value)
    {
        for (var at = 0; at < 37; at++)
        {
            var values = Enumerable.Repeat(float.MaxValue, 37).ToArray();
            Assert.True(ElementConversion.AllFinite<float>(values));
            values[at] = value;
            Assert.False(ElementConversion.AllFinite<float>(values));
        }
    }
}
