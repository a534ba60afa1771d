using InterpActors.Compute.Statistics;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Planted;

/// <summary>The sizes of a <see cref="ConversationFeatures"/> world.</summary>
/// <param name="Width">d: fewer dimensions than features put them in superposition.</param>
/// <param name="Topics">Features of which each conversation has two, in all its rows.</param>
/// <param name="Words">Features of which each row of text has one or two.</param>
/// <param name="Plain">Documents without special tokens, as in pre-training text, in place of conversations.</param>
internal sealed record ConversationSizes(int Width = 48, int Topics = 24, int Words = 48, bool Plain = false)
{
    /// <summary>How much of the other conversations in its block each row takes in; 0: each conversation is alone.</summary>
    public double Leak { get; init; } = 1;

    /// <summary>Rows of a block.</summary>
    public int Context { get; init; } = 256;
}

/// <summary>
/// Activations of conversations as FAST (arXiv:2506.07691) sees them: turns of text between special tokens. A row has the topics of its
/// conversation and either one special token or some words. Where conversations are joined to blocks, a row also has the mean of the rows
/// before it in its block that are of other conversations, times <see cref="ConversationSizes.Leak"/>: what attention carries across.
/// Directions follow from the seed alone, so that worlds of equal sizes share them however they are packed.
/// </summary>
internal sealed class ConversationFeatures : IPlantedWorld
{
    private const int Begin = 0, User = 1, Assistant = 2, EndOfTurn = 3, SpecialTokens = 4;

    private readonly ConversationSizes _sizes;
    private readonly long _seed;

    public ConversationFeatures(ConversationSizes sizes, long seed)
    {
        (_sizes, _seed) = (sizes, seed);
        var random = new SeededRandom(seed, 0);
        var directions = new double[Count * sizes.Width];
        for (var f = 0; f < Count; f++)
        {
            var row = directions.AsSpan(f * sizes.Width, sizes.Width);
            double squares = 0;
            for (var i = 0; i < row.Length; i++) squares += (row[i] = random.NextNormal()) * row[i];
            for (var i = 0; i < row.Length; i++) row[i] /= Math.Sqrt(squares);
        }
        Features = tensor(directions, Count, sizes.Width).DetachFromDisposeScope();
        Offset = zeros(sizes.Width, ScalarType.Float64).DetachFromDisposeScope();
    }

    /// <summary>Special tokens first, then topics, then words.</summary>
    public Tensor Features { get; }

    /// <inheritdoc/>
    public Tensor Offset { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int[]> Families => [];

    /// <inheritdoc/>
    public bool KnowsSpecial => true;

    private int Count => SpecialTokens + _sizes.Topics + _sizes.Words;

    /// <inheritdoc/>
    public Tensor Activations(long batch, int rows)
    {
        var (own, of, _) = Draw(batch, rows);
        if (_sizes.Leak > 0)
            for (var first = 0; first < rows; first += _sizes.Context)
                LeakInto(own, of, first, Math.Min(rows, first + _sizes.Context));
        return tensor(own, rows, Count);
    }

    /// <inheritdoc/>
    public Tensor Special(long batch, int rows) => tensor(Draw(batch, rows).Special);

    /// <summary>The rows of a batch without leakage, the conversation each is of, and which are of special tokens.</summary>
    private (double[] Own, int[] Of, bool[] Special) Draw(long batch, int rows)
    {
        var random = new SeededRandom(_seed, 1, batch);
        var (own, of, special) = (new double[rows * Count], new int[rows], new bool[rows]);
        var (row, conversation) = (0, 0);
        while (row < rows)
        {
            var (topics, strengths) = (random.Sample([.. Enumerable.Range(SpecialTokens, _sizes.Topics)], Math.Min(2, _sizes.Topics)),
                new[] { Strength(random, 2), Strength(random, 2) });
            foreach (var token in Tokens(random))
            {
                if (row == rows) break;
                var values = own.AsSpan(row * Count, Count);
                for (var t = 0; t < topics.Length; t++) values[topics[t]] = strengths[t];
                special[row] = token < SpecialTokens;
                if (special[row]) values[token] = Strength(random, 6);
                else for (var words = 1 + random.Next(2); words > 0; words--) values[Word(random)] = Strength(random, 3);
                of[row++] = conversation;
            }
            conversation++;
        }
        return (own, of, special);
    }

    /// <summary>The tokens of a conversation: special ones by number, text as <see cref="SpecialTokens"/>.</summary>
    private IEnumerable<int> Tokens(SeededRandom random)
    {
        if (_sizes.Plain)
        {
            for (var n = 30 + random.Next(60); n > 0; n--) yield return SpecialTokens;
            yield break;
        }
        yield return Begin;
        for (var turns = 1 + random.Next(3); turns > 0; turns--)
            foreach (var (role, most) in ((int, int)[])[(User, 8), (Assistant, 16)])
            {
                yield return role;
                for (var n = 3 + random.Next(most); n > 0; n--) yield return SpecialTokens;
                yield return EndOfTurn;
            }
    }

    /// <summary>Conversations and plain text share half of the words.</summary>
    private int Word(SeededRandom random)
    {
        var known = Math.Max(1, _sizes.Words * 3 / 4);
        return SpecialTokens + _sizes.Topics + random.Next(known) + (_sizes.Plain ? _sizes.Words - known : 0);
    }

    private static double Strength(SeededRandom random, double mean) => Math.Max(0.1, mean + 0.5 * random.NextNormal());

    /// <summary>Adds to each row of a block the mean of the rows before it that are of other conversations.</summary>
    private void LeakInto(double[] rows, int[] of, int first, int end)
    {
        // Sums of the rows of conversations that have ended in this block; the current one's are added when the next begins.
        var (sums, current) = (new double[Count], new double[Count]);
        var (ended, start) = (0, first);
        for (var row = first; row < end; row++)
        {
            if (row > first && of[row] != of[row - 1])
            {
                for (var f = 0; f < Count; f++) sums[f] += current[f];
                Array.Clear(current);
                (ended, start) = (ended + row - start, row);
            }
            var values = rows.AsSpan(row * Count, Count);
            for (var f = 0; f < Count; f++)
            {
                current[f] += values[f];
                if (ended > 0) values[f] += _sizes.Leak * sums[f] / ended;
            }
        }
    }
}
