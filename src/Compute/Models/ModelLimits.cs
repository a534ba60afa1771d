using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Models;

/// <summary>Sizes beyond which a configuration is damaged rather than large; they keep what is derived from it small.</summary>
internal static class ModelLimits
{
    public const int Layers = 4096;
    public const int Heads = 4096;
    public const int HeadWidth = 1 << 16;
    public const int Width = 1 << 20;
    public const int Context = 1 << 24;
    public const int Vocabulary = 1 << 24;

    public static readonly IReadOnlyList<string> Families = ["gpt2", "llama", "mistral", "qwen2", "attention-only"];

    public static StudyException Unsupported(string architecture, string where) =>
        new($"the architecture '{architecture}' is not supported", where, "supported are " + string.Join(", ", Families));

    /// <summary>Relations between the sizes that every family shares.</summary>
    /// <exception cref="StudyException">Heads do not divide into groups, or rotary dimensions are odd.</exception>
    public static ModelConfig Checked(ModelConfig config, string where)
    {
        if (config.Heads % config.KeyValueHeads != 0)
            throw new StudyException($"{config.Heads} query heads do not divide into {config.KeyValueHeads} key/value heads", where);
        if (config.Rotary is { } rotary && (rotary.Dimensions % 2 != 0 || rotary.Dimensions < 2 || rotary.Dimensions > config.HeadWidth))
            throw new StudyException($"{rotary.Dimensions} rotary dimensions do not fit a head of {config.HeadWidth}", where,
                "an even number up to that is needed");
        return config;
    }
}
