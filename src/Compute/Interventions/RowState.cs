using System.Numerics;
using InterpActors.Compute.Interventions.Kernels;
using InterpActors.Compute.Weights;

namespace InterpActors.Compute.Interventions;

/// <summary>An edit with its values laid out for the kernels.</summary>
/// <param name="Positions">Ascending.</param>
/// <param name="Address">[positions, Width], contiguous.</param>
/// <param name="Width">Elements of one position's values.</param>
/// <param name="Offset">Where in the site's full vector they begin.</param>
/// <param name="FullWidth">Elements of the site's full vector.</param>
internal sealed record PreparedEdit(Site Site, int[] Positions, nint Address, int Width, int Offset, int FullWidth)
{
    public unsafe nint Value<T>(int index) where T : unmanaged => Address + (nint)((long)index * Width * sizeof(T));
}

/// <summary>One row while it is computed: its edits in forward order, what its metric can see, and what its edits changed.</summary>
internal sealed unsafe class RowState<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    private static readonly Component[] ForwardOrder =
    [
        Component.ResidPre, Component.Q, Component.K, Component.V, Component.Pattern, Component.Z, Component.AttnOut,
        Component.ResidMid, Component.MlpPost, Component.MlpOut, Component.ResidPost,
    ];

    private readonly int[] _low, _high;
    private long _changed;
    private double _largest;

    public RowState(int index, InterventionRow row, BaseRun run, BlockMath<T> math)
    {
        (Index, Prompt) = (index, row.Prompt);
        if (Prompt < 0 || Prompt >= run.Prompts.Count)
            throw new ArgumentException($"row {index} names prompt {Prompt} of {run.Prompts.Count}");
        (Length, Answer) = (run.Prompts[Prompt].Length, run.AnswerPositions[Prompt]);
        var ordered = row.Edits.OrderBy(e => e.Site.Layer).ThenBy(e => Array.IndexOf(ForwardOrder, e.Site.Component));
        Edits = [.. ordered.Select(e => Prepare(e, math))];
        (_low, _high) = Needed(math);
    }

    /// <summary>Place among the rows of the call.</summary>
    public int Index { get; }
    public int Prompt { get; }
    public int Length { get; }
    public int Answer { get; }
    public PreparedEdit[] Edits { get; }

    /// <summary>Tokens that this row computes in a layer at most; 0 where nothing that the metric can see is changed.</summary>
    public int Tokens { get; private set; }

    public long Changed => _changed;
    public double Largest => _largest;

    /// <summary>
    /// The positions of the residual stream before a layer (for layer = Layers: after the last) that the metric can still see, as keys,
    /// values or in their own right. Everything from a layer's queries on is needed where the next layer's residual stream is.
    /// </summary>
    public bool Needs(int layer, int position) => position >= _low[layer] && position <= _high[layer];

    public (int Low, int High) Needs(int layer) => (_low[layer], _high[layer]);

    /// <summary>Notes how an edit differs from what it overwrites.</summary>
    public (long Changed, double Largest) Note((long Changed, double Largest) difference)
    {
        _changed += difference.Changed;
        // Math.Max keeps a NaN.
        _largest = Math.Max(_largest, difference.Largest);
        return difference;
    }

    /// <summary>Finds whether and where the row first departs from the base run.</summary>
    public void Measure(BaseRun run)
    {
        foreach (var edit in Edits)
        {
            var first = FirstVisibleChange(edit, run);
            if (first is null) continue;
            Tokens = Math.Max(Answer, first.Value) - first.Value + 1;
            return;
        }
        // Nothing visible: no layer will be computed, so the changes out of sight are counted here.
        foreach (var edit in Edits)
            for (var i = 0; i < edit.Positions.Length; i++) Note(Difference(edit, i, BaseValue(edit, i, run)));
    }

    /// <summary>The base activation that an edit's position overwrites.</summary>
    public nint BaseValue(PreparedEdit edit, int index, BaseRun run)
    {
        var position = edit.Positions[index];
        if (edit.Site.Component != Component.Pattern)
            return run.Rows(edit.Site.Component, edit.Site.Layer).At(Prompt, position) + edit.Offset * sizeof(T);
        var pattern = TensorMemory.Address(run.Pattern(edit.Site.Layer, Prompt));
        return pattern + (nint)(((long)edit.Site.Head!.Value * Length + position) * Length * sizeof(T));
    }

    public static (long Changed, double Largest) Difference(PreparedEdit edit, int index, nint current) =>
        RowArithmetic<T>.Compare((T*)current, (T*)edit.Value<T>(index), edit.Width);

    public static bool Same(PreparedEdit edit, int index, nint current) =>
        RowArithmetic<T>.Same((T*)current, (T*)edit.Value<T>(index), edit.Width);

    private int? FirstVisibleChange(PreparedEdit edit, BaseRun run)
    {
        var boundary = edit.Site.Component is Component.ResidPre or Component.K or Component.V ? edit.Site.Layer : edit.Site.Layer + 1;
        for (var i = 0; i < edit.Positions.Length; i++)
            if (Needs(boundary, edit.Positions[i]) && !Same(edit, i, BaseValue(edit, i, run))) return edit.Positions[i];
        return null;
    }

    private PreparedEdit Prepare(Edit edit, BlockMath<T> math)
    {
        var c = math.Config;
        var (layer, component, head) = edit.Site;
        var (fullWidth, heads) = component switch
        {
            Component.Q or Component.Z => (math.QueryWidth, c.Heads),
            Component.K or Component.V => (math.KeyWidth, c.KeyValueHeads),
            Component.Pattern => (Length, c.Heads),
            Component.MlpPost => (c.MlpWidth, 0),
            _ => (c.ModelWidth, 0),
        };
        var width = component.HasHeads() && head is not null && component != Component.Pattern ? c.HeadWidth : fullWidth;
        int[] positions = edit.Positions is null ? [.. Enumerable.Range(0, Length)] : [.. edit.Positions];
        var site = $"row {Index}, {component.HookName(layer)}";
        if (layer < 0 || layer >= c.Layers) throw new ArgumentException($"{site}: the model has {c.Layers} layers");
        if (!c.HasMlp && component is Component.ResidMid or Component.MlpOut or Component.MlpPost)
            throw new ArgumentException($"{site}: the model has no MLP");
        if (head is not null && (head < 0 || head >= heads)) throw new ArgumentException($"{site}: head {head} of {heads}");
        if (component == Component.Pattern && head is null) throw new ArgumentException($"{site}: a pattern edit names its head");
        for (var i = 0; i < positions.Length; i++)
            if (positions[i] < 0 || positions[i] >= Length || (i > 0 && positions[i] <= positions[i - 1]))
                throw new ArgumentException($"{site}: positions must ascend from 0 to {Length - 1}");
        if (edit.Values.dim() != 2 || edit.Values.shape[0] != positions.Length || edit.Values.shape[1] != width)
            throw new ArgumentException($"{site}: values are [{string.Join(", ", edit.Values.shape)}], not [{positions.Length}, {width}]");
        if (edit.Values.dtype != math.Weights.Type)
            throw new ArgumentException($"{site}: values are {edit.Values.dtype}, the model {math.Weights.Type}");
        var offset = width == fullWidth ? 0 : head!.Value * c.HeadWidth;
        // A copy, where one is needed, lives in the scope of the call.
        var values = edit.Values.is_contiguous() ? edit.Values : edit.Values.contiguous();
        return new(edit.Site, positions, TensorMemory.Address(values), width, offset, fullWidth);
    }

    private (int[] Low, int[] High) Needed(BlockMath<T> math)
    {
        var layers = math.Config.Layers;
        var (low, high) = (new int[layers + 1], new int[layers + 1]);
        (low[layers], high[layers]) = (Answer, Answer);
        for (var layer = layers - 1; layer >= 0; layer--)
        {
            var window = math.Window(layer);
            low[layer] = window > 0 ? Math.Max(0, low[layer + 1] - window + 1) : 0;
            high[layer] = high[layer + 1];
            // An edited pattern may look anywhere.
            if (!Edits.Any(e => e.Site.Layer == layer && e.Site.Component == Component.Pattern)) continue;
            (low[layer], high[layer]) = (0, Edits.Any(e => e.Site.Layer == layer && LooksAhead(e)) ? Length - 1 : high[layer + 1]);
        }
        return (low, high);
    }

    private static bool LooksAhead(PreparedEdit edit)
    {
        if (edit.Site.Component != Component.Pattern) return false;
        for (var i = 0; i < edit.Positions.Length; i++)
            for (var key = edit.Positions[i] + 1; key < edit.Width; key++)
                if (((T*)edit.Value<T>(i))[key] != T.Zero) return true;
        return false;
    }
}
