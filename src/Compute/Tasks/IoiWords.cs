namespace InterpActors.Compute.Tasks;

/// <summary>A sentence with places for two names (A, B), the repeated name (S), a place (P) and an object (O).</summary>
/// <param name="Aligned">True for the family whose members have the same number of words and their names at the same places, so that
/// positions of different templates mean the same.</param>
internal sealed record IoiTemplate(string Name, string Text, bool Aligned)
{
    public string Fill(string a, string b, string s, string place, string thing) => Text
        .Replace("{A}", a, StringComparison.Ordinal).Replace("{B}", b, StringComparison.Ordinal).Replace("{S}", s, StringComparison.Ordinal)
        .Replace("{P}", place, StringComparison.Ordinal).Replace("{O}", thing, StringComparison.Ordinal);
}

/// <summary>The words of the IOI task. No sentence begins with a name, so that a name is the same token wherever it stands.</summary>
internal static class IoiWords
{
    public static IReadOnlyList<string> Names { get; } = Words(
        """
        Mary John Anna Paul Tom Lisa Mark Emma Jack Kate Alan Ruth Adam Rose Carl Jane Dean Lucy Eric Nora Fred Gina Hugh Iris Kyle Lara
        Mike Nina Owen Pam Ross Sara Todd Vera Walt Zoe Bill Dora Glen Hope James Sarah David Laura Peter Alice Simon Helen Brian Clara
        Kevin Julia Jason Grace Henry Diana Steve Maria Scott Susan George Linda Robert Karen
        """);

    public static IReadOnlyList<string> Places { get; } = Words(
        "store school garden station office house park library market museum beach hotel");

    public static IReadOnlyList<string> Objects { get; } = Words("drink book ring ball letter key gift map camera ticket coin watch");

    public static IReadOnlyList<IoiTemplate> Templates { get; } =
    [
        new("when-went", "When {A} and {B} went to the {P}, {S} gave a {O} to", true),
        new("after-went", "After {A} and {B} went to the {P}, {S} sent a {O} to", true),
        new("while-were", "While {A} and {B} were at the {P}, {S} bought a {O} for", true),
        new("once-sat", "Once {A} and {B} sat in the {P}, {S} handed a {O} to", true),
        new("as-walked", "As {A} and {B} walked past the {P}, {S} showed a {O} to", true),
        new("because-worked", "Because {A} and {B} worked at the {P}, {S} passed a {O} to", true),
        new("long-talk", "Then {A} and {B} had a long talk, and {S} gave the {O} to", false),
        new("met-near", "Yesterday {A} met {B} near the old {P} and {S} gave the {O} to", false),
        new("two-friends", "The friends {A} and {B} found a {O} at the {P}. Then {S} gave it to", false),
        new("only-two", "At the {P} there were only {A} and {B}, so {S} gave the {O} to", false),
        new("met-sent", "Today {A} met {B} and {S} sent a {O} to", false),
        new("late", "It was late when {A} and {B} left the {P}, but {S} still brought a {O} to", false),
    ];

    private static string[] Words(string text) => text.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);
}
