using System.Globalization;
using System.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Text;

/// <summary>
/// Damaged tokenizer files end with a <see cref="StudyException"/> or work. <c>INTERP_FUZZ=N</c> runs N mutations instead of 300.
/// </summary>
public class TokenizerFuzzTests
{
    private static readonly string[] Snippets =
    [
        "null", "-1", "1e999", "4294967296", "\"\"", "[]", "{}", "true", "\"\\ud800\"", "\"(a*)*b\"", "\"(a|a)+$\"", "\"[\"", "\\\\p{L}+",
        "{\"Regex\":\"(\\\\s*)*x\"}",
        "\"Sequence\"", "\"Split\"", "\"BPE\"", "\"WordLevel\"", "\"Metaspace\"", "\"NFD\"", ",", "\"", "}", "]",
        "(", "{1,9999}", "\u2581", "\U0001F642", "\"merges\":", "\"type\":",
    ];

    private static readonly string[] Texts =
    [
        "", "Hello  world\n\n 123 don't", "<s>x</s> <unk> <0x41>", "a\u0300 🙂 𝒜 \u2028\u0085", new string('a', 300),
        new string(' ', 300) + "x",
        "▁▁▁ mid▁dle", "[UNK] [BOS]",
    ];

    [Fact]
    public void Mutated_files_are_refused_or_work()
    {
        var count = int.TryParse(Environment.GetEnvironmentVariable("INTERP_FUZZ"), CultureInfo.InvariantCulture, out var n) ? n : 300;
        var random = new Random(20240611);
        var names = TokenizerFolders.Names.Where(name => name != "smollm2").ToArray();
        var originals = names.Select(name => File.ReadAllBytes(Path.Combine(TokenizerFolders.Folder(name), "tokenizer.json"))).ToArray();
        var configs = names.Select(name => File.ReadAllText(Path.Combine(TokenizerFolders.Folder(name), "tokenizer_config.json")))
            .ToArray();
        var refused = 0;
        for (var i = 0; i < count; i++)
        {
            var which = random.Next(names.Length);
            var mutated = Mutate(originals[which], random);
            try
            {
                TokenizerFolders.With(mutated, configs[which], tokenizer =>
                {
                    foreach (var text in Texts) tokenizer.Decode(tokenizer.Encode(text), skipSpecialTokens: true);
                });
            }
            catch (StudyException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }
        Assert.InRange(refused, 1, count);
    }

    /// <summary>Bytes changed, pieces cut out, repeated or replaced, mostly in the small parts around the vocabulary.</summary>
    private static string Mutate(byte[] original, Random random)
    {
        var text = new StringBuilder(Encoding.UTF8.GetString(original));
        var head = text.ToString().IndexOf("\"vocab\"", StringComparison.Ordinal);
        for (var change = random.Next(1, 4); change > 0; change--)
        {
            var at = random.Next(3) > 0 ? random.Next(Math.Min(head, text.Length)) : random.Next(text.Length);
            var length = Math.Min(random.Next(1, random.Next(2, 60)), text.Length - at);
            switch (random.Next(6))
            {
                case 0: text[at] = (char)random.Next(32, 127); break;
                case 1: text.Remove(at, length); break;
                case 2: text.Insert(at, text.ToString(at, length)); break;
                case 3: text.Insert(at, Snippets[random.Next(Snippets.Length)]); break;
                case 4: ReplaceValue(text, at, random); break;
                default:
                    if (random.Next(20) == 0) text.Length = at + 1;
                    else ReplaceValue(text, at, random);
                    break;
            }
        }
        return text.ToString();
    }

    /// <summary>Puts a snippet in place of the next value, so that the file mostly stays JSON.</summary>
    private static void ReplaceValue(StringBuilder text, int at, Random random)
    {
        var source = text.ToString(at, Math.Min(400, text.Length - at));
        var start = source.IndexOf(':') + 1;
        var end = start + source.AsSpan(start).IndexOfAny(",}]");
        if (start > 0 && end > start) text.Remove(at + start, end - start).Insert(at + start, Snippets[random.Next(Snippets.Length)]);
    }
}
