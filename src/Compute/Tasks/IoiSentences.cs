using InterpActors.Compute.Statistics;
using InterpActors.Compute.Text;

namespace InterpActors.Compute.Tasks;

/// <summary>IOI prompts in words, from what the model's tokenizer knows.</summary>
internal static class IoiSentences
{
    private sealed record Word(string Text, int Token);

    /// <summary>Finds the usable words and templates.</summary>
    /// <param name="templateNames">Null: the aligned family; otherwise these, or "all".</param>
    /// <exception cref="Messages.Studies.StudyException">Too few are left.</exception>
    public static (IoiWriter Writer, IReadOnlyList<string> Notes) Write(
        TaskRequest request, ITokenizer tokenizer, IReadOnlyList<string> nameList, IReadOnlyList<string>? templateNames, string corruption)
    {
        var section = request.Section;
        var notes = new List<string>();
        var taken = new HashSet<int>();
        var names = Usable("names", nameList);
        var places = Usable("places", IoiWords.Places);
        var things = Usable("objects", IoiWords.Objects);
        var needed = corruption == "abc" ? 5 : 3;
        if (names.Count < needed)
            throw section.Wrong("names", $"only {names.Count} names are one token of this model; {needed} are needed",
                "give names = [ … ] that are, or use kind = pairs");

        var asked = IoiWords.Templates.Where(t => templateNames is null
            ? t.Aligned
            : templateNames.Contains("all") || templateNames.Contains(t.Name));
        var templates = new List<(IoiTemplate Template, int Length, string Places)>();
        foreach (var template in asked)
        {
            if (Probe(template) is { } shape) templates.Add((template, shape.Length, shape.Places));
            else
                notes.Add($"template {template.Name} is left out: the model's vocabulary lacks a word of it, "
                    + "or it does not fit the context");
        }
        if (templates.Count == 0)
            throw section.Wrong("templates", "no template consists of words that the model's tokenizer knows",
                "use kind = pairs with prompts of your own");
        if (templateNames is null) KeepAligned();
        return (new IoiWriter(templates.Count, Next), notes);

        List<Word> Usable(string what, IReadOnlyList<string> words)
        {
            var usable = new List<Word>();
            var lost = new List<string>();
            foreach (var word in words)
            {
                if (WordTokens.Word(tokenizer, word) is { } token && token < request.Config.Vocabulary && taken.Add(token))
                    usable.Add(new Word(word, token));
                else lost.Add(word);
            }
            if (lost.Count > 0) notes.Add($"{what} left out, not one token of this model: {string.Join(", ", lost)}");
            return usable;
        }

        (int Length, string Places)? Probe(IoiTemplate template)
        {
            if ((places.Count == 0 && template.Text.Contains("{P}")) || (things.Count == 0 && template.Text.Contains("{O}"))) return null;
            var text = template.Fill(names[0].Text, names[1].Text, names[1].Text, places.FirstOrDefault()?.Text ?? "",
                things.FirstOrDefault()?.Text ?? "");
            if (!WordTokens.Knows(tokenizer, text)) return null;
            var tokens = tokenizer.Encode(text);
            if (tokens.Length > request.Config.ContextLength || tokens.Any(t => t >= request.Config.Vocabulary)) return null;
            return IoiWriter.Roles(tokens, names[0].Token, names[1].Token) is { } roles
                ? (tokens.Length, string.Join(' ', roles.Select(r => $"{r.Key}{r.Value[0]}")))
                : null;
        }

        // A tokenizer that splits a word of one template would shift its positions against the others'.
        void KeepAligned()
        {
            var best = templates.GroupBy(t => (t.Length, t.Places)).MaxBy(g => g.Count())!.Key;
            foreach (var t in templates.Where(t => (t.Length, t.Places) != best))
                notes.Add($"template {t.Template.Name} is left out: with this tokenizer its names stand elsewhere; ask for it by name");
            templates.RemoveAll(t => (t.Length, t.Places) != best);
        }

        PromptPair? Next(SeededRandom random, int i, bool subjectFirst)
        {
            var template = templates[i % templates.Count].Template;
            var drawn = random.Sample(names, needed);
            var (place, thing) = (places.Count == 0 ? "" : random.Pick(places).Text, things.Count == 0 ? "" : random.Pick(things).Text);
            var (io, subject) = (drawn[0], drawn[1]);
            var (first, second) = subjectFirst ? (subject, io) : (io, subject);
            var other = IoiWriter.Corrupt(corruption, first, second, io, subject, drawn[2..]);
            var clean = tokenizer.Encode(template.Fill(first.Text, second.Text, subject.Text, place, thing));
            var corrupted = tokenizer.Encode(template.Fill(other.First.Text, other.Second.Text, other.Repeated.Text, place, thing));
            var roles = IoiWriter.Roles(clean, io.Token, subject.Token);
            return roles is null || corrupted.Length != clean.Length || clean.Length > request.Config.ContextLength
                ? null
                : new PromptPair($"p{i}", template.Name, clean, corrupted, [io.Token], [subject.Token], roles);
        }
    }
}
