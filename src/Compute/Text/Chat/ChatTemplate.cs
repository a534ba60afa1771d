using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text.Chat;

/// <summary>Writes a conversation the way a model was trained to read it.</summary>
internal sealed class ChatTemplate
{
    internal static ChatTemplate Parse(string template, string source) =>
        throw new StudyException($"a chat template of {template.Length} characters is not supported", source);

    internal string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, string bos, string eos) =>
        string.Concat(messages.Select(m => m.Content));
}
