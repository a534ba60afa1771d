using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text.Patterns;

/// <summary>
/// Runs a compiled expression over one text. Alternatives lie on a stack of its own, so long texts cannot overflow the thread's.
/// </summary>
internal sealed class PatternMatcher(PatternInstruction[] program, int marks, string text, long steps, string source)
{
    private const int LargestStack = 2_000_000;

    /// <summary>An alternative to come back to.</summary>
    /// <param name="Floor">For a run: where it must stop giving back. For a mark: the value to restore. Else −1.</param>
    private readonly record struct Alternative(int Instruction, int Position, int Floor, Kind Kind);

    private enum Kind : byte { Plain, Run, Mark }

    private readonly Stack<Alternative> _alternatives = new();
    private readonly int[] _marks = new int[marks];

    /// <summary>The end of the preferred match that starts here; −1 for none.</summary>
    internal int MatchAt(int position)
    {
        _alternatives.Clear();
        return Execute(0, position);
    }

    private int Execute(int at, int position)
    {
        var bottom = _alternatives.Count;
        while (true)
        {
            Spend(1);
            ref readonly var instruction = ref program[at];
            var holds = true;
            switch (instruction.Operation)
            {
                case PatternOperation.One:
                    holds = Step(instruction.Set!, ref position);
                    at++;
                    break;
                case PatternOperation.Run:
                    holds = Run(instruction, at, ref position);
                    at++;
                    break;
                case PatternOperation.Split:
                    Push(new Alternative(instruction.B, position, -1, Kind.Plain));
                    at = instruction.A;
                    break;
                case PatternOperation.Jump:
                    at = instruction.A;
                    break;
                case PatternOperation.Look or PatternOperation.NotLook:
                    holds = Nested(at + 1, position) >= 0 == (instruction.Operation == PatternOperation.Look);
                    at = instruction.A;
                    break;
                case PatternOperation.Atomic:
                    var end = Nested(at + 1, position);
                    (holds, position, at) = (end >= 0, end, instruction.A);
                    break;
                case PatternOperation.Anchor:
                    holds = IsAt((PatternAnchor)instruction.A, position);
                    at++;
                    break;
                case PatternOperation.Mark:
                    Push(new Alternative(instruction.A, 0, _marks[instruction.A], Kind.Mark));
                    _marks[instruction.A] = position;
                    at++;
                    break;
                case PatternOperation.Progress:
                    at = _marks[instruction.A] == position ? instruction.B : at + 1;
                    break;
                default:
                    return position;
            }
            if (!holds && !Resume(bottom, out at, out position)) return -1;
        }
    }

    /// <summary>Runs a lookahead or atomic group and drops the alternatives it left.</summary>
    private int Nested(int at, int position)
    {
        var bottom = _alternatives.Count;
        var end = Execute(at, position);
        while (_alternatives.Count > bottom)
        {
            var left = _alternatives.Pop();
            if (left.Kind == Kind.Mark) _marks[left.Instruction] = left.Floor;
        }
        return end;
    }

    private bool Resume(int bottom, out int at, out int position)
    {
        while (_alternatives.Count > bottom)
        {
            var alternative = _alternatives.Pop();
            (at, position) = (alternative.Instruction, alternative.Position);
            if (alternative.Kind == Kind.Plain) return true;
            if (alternative.Kind == Kind.Mark)
            {
                _marks[at] = alternative.Floor;
                continue;
            }
            position -= position >= 2 && char.IsLowSurrogate(text[position - 1]) ? 2 : 1;
            if (position > alternative.Floor) Push(alternative with { Position = position });
            return true;
        }
        (at, position) = (0, 0);
        return false;
    }

    private bool Run(in PatternInstruction instruction, int at, ref int position)
    {
        var (count, floor) = (0, position);
        while ((instruction.B < 0 || count < instruction.B) && Step(instruction.Set!, ref position))
            if (++count <= instruction.A) floor = position;
        Spend(count);
        if (count < instruction.A) return false;
        if (position > floor) Push(new Alternative(at + 1, position, floor, Kind.Run));
        return true;
    }

    private bool Step(CodePointSet set, ref int position)
    {
        if (position >= text.Length) return false;
        var wide = char.IsHighSurrogate(text[position]) && position + 1 < text.Length;
        if (!set.Contains(wide ? char.ConvertToUtf32(text[position], text[position + 1]) : text[position])) return false;
        position += wide ? 2 : 1;
        return true;
    }

    private bool IsAt(PatternAnchor anchor, int position) => anchor switch
    {
        PatternAnchor.TextStart => position == 0,
        PatternAnchor.TextEnd => position == text.Length,
        PatternAnchor.TextEndOrLastNewline => position == text.Length || (position == text.Length - 1 && text[position] == '\n'),
        PatternAnchor.LineStart => position == 0 || text[position - 1] == '\n',
        PatternAnchor.LineEnd => position == text.Length || text[position] == '\n',
        PatternAnchor.WordBoundary => WordBefore(position) != WordAfter(position),
        _ => WordBefore(position) == WordAfter(position),
    };

    private bool WordAfter(int position) => Step(UnicodeClasses.Word, ref position);

    private bool WordBefore(int position)
    {
        if (position == 0) return false;
        position -= position >= 2 && char.IsLowSurrogate(text[position - 1]) ? 2 : 1;
        return Step(UnicodeClasses.Word, ref position);
    }

    private void Push(in Alternative alternative)
    {
        if (_alternatives.Count >= LargestStack) throw TooCostly();
        _alternatives.Push(alternative);
    }

    private void Spend(int count)
    {
        steps -= count;
        if (steps < 0) throw TooCostly();
    }

    private StudyException TooCostly()
    {
        var shown = source.Length > 60 ? source[..60] + "…" : source;
        return new StudyException($"the tokenizer's expression '{shown}' takes too long on a text of {text.Length} characters",
            remedy: "shorten the text or mend the expression");
    }
}
