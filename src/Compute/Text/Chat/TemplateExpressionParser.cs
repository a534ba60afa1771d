using System.Globalization;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text.Chat;

/// <summary>A parsed expression: reads its value from a scope.</summary>
internal delegate object? TemplateExpression(TemplateScope scope);

/// <summary>Parses the expressions inside a template's tags, by Jinja's precedence.</summary>
internal sealed class TemplateExpressionParser(List<TemplateToken> tokens)
{
    private const int DeepestNesting = 100;

    private int _at;
    private int _depth;

    internal TemplateToken Current => tokens[_at];

    internal TemplateToken Take() => Current.Kind == TemplateTokenKind.End ? Current : tokens[_at++];

    internal bool Accept(TemplateTokenKind kind, string text)
    {
        if (Current.Kind != kind || Current.Text != text) return false;
        _at++;
        return true;
    }

    internal bool AcceptOperator(string text) => Accept(TemplateTokenKind.Operator, text);

    internal bool AcceptName(string text) => Accept(TemplateTokenKind.Name, text);

    internal string Expect(TemplateTokenKind kind)
    {
        if (Current.Kind != kind) throw Wrong();
        return Take().Text;
    }

    internal void ExpectOperator(string text)
    {
        if (!AcceptOperator(text)) throw Wrong();
    }

    internal StudyException Wrong() => new($"'{Current.Text}' is not expected in line {Current.Line} of the chat template",
        remedy: "supported: chat templates of the ChatML kind (loops, conditions, texts, roles and contents)");

    /// <summary>An expression with <c>a if b else c</c>.</summary>
    internal TemplateExpression Parse()
    {
        if (++_depth > DeepestNesting) throw new StudyException("the chat template's expressions are nested too deeply");
        var value = ParseOr();
        if (AcceptName("if"))
        {
            var (then, condition) = (value, ParseOr());
            TemplateExpression otherwise = AcceptName("else") ? Parse() : _ => TemplateScope.Undefined;
            value = scope => TemplateValues.IsTrue(condition(scope)) ? then(scope) : otherwise(scope);
        }
        _depth--;
        return value;
    }

    /// <summary>An expression that stops in front of <c>if</c>, as after <c>in</c> of a loop.</summary>
    internal TemplateExpression ParseOr()
    {
        var left = ParseAnd();
        while (AcceptName("or"))
        {
            var (a, b) = (left, ParseAnd());
            left = scope => a(scope) is var value && TemplateValues.IsTrue(value) ? value : b(scope);
        }
        return left;
    }

    private TemplateExpression ParseAnd()
    {
        var left = ParseNot();
        while (AcceptName("and"))
        {
            var (a, b) = (left, ParseNot());
            left = scope => a(scope) is var value && TemplateValues.IsTrue(value) ? b(scope) : value;
        }
        return left;
    }

    private TemplateExpression ParseNot()
    {
        if (!AcceptName("not")) return ParseComparison();
        if (++_depth > DeepestNesting) throw new StudyException("the chat template's expressions are nested too deeply");
        var inner = ParseNot();
        _depth--;
        return scope => !TemplateValues.IsTrue(inner(scope));
    }

    private TemplateExpression ParseComparison()
    {
        var left = ParseSum();
        while (true)
        {
            var a = left;
            if (Current.Kind == TemplateTokenKind.Operator && Current.Text is "==" or "!=" or "<" or "<=" or ">" or ">=")
            {
                var (operation, b) = (Take().Text, ParseSum());
                left = operation switch
                {
                    "==" => scope => TemplateValues.AreEqual(a(scope), b(scope)),
                    "!=" => scope => !TemplateValues.AreEqual(a(scope), b(scope)),
                    _ => scope => TemplateValues.Compare(operation, a(scope), b(scope)),
                };
            }
            else if (AcceptName("in"))
            {
                var b = ParseSum();
                left = scope => TemplateValues.Contains(b(scope), a(scope));
            }
            else if (Current is { Kind: TemplateTokenKind.Name, Text: "not" }
                && tokens[_at + 1] is { Kind: TemplateTokenKind.Name, Text: "in" })
            {
                _at += 2;
                var b = ParseSum();
                left = scope => !TemplateValues.Contains(b(scope), a(scope));
            }
            else
            {
                return left;
            }
        }
    }

    private TemplateExpression ParseSum()
    {
        var left = ParseConcatenation();
        while (Current.Kind == TemplateTokenKind.Operator && Current.Text is "+" or "-")
        {
            var (operation, a, b) = (Take().Text, left, ParseConcatenation());
            left = operation == "+"
                ? scope => TemplateValues.Add(a(scope), b(scope))
                : scope => TemplateValues.Arithmetic("-", a(scope), b(scope));
        }
        return left;
    }

    private TemplateExpression ParseConcatenation()
    {
        var left = ParseProduct();
        while (AcceptOperator("~"))
        {
            var (a, b) = (left, ParseProduct());
            left = scope => TemplateValues.ToText(a(scope)) + TemplateValues.ToText(b(scope));
        }
        return left;
    }

    private TemplateExpression ParseProduct()
    {
        var left = ParseUnary();
        while (Current.Kind == TemplateTokenKind.Operator && Current.Text is "*" or "//" or "%" or "/")
        {
            var (operation, a, b) = (Take().Text, left, ParseUnary());
            left = scope => TemplateValues.Arithmetic(operation, a(scope), b(scope));
        }
        return left;
    }

    /// <summary>A sign, then filters and tests, which bind tighter than any operator between two values.</summary>
    private TemplateExpression ParseUnary()
    {
        if (AcceptOperator("-"))
        {
            if (++_depth > DeepestNesting) throw new StudyException("the chat template's expressions are nested too deeply");
            var inner = ParseUnary();
            _depth--;
            return scope => TemplateValues.Arithmetic("-", 0L, inner(scope));
        }
        var value = ParsePostfix(ParsePrimary());
        while (true)
        {
            if (AcceptOperator("|"))
            {
                var (a, name) = (value, Expect(TemplateTokenKind.Name));
                var arguments = AcceptOperator("(") ? ParseArguments(")") : [];
                value = scope => TemplateValues.Filter(name, a(scope), Values(arguments, scope));
                value = ParsePostfix(value);
            }
            else if (AcceptName("is"))
            {
                var (a, negated, name) = (value, AcceptName("not"), Expect(TemplateTokenKind.Name));
                value = scope => TemplateValues.Test(name, a(scope)) != negated;
            }
            else
            {
                return value;
            }
        }
    }

    private TemplateExpression ParsePostfix(TemplateExpression value)
    {
        while (true)
        {
            var a = value;
            if (AcceptOperator("."))
            {
                var name = Current.Kind == TemplateTokenKind.Number ? Take().Text : Expect(TemplateTokenKind.Name);
                if (AcceptOperator("("))
                {
                    var arguments = ParseArguments(")");
                    value = scope => TemplateValues.Method(a(scope), name, Values(arguments, scope));
                }
                else
                {
                    value = scope => TemplateValues.Member(a(scope), name);
                }
            }
            else if (AcceptOperator("["))
            {
                value = ParseSubscript(a);
            }
            else
            {
                return value;
            }
        }
    }

    private TemplateExpression ParseSubscript(TemplateExpression value)
    {
        var bounds = new TemplateExpression?[3];
        var colons = 0;
        while (!AcceptOperator("]"))
        {
            if (AcceptOperator(":")) colons++;
            else if (bounds[colons] is null) bounds[colons] = Parse();
            else throw Wrong();
            if (colons > 2) throw Wrong();
        }
        if (colons > 0)
            return scope => TemplateValues.Slice(value(scope),
                bounds[0]?.Invoke(scope), bounds[1]?.Invoke(scope), bounds[2]?.Invoke(scope));
        var key = bounds[0] ?? throw Wrong();
        return scope => TemplateValues.Member(value(scope), key(scope));
    }

    private TemplateExpression ParsePrimary()
    {
        var token = Take();
        switch (token.Kind)
        {
            case TemplateTokenKind.String:
                var text = token.Text;
                while (Current.Kind == TemplateTokenKind.String) text += Take().Text;
                return _ => text;
            case TemplateTokenKind.Number when token.Text.Length < 18:
                var number = long.Parse(token.Text, CultureInfo.InvariantCulture);
                return _ => number;
            case TemplateTokenKind.Name:
                return ParseName(token.Text);
            case TemplateTokenKind.Operator when token.Text == "(":
                var inner = Parse();
                ExpectOperator(")");
                return inner;
            case TemplateTokenKind.Operator when token.Text == "[":
                var items = ParseArguments("]");
                return scope => Values(items, scope);
            default:
                _at = Math.Max(0, _at - 1);
                throw Wrong();
        }
    }

    private TemplateExpression ParseName(string name)
    {
        switch (name)
        {
            case "true" or "True": return _ => true;
            case "false" or "False": return _ => false;
            case "none" or "None": return _ => null;
        }
        if (!AcceptOperator("(")) return scope => scope[name];
        var arguments = ParseArguments(")");
        return name switch
        {
            "raise_exception" => scope => throw new StudyException(
                $"the chat template refuses this conversation: {string.Join(' ', Values(arguments, scope).Select(TemplateValues.ToText))}"),
            "namespace" => scope => arguments.ToDictionary(a => a.Name ?? "", a => a.Value(scope), StringComparer.Ordinal),
            _ => _ => throw TemplateValues.Unsupported($"the function '{name}'"),
        };
    }

    private List<(string? Name, TemplateExpression Value)> ParseArguments(string end)
    {
        var arguments = new List<(string?, TemplateExpression)>();
        while (!AcceptOperator(end))
        {
            if (arguments.Count > 0)
            {
                ExpectOperator(",");
                if (AcceptOperator(end)) break;
            }
            string? name = null;
            if (Current.Kind == TemplateTokenKind.Name && tokens[_at + 1] is { Kind: TemplateTokenKind.Operator, Text: "=" })
            {
                name = Take().Text;
                Take();
            }
            arguments.Add((name, Parse()));
        }
        return arguments;
    }

    private static List<object?> Values(List<(string? Name, TemplateExpression Value)> arguments, TemplateScope scope) =>
        arguments.ConvertAll(a => a.Value(scope));
}
