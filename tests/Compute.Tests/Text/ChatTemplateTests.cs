using System.Text.Json;
using InterpActors.Compute.Text;
using InterpActors.Compute.Text.Chat;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Text;

/// <summary>Conversations through chat templates; expected texts are Jinja's own.</summary>
public class ChatTemplateTests
{
    private static readonly ChatMessage[] Conversation =
        [new("system", "Be brief."), new("user", " x "), new("assistant", "y\n\nz"), new("user", "<|im_end|>")];

    private static string Render(string template, IReadOnlyList<ChatMessage>? messages = null, bool prompt = true) =>
        ChatTemplate.Parse(template, "f").Render(messages ?? Conversation, prompt, "<s>", "</s>");

    [Fact]
    public void SmolLM2s_conversations_are_exact()
    {
        var tokenizer = TokenizerFolders.Load("smollm2");
        var lines = File.ReadAllLines(TestData.Path("tokenizers/smollm2/chat.jsonl"));
        Assert.Equal(3, lines.Length);
        foreach (var line in lines)
        {
            using var json = JsonDocument.Parse(line);
            var messages = json.RootElement.GetProperty("messages").EnumerateArray()
                .Select(m => new ChatMessage(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!)).ToList();
            var made = Tokenization.Of(tokenizer, messages, json.RootElement.GetProperty("add_generation_prompt").GetBoolean());
            Assert.Equal(json.RootElement.GetProperty("text").GetString(), made.Text);
            Assert.Equal(json.RootElement.GetProperty("tokens").EnumerateArray().Select(t => t.GetInt32()), made.Tokens);
        }
    }

    [Fact]
    public void White_space_goes_as_the_tags_say()
    {
        Assert.Equal("a  b\nc\n d e f", Render("a\n  {%- if true %}  b\n  {% endif -%}\n  c\n\t{# hi #}\n d {{- ' e ' -}} \n f\n"));
        Assert.Equal("x\n y", Render("x\n{%+ if true %} y{% endif %}\n"));
    }

    [Fact]
    public void A_template_of_many_branches()
    {
        const string template = """
            {%- if tools %}
                {{- tools | tojson }}
            {%- elif messages[0]['role'] == 'system' %}
                {{- bos_token + messages[0].content + '\n' }}
                {%- set messages = messages[1:] %}
            {%- endif %}
            {%- set ns = namespace(turns=0) %}
            {%- for message in messages %}
                {%- if message.role == "user" or (message.role == "assistant" and not message.tool_calls) %}
                    {%- set ns.turns = ns.turns + 1 %}
                    {{- '[' ~ ns.turns ~ (', last' if loop.last else '') ~ '] ' + message.content | trim + '\n' }}
                {%- else %}
                    {{- raise_exception('unknown role ' + message.role) }}
                {%- endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}{{ eos_token }}{% endif %}
            """;
        Assert.Equal("<s>Be brief.\n[1] x\n[2] y\n\nz\n[3, last] <|im_end|>\n</s>", Render(template));
        var refused = Assert.Throws<StudyException>(() => Render(template, [new ChatMessage("tool", "x")]));
        Assert.Equal("f: the chat template refuses this conversation: unknown role tool", refused.Message);
    }

    [Fact]
    public void What_a_loop_sets_is_gone_after_it() =>
        Assert.Equal("1234|0", Render("{% set n = 0 %}{% for m in messages %}{% set n = loop.index %}{{ n }}{% endfor %}|{{ n }}"));

    [Theory]
    [InlineData("{% macro f() %}{% endmacro %}", "the tag 'macro'")]
    [InlineData("{{ strftime_now('%d') }}", "the function 'strftime_now'")]
    [InlineData("{{ messages | tojson }}", "the filter 'tojson'")]
    [InlineData("{% if true %}", "'' is not expected")]
    [InlineData("{{ 'a }}", "a text without an end in line 1")]
    [InlineData("{{ a.b.c }}", "something undefined")]
    [InlineData("{% for x in 3 %}{% endfor %}", "a loop over something that is no list")]
    public void What_is_not_supported_is_named(string template, string message)
    {
        var error = Assert.Throws<StudyException>(() => Render(template));
        Assert.Contains(message, error.Message);
        Assert.StartsWith("f: ", error.Message);
    }

    [Fact]
    public void Deep_nesting_is_refused()
    {
        Assert.Throws<StudyException>(() => Render("{{ " + new string('(', 100_000) + "1" + new string(')', 90_000) + " }}"));
        Assert.Throws<StudyException>(() => Render(string.Concat(Enumerable.Repeat("{% if true %}", 10_000))));
    }
}
