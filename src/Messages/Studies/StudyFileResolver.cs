using System.Text;

namespace InterpActors.Messages.Studies;

/// <summary>
/// Resolves <c>${path}</c> against the whole file, overrides included, so that a later value of a key reaches earlier references to it.
/// Bounded in depth, values and text, whatever the file refers to.
/// </summary>
internal sealed class StudyFileResolver(RawObject root)
{
    private const int MaximumDepth = 2 * StudyFileParser.MaximumDepth;
    private readonly HashSet<string> _active = new(StringComparer.Ordinal);
    private int _values;
    private long _text;
    private int _depth;

    public StudyObject Resolve() => (StudyObject)Value(root)!;

    /// <summary>Null where an optional reference leads nowhere.</summary>
    private StudyNode? Value(RawValue raw)
    {
        if (++_values > 2 * StudyFileParser.MaximumValues) throw TooMuch(raw);
        if (++_depth > MaximumDepth) throw new StudyException("nested too deep once its references are resolved", raw.Place.ToString());
        if (raw is RawScalar { Text: { } words }) CountText(words.Length, raw);
        StudyNode? node = raw switch
        {
            RawScalar s => new StudyScalar(s.Text, s.Quoted, s.Place),
            RawList l => new StudyList([.. l.Items.Select(Value).OfType<StudyNode>()], l.Place),
            RawObject o => Object(o),
            RawReference r => Reference(r),
            RawSequence q => Sequence(q),
            _ => throw new InvalidOperationException($"unknown raw value {raw.GetType().Name}"),
        };
        _depth--;
        return node;
    }

    private StudyObject Object(RawObject raw)
    {
        var result = new StudyObject(raw.Place);
        foreach (var key in raw.Keys)
            if (Fold(raw.Definitions(key)) is { } value) result[key] = value;
        return result;
    }

    /// <summary>The value that several definitions of one key add up to: objects merge, anything else replaces.</summary>
    private StudyNode? Fold(IReadOnlyList<RawValue> definitions)
    {
        StudyNode? result = null;
        foreach (var definition in definitions)
        {
            if (Value(definition) is not { } node) continue;
            if (result is StudyObject into && node is StudyObject from) Merge(into, from);
            else result = node;
        }
        return result;
    }

    private static void Merge(StudyObject into, StudyObject from)
    {
        foreach (var key in from.Keys)
        {
            if (into[key] is StudyObject inner && from[key] is StudyObject other) Merge(inner, other);
            else into[key] = from[key]!;
        }
    }

    private StudyNode? Reference(RawReference raw)
    {
        var path = string.Join('.', raw.Path);
        CountText(path.Length, raw);
        if (!_active.Add(path)) throw new StudyException($"'{Brief(path)}' refers to itself", raw.Place.ToString(), "write the value out");
        IReadOnlyList<RawValue> definitions = [root];
        foreach (var key in raw.Path) definitions = Inside(definitions, key);
        var node = Fold(definitions);
        _active.Remove(path);
        if (node is null && !raw.Optional)
            throw new StudyException($"'${{{Brief(path)}}}' leads nowhere", raw.Place.ToString(),
                "references are resolved within the file only");
        return node switch
        {
            StudyScalar s => new StudyScalar(s.Text, s.Quoted, raw.Place),
            StudyList l => new StudyList(l.Items, raw.Place),
            _ => node,
        };
    }

    /// <summary>All definitions of a key inside an object that is itself given by definitions.</summary>
    private List<RawValue> Inside(IReadOnlyList<RawValue> definitions, string key)
    {
        var result = new List<RawValue>();
        if (++_depth > MaximumDepth) throw new StudyException("references lead to references without end", definitions[0].Place.ToString());
        foreach (var definition in definitions) Collect(definition, key, result);
        _depth--;
        return result;
    }

    private void Collect(RawValue definition, string key, List<RawValue> result)
    {
        if (++_values > 2 * StudyFileParser.MaximumValues) throw TooMuch(definition);
        switch (definition)
        {
            case RawObject o:
                result.AddRange(o.Definitions(key));
                break;
            case RawReference r:
                IReadOnlyList<RawValue> target = [root];
                foreach (var part in r.Path) target = Inside(target, part);
                if (target.Count > 0) result.AddRange(Inside(target, key));
                break;
            case RawSequence q:
                foreach (var piece in q.Pieces.Where(p => p is RawObject or RawReference)) Collect(piece, key, result);
                break;
            default:
                result.Clear();
                break;
        }
    }

    private StudyNode? Sequence(RawSequence raw)
    {
        var pieces = raw.Pieces.Select(p => (Raw: p, Node: Value(p))).Where(p => p.Node is not null).ToList();
        while (pieces.Count > 0 && IsGap(pieces[0].Raw)) pieces.RemoveAt(0);
        while (pieces.Count > 0 && IsGap(pieces[^1].Raw)) pieces.RemoveAt(pieces.Count - 1);
        var solid = pieces.Where(p => !IsGap(p.Raw)).Select(p => p.Node!).ToList();
        if (solid.Count == 0) return null;
        if (solid.All(n => n is StudyObject))
        {
            var merged = new StudyObject(raw.Place);
            foreach (var node in solid) Merge(merged, (StudyObject)node);
            return merged;
        }
        if (solid.All(n => n is StudyList)) return new StudyList([.. solid.SelectMany(n => ((StudyList)n).Items)], raw.Place);
        if (!solid.All(n => n is StudyScalar))
            throw new StudyException("a text, a list and an object cannot stand side by side in one value", raw.Place.ToString(),
                "separate them with a comma or a new line");
        if (solid.Count == 1) return new StudyScalar(((StudyScalar)solid[0]).Text, ((StudyScalar)solid[0]).Quoted, raw.Place);
        var text = new StringBuilder();
        foreach (var (_, node) in pieces) text.Append(((StudyScalar)node!).ToString());
        CountText(text.Length, raw);
        return new StudyScalar(text.ToString(), solid.Any(n => ((StudyScalar)n).Quoted), raw.Place);
    }

    private void CountText(int length, RawValue raw)
    {
        if ((_text += length) > 2 * StudyFile.MaximumBytes) throw TooMuch(raw);
    }

    private static bool IsGap(RawValue raw) => raw is RawScalar { Quoted: false, Text: { } text } && string.IsNullOrWhiteSpace(text);

    private static string Brief(string path) => path.Length <= 80 ? path : path[..80] + "…";

    private static StudyException TooMuch(RawValue raw) =>
        new("the file grows too large once its references are resolved", raw.Place.ToString(), "write fewer references to references");
}
