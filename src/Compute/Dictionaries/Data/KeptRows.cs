using InterpActors.Compute.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>
/// Which rows of a data set a dictionary is measured on: those of kept tokens, less those that are too long at the hook. The latter are
/// told by the shards of a harvest of the same data, so that an evaluation leaves out what training on them would. Immutable and
/// thread-safe.
/// </summary>
internal sealed class KeptRows(HarvestPlan plan)
{
    /// <summary>True where the length of rows is bounded.</summary>
    public bool IsBounded => plan.MaxNorm > 0;

    /// <summary>The kept positions of a sequence, ascending, and how many more its tokens alone would keep.</summary>
    /// <param name="session">Of a study with this model and data alone.</param>
    public (int[] Positions, int TooLong) Of(StudySession session, long sequence)
    {
        var kept = plan.Tokens.Kept.Of(plan.Tokens.Sequences[sequence]);
        if (!IsBounded) return (kept, 0);
        var tooLong = TooLong(session, plan.ShardOf(sequence));
        var within = kept.Where(p => !tooLong.Contains((sequence, p))).ToArray();
        return (within, kept.Length - within.Length);
    }

    /// <summary>
    /// Found once for the session, from activations of the whole shard: which rows are too long must not depend on how the sequences are
    /// divided into units. Not to be cancelled, for several units may wait for it.
    /// </summary>
    private HashSet<(long Sequence, int Position)> TooLong(StudySession session, int shard) =>
        session.Derived(("rows that are too long", plan.Site.Hook, shard), () =>
        {
            using var scope = NewDisposeScope();
            var sequences = plan.Sequences(shard);
            var all = HarvestForward.Run(session, plan.Site, [.. sequences.Select(s => s.Tokens)]);
            var (rows, places) = (new List<long>(), new List<(long Sequence, int Position)>());
            long first = 0;
            for (var i = 0; i < sequences.Count; i++)
            {
                foreach (var p in plan.Tokens.Kept.Of(sequences[i]))
                {
                    rows.Add(first + p);
                    places.Add((plan.FirstOf(shard) + i, p));
                }
                first += sequences[i].Tokens.Length;
            }
            var left = new HashSet<(long, int)>(places);
            if (rows.Count == 0) return left;
            var within = NormBound.Within(all.index_select(0, tensor(rows.ToArray())), plan.MaxNorm);
            foreach (var row in within.data<long>()) left.Remove(places[(int)row]);
            return left;
        });
}
