using InterpActors.Compute.Metrics;
using InterpActors.Compute.Studies;

namespace InterpActors.Compute.Sweeps;

/// <summary>
/// The answer of a sweep in one sentence: the strongest cell, together with the neighbouring layers that are as good as it, and the
/// strongest cells elsewhere.
/// </summary>
internal sealed class SweepAnswer(SweepMethod method, StudyContext study)
{
    /// <summary>A layer belongs to the strongest one's range while its effect is at least this share of the strongest.</summary>
    private const double AsGood = 0.95;

    // The neighbours of the strongest cell need room beside the cells elsewhere.
    private const int Kept = 64;
    private const int Others = 2;

    private readonly PriorityQueue<FoldedCell, (double Effect, int MinusIndex)> _strongest = new();
    private int _count;

    /// <summary>Takes a cell, in plan order; of equal cells the earlier one counts as stronger.</summary>
    public void Add(FoldedCell cell)
    {
        _strongest.Enqueue(cell, (Math.Abs(cell.Row.Effect!.Value), -_count++));
        if (_strongest.Count > Kept) _strongest.Dequeue();
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var cells = new List<FoldedCell>();
        while (_strongest.TryDequeue(out var cell, out _)) cells.Insert(0, cell);
        if (cells.Count == 0) return "No result: every unit failed.";
        var best = cells[0];
        if (best.Row.Effect == 0) return $"No cell changes the {MetricWords.Spoken(method.MetricName)}.";
        var (first, last) = Layers(best, cells);
        var others = cells.Skip(1).Where(c => c.Row.Effect != 0 && !InRange(c, best, first, last)).Take(Others)
            .Select(c => $"{c.Cell.Label} ({method.Size(c.Row)})").ToArray();
        return method.Sentence(best, Where(best.Cell, first, last))
            + (others.Length == 0 ? "." : $"; next {string.Join(" and ", others)}.");
    }

    private static (int First, int Last) Layers(FoldedCell best, List<FoldedCell> cells)
    {
        if (best.Cell.Sites is not [{ Head: null, Latent: null } site]) return (best.Cell.Sites[0].Layer, best.Cell.Sites[0].Layer);
        var (first, last) = (site.Layer, site.Layer);
        var asGood = cells.Where(c => SameRow(c, best) && c.Row.Effect / best.Row.Effect >= AsGood)
            .Select(c => c.Cell.Sites[0].Layer)
            .ToHashSet();
        while (asGood.Contains(first - 1)) first--;
        while (asGood.Contains(last + 1)) last++;
        return (first, last);
    }

    private static bool InRange(FoldedCell cell, FoldedCell best, int first, int last) =>
        SameRow(cell, best) && cell.Cell.Sites[0].Layer >= first && cell.Cell.Sites[0].Layer <= last;

    /// <summary>The same component at the same place, whatever the layer.</summary>
    private static bool SameRow(FoldedCell a, FoldedCell b) =>
        a.Cell.Sites is [var x] && b.Cell.Sites is [var y] && x with { Layer = 0 } == y with { Layer = 0 } && a.Cell.Place == b.Cell.Place;

    private string Where(SweepCell cell, int first, int last)
    {
        var sites = first < last
            ? SiteWords.Of(cell.Sites[0].Component, first, last)
            : string.Join(" and ", cell.Sites.Select(SiteWords.Of));
        if (cell.Place.Role is { } role) return $"{sites} at {role}";
        if (cell.Place.Position is not { } position) return sites;
        var piece = study.Piece(study.Task.Prompts[0].Clean[position]);
        var token = string.IsNullOrWhiteSpace(piece) ? piece : piece.Trim();
        return RoleOf(position) is { } known
            ? $"{sites} at {known} (position {position}, “{token}”)"
            : $"{sites} at position {position} (“{token}”)";
    }

    /// <summary>The role that is exactly this position in every prompt, if there is one.</summary>
    private string? RoleOf(int position)
    {
        var prompts = study.Task.Prompts;
        return prompts[0].Roles.Keys.FirstOrDefault(
            r => prompts.All(p => p.Roles.TryGetValue(r, out var at) && at is [var only] && only == position));
    }
}
