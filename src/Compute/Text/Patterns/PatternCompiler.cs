using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text.Patterns;

/// <summary>What one instruction of a compiled expression does.</summary>
internal enum PatternOperation
{
    /// <summary>Consumes one code point of the set.</summary>
    One,

    /// <summary>
    /// Consumes as many code points of the set as it can, between A and B (−1: any number), and gives back one at a time.
    /// </summary>
    Run,

    /// <summary>Goes on at A; if that fails, at B.</summary>
    Split,

    /// <summary>Goes on at A.</summary>
    Jump,

    /// <summary>Goes on at A if what follows up to its Done matches here.</summary>
    Look,

    /// <summary>Goes on at A if what follows up to its Done does not match here.</summary>
    NotLook,

    /// <summary>Matches what follows up to its Done, forgets its alternatives, and goes on at A.</summary>
    Atomic,

    /// <summary>Holds if the position is anchor A.</summary>
    Anchor,

    /// <summary>Remembers the position in mark A.</summary>
    Mark,

    /// <summary>Goes on at B if nothing was consumed since mark A.</summary>
    Progress,

    /// <summary>The end of the expression, or of a lookahead or atomic group.</summary>
    Done,
}

/// <summary>One instruction of a compiled expression.</summary>
internal readonly record struct PatternInstruction(PatternOperation Operation, int A = 0, int B = 0, CodePointSet? Set = null);

/// <summary>Turns a parsed expression into instructions.</summary>
internal sealed class PatternCompiler(int largestProgram)
{
    private readonly List<PatternInstruction> _program = [];

    /// <summary>How many marks the program uses.</summary>
    internal int Marks { get; private set; }

    internal PatternInstruction[] Compile(PatternNode node)
    {
        Emit(node);
        Add(new PatternInstruction(PatternOperation.Done));
        return [.. _program];
    }

    private void Emit(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.One one:
                Add(new PatternInstruction(PatternOperation.One, Set: one.Set));
                break;
            case PatternNode.Sequence sequence:
                foreach (var item in sequence.Items) Emit(item);
                break;
            case PatternNode.Choice choice:
                EmitChoice(choice);
                break;
            case PatternNode.Repeat repeat:
                EmitRepeat(repeat);
                break;
            case PatternNode.Look look:
                EmitNested(look.Negated ? PatternOperation.NotLook : PatternOperation.Look, look.Item);
                break;
            case PatternNode.Atomic atomic:
                EmitNested(PatternOperation.Atomic, atomic.Item);
                break;
            case PatternNode.Anchor anchor:
                Add(new PatternInstruction(PatternOperation.Anchor, (int)anchor.Kind));
                break;
            default:
                throw new InvalidOperationException($"no instruction for {node.GetType().Name}");
        }
    }

    private void EmitChoice(PatternNode.Choice choice)
    {
        var jumps = new List<int>();
        for (var i = 0; i < choice.Items.Count - 1; i++)
        {
            var split = Add(default);
            Emit(choice.Items[i]);
            jumps.Add(Add(default));
            _program[split] = new PatternInstruction(PatternOperation.Split, split + 1, _program.Count);
        }
        Emit(choice.Items[^1]);
        foreach (var jump in jumps) _program[jump] = new PatternInstruction(PatternOperation.Jump, _program.Count);
    }

    private void EmitRepeat(PatternNode.Repeat repeat)
    {
        if (repeat is { Item: PatternNode.One one, Lazy: false })
        {
            Add(new PatternInstruction(PatternOperation.Run, repeat.Least, repeat.Most, one.Set));
            return;
        }
        for (var i = 0; i < repeat.Least; i++) Emit(repeat.Item);
        if (repeat.Most < 0) EmitLoop(repeat.Item, repeat.Lazy);
        else EmitOptions(repeat.Item, repeat.Most - repeat.Least, repeat.Lazy);
    }

    private void EmitLoop(PatternNode item, bool lazy)
    {
        var mark = Marks++;
        var start = Add(default);
        Add(new PatternInstruction(PatternOperation.Mark, mark));
        Emit(item);
        var progress = Add(default);
        Add(new PatternInstruction(PatternOperation.Jump, start));
        _program[progress] = new PatternInstruction(PatternOperation.Progress, mark, _program.Count);
        _program[start] = Choose(start + 1, _program.Count, lazy);
    }

    private void EmitOptions(PatternNode item, int count, bool lazy)
    {
        var splits = new List<int>();
        for (var i = 0; i < count; i++)
        {
            splits.Add(Add(default));
            Emit(item);
        }
        foreach (var split in splits) _program[split] = Choose(split + 1, _program.Count, lazy);
    }

    private void EmitNested(PatternOperation operation, PatternNode item)
    {
        var start = Add(default);
        Emit(item);
        Add(new PatternInstruction(PatternOperation.Done));
        _program[start] = new PatternInstruction(operation, _program.Count);
    }

    private static PatternInstruction Choose(int enter, int leave, bool lazy) => lazy
        ? new PatternInstruction(PatternOperation.Split, leave, enter)
        : new PatternInstruction(PatternOperation.Split, enter, leave);

    private int Add(PatternInstruction instruction)
    {
        if (_program.Count >= largestProgram) throw new StudyException("the expression's repetitions make it too large");
        _program.Add(instruction);
        return _program.Count - 1;
    }
}
