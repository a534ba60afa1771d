using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>
/// The innermost block of every matmul of ours: 6 rows by 4 vectors of results stay in 24 of AVX-512's 32 registers, or 6 rows by 2
/// vectors in 12 of AVX2's 16. Each result is summed over depth in order, whatever the other rows and however wide the vectors are.
/// </summary>
internal static unsafe class MatmulTile<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    public const int Rows = 6;

    /// <summary>Results of a row.</summary>
    public static readonly int Width = Vector512.IsHardwareAccelerated ? 4 * Vector512<T>.Count : 2 * Vector256<T>.Count;

    /// <summary>c = a · panel, or c += a · panel.</summary>
    /// <param name="a">[6, depth], rows <paramref name="aStride"/> apart.</param>
    /// <param name="panel">[depth, Width]</param>
    /// <param name="c">[6, Width], rows <paramref name="cStride"/> apart.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply(T* a, long aStride, T* panel, int depth, T* c, long cStride, bool add) =>
        Multiply(a, aStride, 1, panel, Width, depth, c, cStride, add);

    /// <summary>
    /// c[i, j] (+)= Σ_k a[i·aRow + k·aDepth] · b[k·bDepth + j] for 6 rows i and <see cref="Width"/> columns j: operands as they lie, so
    /// that a product with a transposed matrix needs no copy.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply(T* a, long aRow, long aDepth, T* b, long bDepth, int depth, T* c, long cRow, bool add)
    {
        if (Vector512.IsHardwareAccelerated) Wide(a, aRow, aDepth, b, bDepth, depth, c, cRow, add);
        else Narrow(a, aRow, aDepth, b, bDepth, depth, c, cRow, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Wide(T* a, long aRow, long aDepth, T* b, long bDepth, int depth, T* c, long cRow, bool add)
    {
        var lanes = Vector512<T>.Count;
        T* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow;
        T* r1 = c + cRow, r2 = r1 + cRow, r3 = r2 + cRow, r4 = r3 + cRow, r5 = r4 + cRow;
        Vector512<T> c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23, c30, c31, c32, c33, c40, c41, c42, c43, c50, c51, c52, c53;
        c00 = c01 = c02 = c03 = c10 = c11 = c12 = c13 = c20 = c21 = c22 = c23 = Vector512<T>.Zero;
        c30 = c31 = c32 = c33 = c40 = c41 = c42 = c43 = c50 = c51 = c52 = c53 = Vector512<T>.Zero;
        if (add)
        {
            Load(c, out c00, out c01, out c02, out c03);
            Load(r1, out c10, out c11, out c12, out c13);
            Load(r2, out c20, out c21, out c22, out c23);
            Load(r3, out c30, out c31, out c32, out c33);
            Load(r4, out c40, out c41, out c42, out c43);
            Load(r5, out c50, out c51, out c52, out c53);
        }
        nint at = 0;
        for (var k = 0; k < depth; k++, b += bDepth, at += (nint)aDepth)
        {
            var (b0, b1, b2, b3) = (Vector512.Load(b), Vector512.Load(b + lanes), Vector512.Load(b + 2 * lanes),
                Vector512.Load(b + 3 * lanes));
            var x = Vector512.Create(a[at]);
            c00 = Lanes.Fma(x, b0, c00);
            c01 = Lanes.Fma(x, b1, c01);
            c02 = Lanes.Fma(x, b2, c02);
            c03 = Lanes.Fma(x, b3, c03);
            x = Vector512.Create(a1[at]);
            c10 = Lanes.Fma(x, b0, c10);
            c11 = Lanes.Fma(x, b1, c11);
            c12 = Lanes.Fma(x, b2, c12);
            c13 = Lanes.Fma(x, b3, c13);
            x = Vector512.Create(a2[at]);
            c20 = Lanes.Fma(x, b0, c20);
            c21 = Lanes.Fma(x, b1, c21);
            c22 = Lanes.Fma(x, b2, c22);
            c23 = Lanes.Fma(x, b3, c23);
            x = Vector512.Create(a3[at]);
            c30 = Lanes.Fma(x, b0, c30);
            c31 = Lanes.Fma(x, b1, c31);
            c32 = Lanes.Fma(x, b2, c32);
            c33 = Lanes.Fma(x, b3, c33);
            x = Vector512.Create(a4[at]);
            c40 = Lanes.Fma(x, b0, c40);
            c41 = Lanes.Fma(x, b1, c41);
            c42 = Lanes.Fma(x, b2, c42);
            c43 = Lanes.Fma(x, b3, c43);
            x = Vector512.Create(a5[at]);
            c50 = Lanes.Fma(x, b0, c50);
            c51 = Lanes.Fma(x, b1, c51);
            c52 = Lanes.Fma(x, b2, c52);
            c53 = Lanes.Fma(x, b3, c53);
        }
        Store(c, c00, c01, c02, c03);
        Store(r1, c10, c11, c12, c13);
        Store(r2, c20, c21, c22, c23);
        Store(r3, c30, c31, c32, c33);
        Store(r4, c40, c41, c42, c43);
        Store(r5, c50, c51, c52, c53);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Narrow(T* a, long aRow, long aDepth, T* b, long bDepth, int depth, T* c, long cRow, bool add)
    {
        var lanes = Vector256<T>.Count;
        T* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow;
        T* r1 = c + cRow, r2 = r1 + cRow, r3 = r2 + cRow, r4 = r3 + cRow, r5 = r4 + cRow;
        Vector256<T> c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51;
        c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = c40 = c41 = c50 = c51 = Vector256<T>.Zero;
        if (add)
        {
            (c00, c01) = (Vector256.Load(c), Vector256.Load(c + lanes));
            (c10, c11) = (Vector256.Load(r1), Vector256.Load(r1 + lanes));
            (c20, c21) = (Vector256.Load(r2), Vector256.Load(r2 + lanes));
            (c30, c31) = (Vector256.Load(r3), Vector256.Load(r3 + lanes));
            (c40, c41) = (Vector256.Load(r4), Vector256.Load(r4 + lanes));
            (c50, c51) = (Vector256.Load(r5), Vector256.Load(r5 + lanes));
        }
        nint at = 0;
        for (var k = 0; k < depth; k++, b += bDepth, at += (nint)aDepth)
        {
            var (b0, b1) = (Vector256.Load(b), Vector256.Load(b + lanes));
            var x = Vector256.Create(a[at]);
            c00 = Lanes.Fma(x, b0, c00);
            c01 = Lanes.Fma(x, b1, c01);
            x = Vector256.Create(a1[at]);
            c10 = Lanes.Fma(x, b0, c10);
            c11 = Lanes.Fma(x, b1, c11);
            x = Vector256.Create(a2[at]);
            c20 = Lanes.Fma(x, b0, c20);
            c21 = Lanes.Fma(x, b1, c21);
            x = Vector256.Create(a3[at]);
            c30 = Lanes.Fma(x, b0, c30);
            c31 = Lanes.Fma(x, b1, c31);
            x = Vector256.Create(a4[at]);
            c40 = Lanes.Fma(x, b0, c40);
            c41 = Lanes.Fma(x, b1, c41);
            x = Vector256.Create(a5[at]);
            c50 = Lanes.Fma(x, b0, c50);
            c51 = Lanes.Fma(x, b1, c51);
        }
        Store(c, c00, c01);
        Store(r1, c10, c11);
        Store(r2, c20, c21);
        Store(r3, c30, c31);
        Store(r4, c40, c41);
        Store(r5, c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(T* at, Vector256<T> a, Vector256<T> b)
    {
        a.Store(at);
        b.Store(at + Vector256<T>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(T* at, out Vector512<T> a, out Vector512<T> b, out Vector512<T> c, out Vector512<T> d)
    {
        a = Vector512.Load(at);
        b = Vector512.Load(at + Vector512<T>.Count);
        c = Vector512.Load(at + 2 * Vector512<T>.Count);
        d = Vector512.Load(at + 3 * Vector512<T>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(T* at, Vector512<T> a, Vector512<T> b, Vector512<T> c, Vector512<T> d)
    {
        a.Store(at);
        b.Store(at + Vector512<T>.Count);
        c.Store(at + 2 * Vector512<T>.Count);
        d.Store(at + 3 * Vector512<T>.Count);
    }
}
