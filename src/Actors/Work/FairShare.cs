using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Work;

/// <summary>
/// Whose turn it is. Every study has an account of the worker time it used, divided by its weight; the smallest is served next, so studies
/// that have work get worker time in proportion to their weights however long their units are. One that had no work for a while comes back
/// at the others' level: it neither pays for its absence nor is paid for it.
/// </summary>
internal sealed class FairShare
{
    /// <summary>One study's account.</summary>
    public sealed class Account
    {
        internal double Used { get; set; }
        internal long Turn { get; set; }

        public int Priority { get; set; }
    }

    private double _level;
    private long _turn;

    /// <summary>The study has work from now on.</summary>
    public void Join(Account account) => account.Used = Math.Max(account.Used, _level);

    /// <summary>True where the first account is to be served before the second.</summary>
    public static bool IsBefore(Account one, Account other) =>
        one.Used < other.Used || (one.Used == other.Used && one.Turn < other.Turn);

    /// <summary>The study was chosen to be served.</summary>
    public void Serve(Account account)
    {
        _level = Math.Max(_level, account.Used);
        account.Turn = ++_turn;
    }

    /// <summary>The study used so much worker time (negative: less than was charged before).</summary>
    public static void Charge(Account account, double seconds) => account.Used += seconds / StudyPriority.Weight(account.Priority);
}
