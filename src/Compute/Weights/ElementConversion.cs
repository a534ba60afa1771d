using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace InterpActors.Compute.Weights;

/// <summary>Conversions between the element types of weight files and fp32/fp64, vectorised. Narrowing rounds to nearest even; widening is
/// exact.</summary>
internal static class ElementConversion
{
    /// <summary>IEEE half precision to fp32, infinities, NaNs and subnormals included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void HalfToFloat(ReadOnlySpan<byte> source, Span<float> destination)
    {
        var halves = MemoryMarshal.Cast<byte, ushort>(source);
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i <= destination.Length - Vector128<ushort>.Count; i += Vector128<ushort>.Count)
                WidenHalf(Vector256.WidenLower(Vector128.Create(halves[i..]).ToVector256Unsafe())).CopyTo(destination[i..]);
        }
        for (; i < destination.Length; i++) destination[i] = (float)BitConverter.UInt16BitsToHalf(halves[i]);
    }

    /// <summary>bfloat16 is the upper half of fp32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void BrainToFloat(ReadOnlySpan<byte> source, Span<float> destination)
    {
        var values = MemoryMarshal.Cast<byte, ushort>(source);
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i <= destination.Length - Vector128<ushort>.Count; i += Vector128<ushort>.Count)
                (Vector256.WidenLower(Vector128.Create(values[i..]).ToVector256Unsafe()) << 16).AsSingle().CopyTo(destination[i..]);
        }
        for (; i < destination.Length; i++) destination[i] = BitConverter.UInt32BitsToSingle((uint)values[i] << 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen(ReadOnlySpan<float> source, Span<double> destination)
    {
        var i = 0;
        for (; i <= source.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(source[i..]), out var low, out var high);
            low.CopyTo(destination[i..]);
            high.CopyTo(destination[(i + Vector<double>.Count)..]);
        }
        for (; i < source.Length; i++) destination[i] = source[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Narrow(ReadOnlySpan<double> source, Span<float> destination)
    {
        for (var i = 0; i < source.Length; i++) destination[i] = (float)source[i];
    }

    /// <summary>Integers to fp64; those beyond 2^53 are rounded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Convert<T>(ReadOnlySpan<byte> source, Span<double> destination) where T : unmanaged, INumber<T>
    {
        var values = MemoryMarshal.Cast<byte, T>(source);
        for (var i = 0; i < destination.Length; i++) destination[i] = double.CreateTruncating(values[i]);
    }

    /// <summary>Copies bytes that hold elements of this type, whatever their alignment.</summary>
    public static void Copy<T>(ReadOnlySpan<byte> source, Span<T> destination) where T : unmanaged =>
        source.CopyTo(MemoryMarshal.AsBytes(destination));

    /// <summary>False where an element is NaN or infinite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool AllFinite<T>(ReadOnlySpan<T> values) where T : unmanaged, IFloatingPointIeee754<T>
    {
        // x·0 is 0 for finite x and NaN otherwise, and a NaN stays in the sum.
        var sums = Vector<T>.Zero;
        var i = 0;
        for (; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count) sums += new Vector<T>(values[i..]) * Vector<T>.Zero;
        var sum = Vector.Sum(sums);
        for (; i < values.Length; i++) sum += values[i] * T.Zero;
        return sum == T.Zero;
    }

    private static Vector256<float> WidenHalf(Vector256<uint> half)
    {
        var magnitude = (half & Vector256.Create(0x7fffu)) << 13;
        var sign = (half & Vector256.Create(0x8000u)) << 16;
        // 2^112 moves the exponent's bias from 15 to 127 and normalises subnormals; infinities and NaNs get the full exponent instead.
        var finite = (magnitude.AsSingle() * Vector256.Create(BitConverter.UInt32BitsToSingle(0x77800000u))).AsUInt32();
        var special = Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(0x7c00u << 13));
        return (Vector256.ConditionalSelect(special, magnitude | Vector256.Create(0x7f800000u), finite) | sign).AsSingle();
    }
}
