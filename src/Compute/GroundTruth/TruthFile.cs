using System.Text.Json.Nodes;

namespace InterpActors.Compute.GroundTruth;

/// <summary>
/// <c>truth.json</c> of a hand-built model: every effect of its heads as the rules give it. Cells name the intervention (<c>none</c>,
/// <c>zero</c>: z of the heads set to 0 in the clean run, <c>denoise</c>: z of the heads taken from the clean run in the corrupted run;
/// at all positions) and give the metric after it.
/// </summary>
internal static class TruthFile
{
    private const double Tolerance = 1e-9;

    public static JsonObject Of(HandBuiltModel model, string weightsSha256)
    {
        var truth = new JsonObject
        {
            ["model"] = model.Name,
            ["beta"] = model.Beta,
            ["gamma"] = model.Gamma,
            ["weights_sha256"] = weightsSha256,
            ["dtype"] = "fp64",
            ["tolerance"] = Tolerance,
        };
        if (model.Name == "gt-ind") Induction(truth, new InductionCircuit(model.Beta, model.Gamma));
        else Ioi(truth, new IoiCircuit(model.Beta, model.Gamma, backup: model.Name == "gt-ioi-b"));
        return truth;
    }

    // The circuits treat all content tokens alike, so one order stands for all.
    private static void Induction(JsonObject truth, InductionCircuit circuit)
    {
        int[] half = [2, 3, 4, 5, 6, 7, 8, 9];
        int[] tokens = [0, .. half, .. half];
        truth["task"] = "BOS, 8 different tokens in random order, the same again";
        truth["metric"] = "nll: mean over the 7 predictions inside the second half; nll_end: the last of them; accuracy over them";
        truth["cells"] = new JsonArray([.. new string[][] { [], ["0.0"], ["1.0"] }.Select(zeroed =>
        {
            var at = Enumerable.Range(9, 7).Select(p => (Logits: circuit.Logits(tokens, p, zeroed), Next: tokens[p + 1])).ToArray();
            return (JsonNode)new JsonObject
            {
                ["intervention"] = zeroed.Length == 0 ? "none" : "zero", ["heads"] = Words(zeroed),
                ["nll"] = Number(at.Average(x => InductionCircuit.NegativeLogLikelihood(x.Logits, x.Next))),
                ["nll_end"] = Number(InductionCircuit.NegativeLogLikelihood(at[^1].Logits, at[^1].Next)),
                ["accuracy"] = at.Average(x => Enumerable.Range(0, x.Logits.Length)
                    .All(t => t == x.Next || x.Logits[t] < x.Logits[x.Next]) ? 1.0 : 0.0),
            };
        })]);
    }

    private static void Ioi(JsonObject truth, IoiCircuit circuit)
    {
        truth["task"] = "kind = ioi (symbols), corruption = s2-io-flip";
        truth["metric"] = "logit difference at END; subject_first: A is S; io_first: B is S; balanced: their mean";
        truth["distractors"] = Words(circuit.Distractors);
        truth["distractor_effect"] = 0;
        List<(string Kind, string Run, string[] Heads)> cells = [("none", "clean", []), ("none", "corrupted", [])];
        cells.AddRange(circuit.Heads.Select(h => ("zero", "clean", new[] { h })));
        string[] movers = [.. circuit.Heads.Where(h => h is "2.0" or "3.0" or "3.1")];
        for (var i = 0; i < movers.Length; i++)
            for (var j = i + 1; j < movers.Length; j++) cells.Add(("zero", "clean", [movers[i], movers[j]]));
        if (movers.Length == 3) cells.Add(("zero", "clean", movers));
        cells.AddRange(circuit.Heads.Select(h => ("denoise", "corrupted", new[] { h })));
        truth["cells"] = new JsonArray([.. cells.Select(c =>
        {
            double Value(bool subjectFirst) => circuit.LogitDifference(
                subjectFirst, c.Run == "corrupted", c.Kind == "zero" ? c.Heads : null, c.Kind == "denoise" ? c.Heads : null);
            return (JsonNode)new JsonObject
            {
                ["intervention"] = c.Kind, ["run"] = c.Run, ["heads"] = Words(c.Heads),
                ["subject_first"] = Number(Value(true)), ["io_first"] = Number(Value(false)),
                ["balanced"] = Number((Value(true) + Value(false)) / 2),
            };
        })]);
    }

    // Exponentials differ in their last digits from one platform to the next; the file does not.
    private static double Number(double x) => Math.Round(x, 12) + 0.0;

    private static JsonArray Words(IEnumerable<string> words) => new([.. words.Select(w => (JsonNode?)JsonValue.Create(w))]);
}
