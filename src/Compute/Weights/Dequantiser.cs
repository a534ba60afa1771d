using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace InterpActors.Compute.Weights;

/// <summary>
/// Turns the blocks of a GGUF tensor into fp32. Layouts and formulas of ggml's block formats; all arithmetic is fp32 without fused
/// multiply-add, in the order scale · quant (− minimum), so that values equal those of the reference implementation.
/// This file holds the plain types and the formats of 32-element blocks; <see cref="SuperBlocks"/> those of 256. All loops here are
/// compiled optimised at once (AggressiveOptimization): a model is loaded before the runtime would find out that they are hot.
/// </summary>
internal static class Dequantiser
{
    private delegate void Block(ReadOnlySpan<byte> block, Span<float> values);

    private static readonly Dictionary<uint, Block> Blocks = new()
    {
        [GgufType.Q4_0.Id] = Q4_0,
        [GgufType.Q4_1.Id] = Q4_1,
        [GgufType.Q5_0.Id] = Q5_0,
        [GgufType.Q5_1.Id] = Q5_1,
        [GgufType.Q8_0.Id] = Q8_0,
        [GgufType.IQ4_NL.Id] = IQ4_NL,
        [GgufType.Q2_K.Id] = SuperBlocks.Q2_K,
        [GgufType.Q3_K.Id] = SuperBlocks.Q3_K,
        [GgufType.Q4_K.Id] = SuperBlocks.Q4_K,
        [GgufType.Q5_K.Id] = SuperBlocks.Q5_K,
        [GgufType.Q6_K.Id] = SuperBlocks.Q6_K,
        [GgufType.IQ4_XS.Id] = SuperBlocks.IQ4_XS,
    };

    /// <param name="source">Whole blocks.</param>
    /// <param name="values">As many elements as these blocks hold.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToFloat(GgufType type, ReadOnlySpan<byte> source, Span<float> values)
    {
        if (type == GgufType.F32) ElementConversion.Copy(source, values);
        else if (type == GgufType.F16) ElementConversion.HalfToFloat(source, values);
        else if (type == GgufType.BF16) ElementConversion.BrainToFloat(source, values);
        else if (type == GgufType.F64)
        {
            for (var i = 0; i < values.Length; i++) values[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(source[(8 * i)..]);
        }
        else
        {
            var block = Blocks[type.Id];
            for (int i = 0, from = 0; i < values.Length; i += type.BlockLength, from += type.BlockBytes)
                block(source.Slice(from, type.BlockBytes), values.Slice(i, type.BlockLength));
        }
    }

    internal static float Half(ReadOnlySpan<byte> bytes) =>
        (float)BitConverter.UInt16BitsToHalf(BinaryPrimitives.ReadUInt16LittleEndian(bytes));

    /// <summary>The levels of the non-linear 4-bit formats (ggml's <c>kvalues_iq4nl</c>).</summary>
    internal static readonly float[] NonLinearLevels = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    // Quants of the 32-element formats: byte j holds element j in its low and element j + 16 in its high nibble.

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q4_0(ReadOnlySpan<byte> block, Span<float> values)
    {
        var scale = Half(block);
        var (low, high) = Nibbles(block[2..]);
        var eight = Vector128.Create((sbyte)8);
        Scale(low.AsSByte() - eight, scale, values);
        Scale(high.AsSByte() - eight, scale, values[16..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q4_1(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Half(block), minimum = Half(block[2..]);
        var (low, high) = Nibbles(block[4..]);
        ScaleAndShift(low.AsSByte(), scale, minimum, values);
        ScaleAndShift(high.AsSByte(), scale, minimum, values[16..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q5_0(ReadOnlySpan<byte> block, Span<float> values)
    {
        var scale = Half(block);
        var (low, high) = FiveBits(block[2..]);
        var sixteen = Vector128.Create((sbyte)16);
        Scale(low.AsSByte() - sixteen, scale, values);
        Scale(high.AsSByte() - sixteen, scale, values[16..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q5_1(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Half(block), minimum = Half(block[2..]);
        var (low, high) = FiveBits(block[4..]);
        ScaleAndShift(low.AsSByte(), scale, minimum, values);
        ScaleAndShift(high.AsSByte(), scale, minimum, values[16..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q8_0(ReadOnlySpan<byte> block, Span<float> values)
    {
        var scale = Half(block);
        var quants = MemoryMarshal.Cast<byte, sbyte>(block[2..]);
        Scale(Vector128.Create(quants), scale, values);
        Scale(Vector128.Create(quants[16..]), scale, values[16..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void IQ4_NL(ReadOnlySpan<byte> block, Span<float> values)
    {
        var scale = Half(block);
        for (var j = 0; j < 16; j++)
        {
            values[j] = scale * NonLinearLevels[block[2 + j] & 15];
            values[j + 16] = scale * NonLinearLevels[block[2 + j] >> 4];
        }
    }

    private static (Vector128<byte> Low, Vector128<byte> High) Nibbles(ReadOnlySpan<byte> packed)
    {
        var bytes = Vector128.Create(packed);
        // There is no shift of bytes: 16-bit lanes are shifted and the neighbour's bits masked off.
        return (bytes & Vector128.Create((byte)15), (bytes.AsUInt16() >> 4).AsByte() & Vector128.Create((byte)15));
    }

    /// <summary>Four bytes with the fifth bits of 32 elements, then the nibbles.</summary>
    private static (Vector128<byte> Low, Vector128<byte> High) FiveBits(ReadOnlySpan<byte> packed)
    {
        var (low, high) = Nibbles(packed[4..]);
        var fifth = BinaryPrimitives.ReadUInt32LittleEndian(packed);
        return (low | FifthBits((ushort)fifth), high | FifthBits((ushort)(fifth >> 16)));
    }

    /// <summary>16 where bit j is set, 0 elsewhere.</summary>
    private static Vector128<byte> FifthBits(ushort bits)
    {
        var spread = Vector128.Create(Vector64.Create((byte)bits), Vector64.Create((byte)(bits >> 8)));
        var select = Vector128.Create(0x8040201008040201UL).AsByte();
        return Vector128.Equals(spread & select, select) & Vector128.Create((byte)16);
    }

    private static void Scale(Vector128<sbyte> quants, float scale, Span<float> values)
    {
        var (low, high) = Vector128.Widen(quants);
        (Widen(low) * Vector256.Create(scale)).CopyTo(values);
        (Widen(high) * Vector256.Create(scale)).CopyTo(values[8..]);
    }

    private static void ScaleAndShift(Vector128<sbyte> quants, float scale, float minimum, Span<float> values)
    {
        var (low, high) = Vector128.Widen(quants);
        (Widen(low) * Vector256.Create(scale) + Vector256.Create(minimum)).CopyTo(values);
        (Widen(high) * Vector256.Create(scale) + Vector256.Create(minimum)).CopyTo(values[8..]);
    }

    private static Vector256<float> Widen(Vector128<short> values)
    {
        var (low, high) = Vector128.Widen(values);
        return Vector256.ConvertToSingle(Vector256.Create(low, high));
    }
}
