using System.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text.Chat;

/// <summary>
/// Writes a conversation the way a model was trained to read it, by the Jinja template that comes with its tokenizer. What templates of
/// the ChatML kind need of Jinja is understood; a template that needs more says so. Thread-safe.
/// </summary>
internal sealed class ChatTemplate
{
    private const int LongestTemplate = 200_000;

    private readonly TemplateWriter _writer;
    private readonly string _source;

    private ChatTemplate(TemplateWriter writer, string source)
    {
        _writer = writer;
        _source = source;
    }

    /// <param name="source">The file it comes from, for messages.</param>
    /// <exception cref="StudyException">The template is malformed or uses what is not supported.</exception>
    internal static ChatTemplate Parse(string template, string source)
    {
        if (template.Length > LongestTemplate) throw new StudyException("the chat template is too long", source);
        return new ChatTemplate(Located(() => TemplateParser.Parse(template), source), source);
    }

    /// <exception cref="StudyException">The template refuses the conversation, or needs something that is not supported.</exception>
    internal string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, string bos, string eos)
    {
        var scope = new TemplateScope
        {
            ["messages"] = messages.Select(m => (object?)new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["role"] = m.Role,
                ["content"] = m.Content,
            }).ToList(),
            ["add_generation_prompt"] = addGenerationPrompt,
            ["bos_token"] = bos,
            ["eos_token"] = eos,
            ["tools"] = null,
        };
        return Located(() =>
        {
            var output = new StringBuilder();
            _writer(scope, output);
            return output.ToString();
        }, _source);
    }

    private static T Located<T>(Func<T> work, string source)
    {
        try
        {
            return work();
        }
        catch (StudyException e) when (e.Where is null)
        {
            throw new StudyException(e.Problem, source, e.Remedy, e);
        }
    }
}
