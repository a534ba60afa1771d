using System.Security.Cryptography;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>
/// How the sequences of a data set are divided into shards: consecutive ones up to a number of tokens. A shard's key is a hash of all that
/// its bytes depend on, so every dictionary that needs the same activations finds the same shard. Thread-safe.
/// </summary>
public sealed class HarvestPlan
{
    /// <summary>A shard is some seconds of a small model's forward on one core: little to lose, much to gain from keeping it.</summary>
    private const int ShardTokens = 8192;

    private const string Version = "harvest 1";

    private readonly string _common;
    private readonly long[] _firsts;
    private readonly Lazy<long[]> _kept;

    /// <param name="maxNorm">Rows longer than so many times their shard's median are left out; 0: none.</param>
    public HarvestPlan(TokenData tokens, HarvestSite site, StudyModel model, double maxNorm)
    {
        (Tokens, Site, MaxNorm) = (tokens, site, maxNorm);
        _common = FormattableString.Invariant(
            $"{Version}\n{model.Sha256}\n{model.ProcessingWord}\n{model.Dtype}\n{site.Hook}\n{maxNorm:R}\n{tokens.Kept.First}\n")
            + string.Join(' ', tokens.Kept.Excluded.Order()) + "\n" + string.Join(' ', tokens.Special.Order()) + "\n";
        var firsts = new List<long> { 0 };
        long inShard = 0;
        for (long s = 0; s < tokens.Sequences.Count; s++)
        {
            var length = tokens.Sequences.LengthOf(s);
            if (inShard > 0 && inShard + length > ShardTokens)
            {
                firsts.Add(s);
                inShard = 0;
            }
            inShard += length;
        }
        firsts.Add(tokens.Sequences.Count);
        _firsts = [.. firsts];
        _kept = new Lazy<long[]>(CountKept);
    }

    public TokenData Tokens { get; }
    public HarvestSite Site { get; }
    public double MaxNorm { get; }
    public int Shards => _firsts.Length - 1;

    /// <summary>Rows of each shard as the tokens alone tell them; with a bound on norms, at most so many.</summary>
    public IReadOnlyList<long> KeptRows => _kept.Value;

    /// <summary>The first sequence of a shard.</summary>
    public long FirstOf(int shard) => _firsts[shard];

    /// <summary>The shard that a sequence is in.</summary>
    public int ShardOf(long sequence)
    {
        var at = Array.BinarySearch(_firsts, sequence);
        return at >= 0 ? at : ~at - 1;
    }

    /// <summary>The sequences of a shard.</summary>
    public IReadOnlyList<TokenSequence> Sequences(int shard)
    {
        var sequences = new TokenSequence[_firsts[shard + 1] - _firsts[shard]];
        for (var i = 0; i < sequences.Length; i++) sequences[i] = Tokens.Sequences[_firsts[shard] + i];
        return sequences;
    }

    /// <summary>Lower-case hex.</summary>
    /// <param name="settings">What the last bits depend on.</param>
    public string Key(int shard, ExecutionSettings settings)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var text = FormattableString.Invariant($"{_common}{settings.Threads} {settings.Matmul}\n");
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes(text));
        foreach (var sequence in Sequences(shard))
        {
            foreach (var part in (int[][])[[sequence.Tokens.Length], sequence.Tokens, sequence.Conversations, sequence.Positions])
                hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes<int>(part));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private long[] CountKept() =>
        [.. Enumerable.Range(0, Shards)
            .Select(shard => Sequences(shard).Sum(s => (long)Enumerable.Range(0, s.Tokens.Length).Count(p => Tokens.Kept.Keeps(s, p))))];
}
