using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Sweeps;

/// <summary>
/// Makes the result of a sweep from its folded cells: rows, baselines, trust checks, warnings and the answer in one sentence.
/// </summary>
internal sealed class SweepResult
{
    // The report shows this many prompts at most.
    private const int PromptLimit = 256;
    private const int NamedCells = 5;

    private readonly SweepMethod _method;
    private readonly StudyContext _study;
    private readonly SweepFold _fold;
    private readonly List<CellRow> _rows = [];
    private readonly List<string> _silent = [];
    private readonly SweepAnswer _answer;
    private readonly SplitHalf _splitHalf = new();
    private long _changed, _mayChange, _fired;
    private double _largest;

    public SweepResult(SweepMethod method, StudyContext study, SweepFold fold)
    {
        (_method, _study, _fold, _answer) = (method, study, fold, new SweepAnswer(method, study));
        foreach (var cell in fold.Cells()) Add(cell);
    }

    /// <summary>True where interventions that may change something were computed and none did.</summary>
    private bool NothingFired => _mayChange > 0 && _fired == 0;

    /// <summary>True where the study as a whole says nothing.</summary>
    public bool Failed => NothingFired || !_fold.HasBaselines;

    public StudyResult Make(Reduction reduction)
    {
        var model = _study.Model;
        var config = model.Config;
        var view = new ModelView(config.Name, config.Family, config.Layers, config.Heads, _fold.Parameters, model.Sha256,
            model.Path, model.Dtype, model.ProcessingWord);
        var answer = _fold.HasBaselines ? _answer.ToString() : "No result: the runs without intervention failed.";
        return new StudyResult(reduction.Plan, reduction.History, view, Baselines(), _rows, Prompts(), _method.View, Trust(), answer,
            Warnings(), _fold.ScoreRefusal is null ? [] : [$"scores are empty: {_fold.ScoreRefusal}"], [], [], Manifest());
    }

    private void Add(FoldedCell cell)
    {
        _rows.Add(cell.Row);
        _changed += cell.Changed;
        _largest = Math.Max(_largest, cell.Largest);
        if (cell.MayChange)
        {
            _mayChange++;
            if (cell.Changed > 0) _fired++;
            else if (_silent.Count < NamedCells) _silent.Add(cell.Cell.Label);
        }
        if (_study.PromptCount >= 4) _splitHalf.Add(cell.Effects);
        _answer.Add(cell);
    }

    private Baselines Baselines()
    {
        var judged = _fold.HasBaselines && _study.Task.Prompts.All(p => p.Answers.Length > 0);
        return new Baselines(_method.MetricName, _study.PromptCount, Interval(_fold.Clean),
            _fold.Corrupted is { } corrupted ? Interval(corrupted) : null,
            judged ? _fold.Right.Count(r => r) / (double)_fold.Right.Length : null);
    }

    private MeanInterval Interval(double[] values)
    {
        if (!_fold.HasBaselines) return new MeanInterval(double.NaN, double.NaN, double.NaN);
        var estimate = MeanEstimate.Of(values);
        return new MeanInterval(estimate.Mean, estimate.Mean - estimate.HalfWidth(), estimate.Mean + estimate.HalfWidth());
    }

    private List<PromptView> Prompts()
    {
        var views = new List<PromptView>();
        for (var i = 0; i < Math.Min(_study.PromptCount, PromptLimit); i++)
        {
            var p = _study.Task.Prompts[i];
            views.Add(new PromptView(p.Id, p.Group, Pieces(p.Clean)!, Pieces(p.Corrupted),
                string.Join(" / ", p.Answers.Select(_study.Piece)),
                p.Wrong.Length == 0 ? null : string.Join(" / ", p.Wrong.Select(_study.Piece)),
                p.Roles.ToDictionary(r => r.Key, r => (IReadOnlyList<int>)r.Value),
                _fold.HasBaselines ? _fold.Clean[i] : double.NaN, _fold.HasBaselines ? _fold.Corrupted?[i] : null));
        }
        return views;
    }

    private string[]? Pieces(int[]? tokens) => tokens?.Select(_study.Piece).ToArray();

    private List<TrustCheck> Trust()
    {
        var checks = new List<TrustCheck>();
        if (!_fold.HasBaselines)
            return [new TrustCheck("baselines", "bad", "the runs without intervention failed, so no effect can be told")];
        checks.Add(Fired());
        checks.Add(DenominatorClear());
        checks.Add(HalvesAgree());
        var missing = _fold.Plan.CellCount - _rows.Count;
        if (missing > 0)
            checks.Add(new TrustCheck("complete", "bad",
                $"{missing:N0} of {_fold.Plan.CellCount:N0} cells are missing because their units failed"));
        return checks;
    }

    private TrustCheck Fired()
    {
        const string name = "interventions fired";
        if (NothingFired) return new TrustCheck(name, "bad", "no intervention changed any activation");
        var silent = _mayChange - _fired;
        return silent > 0
            ? new TrustCheck(name, "doubtful", $"{silent:N0} of {_mayChange:N0} cells changed nothing, e.g. {string.Join(", ", _silent)}")
            : new TrustCheck(name, "good", $"every one of {_mayChange:N0} cells changed activations where inputs allow it");
    }

    private TrustCheck DenominatorClear()
    {
        const string name = "denominator";
        if (_fold.ScoreRefusal is { } refusal) return new TrustCheck(name, "bad", refusal);
        var estimate = MeanEstimate.Of(_fold.Denominators);
        if (estimate.StandardError is not { } error) return new TrustCheck(name, "doubtful", "one prompt says nothing about its spread");
        if (error == 0) return new TrustCheck(name, "good", "it is the same for every prompt");
        var ratio = Math.Abs(estimate.Mean) / error;
        var times = ratio > 1000 ? "more than 1,000" : ratio.ToString("0.#", CultureInfo.InvariantCulture);
        return new TrustCheck(name, ratio >= 3 ? "good" : "doubtful",
            $"{_method.Scoring.DenominatorName} is {times} times its standard error");
    }

    private TrustCheck HalvesAgree()
    {
        const string name = "split-half reliability";
        if (_splitHalf.Reliability() is not { } r)
            return new TrustCheck(name, "doubtful", "too few prompts or cells to compare one half of the prompts with the other");
        return new TrustCheck(name, r >= 0.9 ? "good" : r >= 0.6 ? "doubtful" : "bad",
            Invariant($"even and odd prompts agree with r = {r:0.00} over cells"));
    }

    private List<string> Warnings()
    {
        var warnings = new List<string>();
        warnings.AddRange(_study.Task.Notes);
        foreach (var dropped in _study.Task.Dropped.Take(20)) warnings.Add($"prompt {dropped.Id} was dropped: {dropped.Reason}");
        if (_study.Task.Dropped.Count > 20) warnings.Add($"{_study.Task.Dropped.Count - 20} more prompts were dropped");
        if (!_fold.HasBaselines) warnings.Add("the runs without intervention failed, so results are empty");
        else if (_fold.Plan.CellCount - _rows.Count is > 0 and var missing)
            warnings.Add($"{missing} of {_fold.Plan.CellCount} cells are missing because their units failed");
        if (NothingFired) warnings.Add("no intervention changed any activation: the results say nothing");
        else if (_mayChange - _fired is > 0 and var silent)
        {
            var named = string.Join(", ", _silent) + (silent > _silent.Count ? ", …" : "");
            warnings.Add($"{silent} cells changed no activation although their inputs differ: {named}");
        }
        if (_fold.ScoreRefusal is { } refusal) warnings.Add($"scores are empty: {refusal}");
        return warnings;
    }

    private JsonObject Manifest()
    {
        var perUnit = new JsonObject();
        for (var b = 0; b < _fold.Plan.Blocks.Count && b < 400; b++)
            perUnit[$"{_fold.Plan.Blocks[b].Track} {_fold.Plan.Blocks[b].Layer}#{b}"] = _fold.Plan.CellsPerUnit(b);
        return new JsonObject
        {
            ["batch_composition"] = new JsonObject { ["prompt_shards"] = _fold.Plan.Shards.Count, ["cells_per_unit"] = perUnit },
            ["interventions"] = new JsonObject
            {
                ["cells"] = _rows.Count,
                ["cells_that_may_change"] = _mayChange,
                ["cells_that_changed_activations"] = _fired,
                ["changed_elements"] = _changed,
                ["largest_change"] = _largest,
            },
        };
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
