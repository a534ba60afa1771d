using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace InterpActors.Compute.Weights;

/// <summary>
/// The GGUF formats of 256-element super-blocks: sub-blocks with small integer scales under one or two half-precision factors.
/// Field order and bit packing are ggml's <c>block_q2_K</c> … <c>block_q6_K</c> and <c>block_iq4_xs</c>.
/// </summary>
internal static class SuperBlocks
{
    /// <summary>16 scale bytes (low nibble scale, high nibble minimum), 64 bytes of 2-bit quants, factor, factor of the minima.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q2_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        ReadOnlySpan<byte> scales = block[..16], quants = block[16..80];
        float factor = Dequantiser.Half(block[80..]), minimumFactor = Dequantiser.Half(block[82..]);
        for (var sub = 0; sub < 16; sub++)
        {
            // Sub-blocks of 16: two halves of 32 quant bytes, four bit pairs of each, two runs of 16 bytes.
            var bytes = quants.Slice(sub / 8 * 32 + sub % 2 * 16, 16);
            var shift = sub % 8 / 2 * 2;
            float scale = factor * (scales[sub] & 15), minimum = minimumFactor * (scales[sub] >> 4);
            var target = values.Slice(sub * 16, 16);
            for (var j = 0; j < 16; j++) target[j] = scale * ((bytes[j] >> shift) & 3) - minimum;
        }
    }

    /// <summary>32 bytes of high bits, 64 bytes of low bit pairs, 12 bytes of 6-bit scales (biased by 32), factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q3_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        ReadOnlySpan<byte> high = block[..32], quants = block[32..96], packed = block[96..108];
        var factor = Dequantiser.Half(block[108..]);
        for (var sub = 0; sub < 16; sub++)
        {
            // Four low bits of scale s in byte s % 8 (low nibble for s < 8), its two high bits in byte 8 + s % 4 at bit 2·(s / 4).
            var low = sub < 8 ? packed[sub] & 15 : packed[sub - 8] >> 4;
            var scale = factor * ((low | ((packed[8 + sub % 4] >> (sub / 4 * 2)) & 3) << 4) - 32);
            var run = sub % 2 * 16;
            var bytes = quants.Slice(sub / 8 * 32 + run, 16);
            int shift = sub % 8 / 2 * 2, bit = sub / 2;
            var target = values.Slice(sub * 16, 16);
            for (var j = 0; j < 16; j++)
                target[j] = scale * (((bytes[j] >> shift) & 3) - (((high[run + j] >> bit) & 1) == 0 ? 4 : 0));
        }
    }

    /// <summary>Factor, factor of the minima, 12 bytes of 6-bit scales and minima, 128 bytes of nibbles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        float factor = Dequantiser.Half(block), minimumFactor = Dequantiser.Half(block[2..]);
        ReadOnlySpan<byte> packed = block[4..16], quants = block[16..144];
        for (var sub = 0; sub < 8; sub++)
        {
            var (s, m) = ScaleAndMinimum(packed, sub);
            float scale = factor * s, minimum = minimumFactor * m;
            var bytes = quants.Slice(sub / 2 * 32, 32);
            var shift = sub % 2 * 4;
            var target = values.Slice(sub * 32, 32);
            for (var j = 0; j < 32; j++) target[j] = scale * ((bytes[j] >> shift) & 15) - minimum;
        }
    }

    /// <summary>As <see cref="Q4_K"/> with 32 bytes of fifth bits before the nibbles: bit s of byte j belongs to sub-block s, element
    /// j.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q5_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        float factor = Dequantiser.Half(block), minimumFactor = Dequantiser.Half(block[2..]);
        ReadOnlySpan<byte> packed = block[4..16], high = block[16..48], quants = block[48..176];
        for (var sub = 0; sub < 8; sub++)
        {
            var (s, m) = ScaleAndMinimum(packed, sub);
            float scale = factor * s, minimum = minimumFactor * m;
            var bytes = quants.Slice(sub / 2 * 32, 32);
            var shift = sub % 2 * 4;
            var target = values.Slice(sub * 32, 32);
            for (var j = 0; j < 32; j++) target[j] = scale * (((bytes[j] >> shift) & 15) | ((high[j] >> sub) & 1) << 4) - minimum;
        }
    }

    /// <summary>128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales, factor; quants are biased by 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q6_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        ReadOnlySpan<byte> low = block[..128], high = block[128..192], scales = block[192..208];
        var factor = Dequantiser.Half(block[208..]);
        for (var run = 0; run < 8; run++)
        {
            // Runs of 32 elements: per half 64 low bytes (nibbles of runs 0, 2 and 1, 3) and 32 high bytes (bit pairs of runs 0 … 3).
            int half = run / 4, quarter = run % 4;
            var lowBytes = low.Slice(half * 64 + quarter % 2 * 32, 32);
            var highBytes = high.Slice(half * 32, 32);
            int lowShift = quarter / 2 * 4, highShift = quarter * 2;
            var target = values.Slice(run * 32, 32);
            for (var j = 0; j < 32; j++)
            {
                var scale = factor * (sbyte)scales[run * 2 + j / 16];
                target[j] = scale * ((((lowBytes[j] >> lowShift) & 15) | ((highBytes[j] >> highShift) & 3) << 4) - 32);
            }
        }
    }

    /// <summary>Factor, 2 bytes of high scale bits, 4 bytes of low scale nibbles (biased by 32), 128 bytes of nibbles into the
    /// levels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void IQ4_XS(ReadOnlySpan<byte> block, Span<float> values)
    {
        var factor = Dequantiser.Half(block);
        int highScales = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        ReadOnlySpan<byte> lowScales = block[4..8], quants = block[8..136];
        var levels = Dequantiser.NonLinearLevels;
        for (var sub = 0; sub < 8; sub++)
        {
            var packed = ((lowScales[sub / 2] >> (sub % 2 * 4)) & 15) | ((highScales >> (2 * sub)) & 3) << 4;
            var scale = factor * (packed - 32);
            var bytes = quants.Slice(sub * 16, 16);
            var target = values.Slice(sub * 32, 32);
            for (var j = 0; j < 16; j++)
            {
                target[j] = scale * levels[bytes[j] & 15];
                target[j + 16] = scale * levels[bytes[j] >> 4];
            }
        }
    }

    /// <summary>Sub-blocks 0 … 3 have their 6-bit scale and minimum in bytes s and s + 4; 4 … 7 in nibbles of byte s + 4 and the spare
    /// high bits.</summary>
    private static (int Scale, int Minimum) ScaleAndMinimum(ReadOnlySpan<byte> packed, int sub) => sub < 4
        ? (packed[sub] & 63, packed[sub + 4] & 63)
        : ((packed[sub + 4] & 15) | packed[sub - 4] >> 6 << 4, (packed[sub + 4] >> 4) | packed[sub] >> 6 << 4);
}
