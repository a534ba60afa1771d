namespace InterpActors.Compute.Text.Chat;

/// <summary>
/// The names that an expression sees. A loop's body has a scope of its own for every turn: what it sets is gone after it, as in Jinja.
/// Values are <see cref="string"/>, <see cref="long"/>, <see cref="bool"/>, null, lists, string-keyed dictionaries, and
/// <see cref="Undefined"/>.
/// </summary>
internal sealed class TemplateScope(TemplateScope? outer = null)
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    /// <summary>What an unknown name or member reads as: empty text, false.</summary>
    internal static object Undefined { get; } = new();

    internal object? this[string name]
    {
        get => _values.TryGetValue(name, out var value) ? value : outer is null ? Undefined : outer[name];
        set => _values[name] = value;
    }
}
