using System.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text.Chat;

/// <summary>A parsed part of a template: writes its text.</summary>
internal delegate void TemplateWriter(TemplateScope scope, StringBuilder output);

/// <summary>Parses a template's texts and tags: <c>for</c>, <c>if</c>, <c>set</c>, <c>generation</c> and output.</summary>
internal sealed class TemplateParser
{
    private const int DeepestNesting = 60;

    private readonly TemplateExpressionParser _tokens;
    private int _depth;

    private TemplateParser(List<TemplateToken> tokens) => _tokens = new TemplateExpressionParser(tokens);

    /// <exception cref="StudyException">The template is malformed or uses what is not supported.</exception>
    internal static TemplateWriter Parse(string source)
    {
        var parser = new TemplateParser(TemplateLexer.Read(source));
        var writer = parser.ParseBody(out var end);
        return end.Length == 0 ? writer : throw parser._tokens.Wrong();
    }

    /// <summary>Everything up to a tag that ends or divides the enclosing block; that tag's name was read.</summary>
    private TemplateWriter ParseBody(out string end)
    {
        if (++_depth > DeepestNesting) throw new StudyException("the chat template's blocks are nested too deeply");
        var parts = new List<TemplateWriter>();
        end = "";
        while (end.Length == 0)
        {
            var token = _tokens.Take();
            switch (token.Kind)
            {
                case TemplateTokenKind.End:
                    _depth--;
                    return Join(parts);
                case TemplateTokenKind.Text:
                    parts.Add((_, output) => output.Append(token.Text));
                    break;
                case TemplateTokenKind.BeginOutput:
                    var value = _tokens.Parse();
                    _tokens.Expect(TemplateTokenKind.EndOutput);
                    parts.Add((scope, output) => output.Append(TemplateValues.ToText(value(scope))));
                    break;
                default:
                    if (ParseBlock(out end) is { } block) parts.Add(block);
                    break;
            }
        }
        _depth--;
        return Join(parts);
    }

    private static TemplateWriter Join(List<TemplateWriter> parts) => (scope, output) =>
    {
        foreach (var part in parts) part(scope, output);
    };

    private TemplateWriter? ParseBlock(out string end)
    {
        end = "";
        var name = _tokens.Expect(TemplateTokenKind.Name);
        switch (name)
        {
            case "for": return ParseFor();
            case "if": return ParseIf();
            case "set": return ParseSet();
            case "generation":
                Close();
                var body = ParseBody(out var closing);
                if (closing != "endgeneration") throw _tokens.Wrong();
                Close();
                return body;
            case "elif" or "else" or "endif" or "endfor" or "endgeneration":
                end = name;
                return null;
            default:
                throw TemplateValues.Unsupported($"the tag '{name}'");
        }
    }

    private TemplateWriter ParseFor()
    {
        var name = _tokens.Expect(TemplateTokenKind.Name);
        if (!_tokens.AcceptName("in")) throw _tokens.Wrong();
        var list = _tokens.ParseOr();
        TemplateExpression? filter = _tokens.AcceptName("if") ? _tokens.Parse() : null;
        Close();
        var body = ParseBody(out var end);
        TemplateWriter? otherwise = null;
        if (end == "else")
        {
            Close();
            otherwise = ParseBody(out end);
        }
        if (end != "endfor") throw _tokens.Wrong();
        Close();
        return (scope, output) =>
        {
            var items = list(scope) switch
            {
                List<object?> all => all.Where(item => filter is null || TemplateValues.IsTrue(filter(Inner(scope, name, item)))).ToList(),
                var value when value == TemplateScope.Undefined => [],
                _ => throw TemplateValues.Unsupported("a loop over something that is no list"),
            };
            if (items.Count == 0) otherwise?.Invoke(scope, output);
            for (var i = 0; i < items.Count; i++)
            {
                var inner = Inner(scope, name, items[i]);
                inner["loop"] = Loop(items, i);
                body(inner, output);
            }
        };
    }

    private static TemplateScope Inner(TemplateScope outer, string name, object? item)
    {
        var scope = new TemplateScope(outer);
        scope[name] = item;
        return scope;
    }

    private static Dictionary<string, object?> Loop(List<object?> items, int i) => new(StringComparer.Ordinal)
    {
        ["first"] = i == 0,
        ["last"] = i == items.Count - 1,
        ["index"] = i + 1L,
        ["index0"] = (long)i,
        ["revindex"] = (long)items.Count - i,
        ["revindex0"] = items.Count - i - 1L,
        ["length"] = (long)items.Count,
        ["previtem"] = i > 0 ? items[i - 1] : TemplateScope.Undefined,
        ["nextitem"] = i + 1 < items.Count ? items[i + 1] : TemplateScope.Undefined,
    };

    private TemplateWriter ParseIf()
    {
        var branches = new List<(TemplateExpression Condition, TemplateWriter Body)>();
        string end;
        do
        {
            var condition = _tokens.Parse();
            Close();
            branches.Add((condition, ParseBody(out end)));
        }
        while (end == "elif");
        if (end == "else")
        {
            Close();
            branches.Add((_ => true, ParseBody(out end)));
        }
        if (end != "endif") throw _tokens.Wrong();
        Close();
        return (scope, output) =>
        {
            foreach (var (condition, body) in branches)
            {
                if (!TemplateValues.IsTrue(condition(scope))) continue;
                body(scope, output);
                return;
            }
        };
    }

    private TemplateWriter ParseSet()
    {
        var name = _tokens.Expect(TemplateTokenKind.Name);
        var member = _tokens.AcceptOperator(".") ? _tokens.Expect(TemplateTokenKind.Name) : null;
        _tokens.ExpectOperator("=");
        var value = _tokens.Parse();
        Close();
        if (member is null) return (scope, _) => scope[name] = value(scope);
        return (scope, _) =>
        {
            if (scope[name] is not Dictionary<string, object?> space) throw TemplateValues.Unsupported($"a member of '{name}' to be set");
            space[member] = value(scope);
        };
    }

    private void Close() => _tokens.Expect(TemplateTokenKind.EndBlock);
}
