using System.Net;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace InterpActors.Compute.Reports.Features;

/// <summary>
/// One self-contained page about the latents of a dictionary: how often they fire, how training went, a list that can be searched and
/// sorted, and per latent its strongest contexts and the tokens it raises and lowers. Numbers are binary (base64), so that 50,000 latents
/// open at once.
/// </summary>
/// <param name="Densities">Share of tokens on which each latent fires.</param>
/// <param name="Contexts">Per latent, strongest first.</param>
/// <param name="Tokens">The tokens of a sequence.</param>
/// <param name="Piece">A token as people read it.</param>
/// <param name="Logits">Tokens listed per latent in each of the four arrays that follow, [latents · Logits].</param>
internal sealed record FeaturePage(
    string Name, string Architecture, string Hook, string Model, long TokenCount, double[] Densities,
    IReadOnlyList<IReadOnlyList<TopContext>> Contexts, Func<long, int[]> Tokens, Func<int, string> Piece,
    int Logits, double[] Raised, double[] RaisedBy, double[] Lowered, double[] LoweredBy)
{
    private static readonly string[] Scripts = ["dom.js", "chart.js", "features.js"];

    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    /// <summary>How its training went; empty where nobody knows.</summary>
    public IReadOnlyList<CurveChart> Curves { get; init; } = [];

    public void Write(Stream stream)
    {
        var parts = new Dictionary<string, Func<string>>
        {
            ["title"] = () => WebUtility.HtmlEncode($"Latents of {Name}"),
            ["style"] = () => ReportHtml.Resource("page.css") + '\n' + ReportHtml.Resource("features.css"),
            ["data"] = () => Data().ToJsonString(Compact),
            ["script"] = () => string.Join('\n', Scripts.Select(ReportHtml.Resource)),
        };
        ReportHtml.Fill(ReportHtml.Resource("features.html"), parts, stream);
    }

    private JsonObject Data()
    {
        var pieces = new Dictionary<int, int>();
        var words = new JsonArray();
        int Index(int token)
        {
            if (pieces.TryGetValue(token, out var known)) return known;
            words.Add(JsonValue.Create(Piece(token)));
            return pieces[token] = pieces.Count;
        }

        var starts = new int[Contexts.Count + 1];
        for (var i = 0; i < Contexts.Count; i++) starts[i + 1] = starts[i] + Contexts[i].Count;
        var window = new int[starts[^1] * TopContext.Window];
        var strengths = new byte[window.Length];
        var values = new float[starts[^1]];
        Array.Fill(window, -1);
        var c = 0;
        foreach (var context in Contexts.SelectMany(list => list))
        {
            values[c] = (float)context.Value;
            var tokens = Tokens(context.Sequence);
            var first = context.Position - TopContext.Before;
            for (var i = 0; i < TopContext.Window; i++)
            {
                if (first + i < 0 || first + i >= tokens.Length) continue;
                window[c * TopContext.Window + i] = Index(tokens[first + i]);
                strengths[c * TopContext.Window + i] = (byte)context.Activations.Span[i];
            }
            c++;
        }
        int[] Indices(double[] tokens) => [.. tokens.Select(t => Index((int)t))];
        return new JsonObject
        {
            ["name"] = Name,
            ["architecture"] = Architecture,
            ["hook"] = Hook,
            ["model"] = Model,
            ["tokens"] = TokenCount,
            ["latents"] = Densities.Length,
            ["curves"] = new JsonArray([.. Curves.Select(ReportData.Curve)]),
            ["window"] = TopContext.Window,
            ["before"] = TopContext.Before,
            ["densities"] = Bytes([.. Densities.Select(d => (float)d)]),
            ["starts"] = Bytes(starts),
            ["contexts"] = Bytes(window),
            ["strengths"] = Convert.ToBase64String(strengths),
            ["values"] = Bytes(values),
            ["logits"] = Logits,
            ["raised"] = Bytes(Indices(Raised)),
            ["raisedBy"] = Bytes([.. RaisedBy.Select(v => (float)v)]),
            ["lowered"] = Bytes(Indices(Lowered)),
            ["loweredBy"] = Bytes([.. LoweredBy.Select(v => (float)v)]),
            ["pieces"] = words,
        };
    }

    private static string Bytes<T>(T[] values) where T : unmanaged => Convert.ToBase64String(MemoryMarshal.AsBytes<T>(values));
}
