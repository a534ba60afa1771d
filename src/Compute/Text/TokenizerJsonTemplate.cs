namespace InterpActors.Compute.Text;

/// <summary>Reads the <c>post_processor</c> of a tokenizer.json: which special tokens stand around the text.</summary>
internal static class TokenizerJsonTemplate
{
    private const int Longest = 1_000;

    /// <summary>Ids in order; null stands for the tokens of the text.</summary>
    internal static List<int?> Read(JsonNode node)
    {
        var template = new List<int?> { null };
        return node.IsNull ? template : Apply(node, template);
    }

    private static List<int?> Apply(JsonNode node, List<int?> inner)
    {
        var type = node["type"].Text;
        switch (type)
        {
            // Byte level here only moves the offsets of tokens in the text.
            case "ByteLevel":
                return inner;
            case "Sequence":
                return node["processors"].Items.Aggregate(inner, (current, step) => Apply(step, current));
            case "TemplateProcessing":
                return ApplyTemplate(node, inner);
            case "BertProcessing" or "RobertaProcessing":
                return [NamedId(node["cls"]), .. inner, NamedId(node["sep"])];
            default:
                throw node["type"].Unsupported($"a post-processor of type '{type}'",
                    "TemplateProcessing, ByteLevel, BertProcessing, RobertaProcessing, Sequence");
        }
    }

    private static List<int?> ApplyTemplate(JsonNode node, List<int?> inner)
    {
        var template = new List<int?>();
        foreach (var part in node["single"].Items)
        {
            var sequence = part["Sequence"];
            if (!sequence.IsNull)
            {
                if (sequence["id"].Text != "A") throw sequence["id"].Wrong("the sequence A");
                template.AddRange(inner);
            }
            else
            {
                var name = part["SpecialToken"]["id"].Text;
                template.AddRange(node["special_tokens"][name]["ids"].Items.Select(id => (int?)id.TokenId));
            }
            if (template.Count > Longest) throw node["single"].Wrong($"a template of at most {Longest} tokens");
        }
        return template;
    }

    /// <summary>The id of a token written as <c>["&lt;/s&gt;", 2]</c>.</summary>
    private static int NamedId(JsonNode node) => node.Count == 2 ? node.Items.Last().TokenId : throw node.Wrong("a token and its id");
}
