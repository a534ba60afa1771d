namespace InterpActors.Compute.Weights;

/// <summary>A tensor's element type in a GGUF file: blocks of <paramref name="BlockLength"/> elements in <paramref name="BlockBytes"/>
/// bytes.</summary>
/// <remarks>Numbers, names and sizes as in ggml's <c>ggml_type</c> and its block structures.</remarks>
internal sealed record GgufType(uint Id, string Name, int BlockLength, int BlockBytes)
{
    public static readonly GgufType F32 = new(0, "F32", 1, 4);
    public static readonly GgufType F16 = new(1, "F16", 1, 2);
    public static readonly GgufType Q4_0 = new(2, "Q4_0", 32, 18);
    public static readonly GgufType Q4_1 = new(3, "Q4_1", 32, 20);
    public static readonly GgufType Q5_0 = new(6, "Q5_0", 32, 22);
    public static readonly GgufType Q5_1 = new(7, "Q5_1", 32, 24);
    public static readonly GgufType Q8_0 = new(8, "Q8_0", 32, 34);
    public static readonly GgufType Q2_K = new(10, "Q2_K", 256, 84);
    public static readonly GgufType Q3_K = new(11, "Q3_K", 256, 110);
    public static readonly GgufType Q4_K = new(12, "Q4_K", 256, 144);
    public static readonly GgufType Q5_K = new(13, "Q5_K", 256, 176);
    public static readonly GgufType Q6_K = new(14, "Q6_K", 256, 210);
    public static readonly GgufType IQ4_NL = new(20, "IQ4_NL", 32, 18);
    public static readonly GgufType IQ4_XS = new(23, "IQ4_XS", 256, 136);
    public static readonly GgufType F64 = new(28, "F64", 1, 8);
    public static readonly GgufType BF16 = new(30, "BF16", 1, 2);

    public static IReadOnlyList<GgufType> Supported { get; } =
        [F32, F16, BF16, F64, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS];

    private static readonly Dictionary<uint, string> Unsupported = new()
    {
        [9] = "Q8_1",
        [15] = "Q8_K",
        [16] = "IQ2_XXS",
        [17] = "IQ2_XS",
        [18] = "IQ3_XXS",
        [19] = "IQ1_S",
        [21] = "IQ3_S",
        [22] = "IQ2_S",
        [24] = "I8",
        [25] = "I16",
        [26] = "I32",
        [27] = "I64",
        [29] = "IQ1_M",
        [34] = "TQ1_0",
        [35] = "TQ2_0",
        [39] = "MXFP4",
    };

    public static GgufType? Find(uint id) => Supported.FirstOrDefault(t => t.Id == id);

    /// <summary>A type's name for messages, also of types that cannot be read.</summary>
    public static string NameOf(uint id) => Find(id)?.Name ?? Unsupported.GetValueOrDefault(id) ?? $"number {id}";
}
