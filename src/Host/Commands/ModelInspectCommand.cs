using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Compute.Models;
using InterpActors.Host.Display;

namespace InterpActors.Host.Commands;

/// <summary><c>interp model inspect MODEL</c>: family, sizes, hook points with shapes, parameters, memory.</summary>
internal static class ModelInspectCommand
{
    public static Command Create()
    {
        var model = SharedOptions.Model();
        var json = SharedOptions.Json("Prints one JSON object");
        var command = new Command("inspect", "Prints family, sizes, hook points with shapes, parameters and memory") { model, json };
        command.SetAction(parsed =>
        {
            var found = ModelLoader.Inspect(ModelCommand.Locate(parsed.GetValue(model)!));
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json)) output.WriteLine(Json(found).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            else Print(found, output);
            return ExitCode.Done;
        });
        return command;
    }

    private static void Print(ModelInspection model, TextWriter output)
    {
        var c = model.Config;
        output.WriteLine($"{c.Name} · {c.Family} · {model.Location.Path}");
        output.WriteLine($"layers      {c.Layers}");
        output.WriteLine($"heads       {c.Heads}"
            + (c.KeyValueHeads == c.Heads ? "" : $", {c.KeyValueHeads} of keys and values") + $", {c.HeadWidth} wide");
        output.WriteLine($"d_model     {c.ModelWidth}");
        output.WriteLine($"d_mlp       {(c.HasMlp ? $"{c.MlpWidth}, {Words(c.Activation)}{(c.GatedMlp ? ", gated" : "")}" : "none")}");
        output.WriteLine($"context     {c.ContextLength}, positions {c.Positions.ToString().ToLowerInvariant()}");
        output.WriteLine($"vocabulary  {ProgressText.Count(c.Vocabulary)}"
            + (model.TiedUnembedding ? ", unembedding tied" : "") + (model.HasTokenizer ? "" : ", no tokenizer"));
        output.WriteLine($"norm        {c.Norm}, eps {c.NormEpsilon.ToString("R", System.Globalization.CultureInfo.InvariantCulture)}");
        output.WriteLine($"parameters  {ProgressText.Count(model.Parameters)}  "
            + $"({string.Join(", ", model.StoredTypes.Select(t => $"{t.Key} {ProgressText.Count(t.Value)}"))})");
        output.WriteLine($"memory      {ByteSize.Words(model.BytesFp32)} in fp32, {ByteSize.Words(model.BytesFp64)} in fp64; "
            + $"{ByteSize.Words(model.FileBytes)} on disk");
        output.WriteLine();
        output.WriteLine($"hook points (blocks.0 stands for each of {c.Layers} blocks; * on request only)");
        var shown = HookNames.All(c).Where(p => !p.Name.StartsWith("blocks.", StringComparison.Ordinal)
            || p.Name.StartsWith("blocks.0.", StringComparison.Ordinal)).ToList();
        var width = shown.Max(p => p.Name.Length);
        foreach (var point in shown) output.WriteLine($"  {point.Name.PadRight(width)}  {point.Shape}{(point.OnRequest ? "  *" : "")}");
    }

    private static JsonObject Json(ModelInspection model)
    {
        var c = model.Config;
        return new JsonObject
        {
            ["name"] = c.Name,
            ["family"] = c.Family,
            ["path"] = model.Location.Path,
            ["layers"] = c.Layers,
            ["heads"] = c.Heads,
            ["key_value_heads"] = c.KeyValueHeads,
            ["d_head"] = c.HeadWidth,
            ["d_model"] = c.ModelWidth,
            ["d_mlp"] = c.MlpWidth,
            ["activation"] = Words(c.Activation),
            ["gated_mlp"] = c.GatedMlp,
            ["n_ctx"] = c.ContextLength,
            ["d_vocab"] = c.Vocabulary,
            ["norm"] = c.Norm.ToString(),
            ["norm_eps"] = c.NormEpsilon,
            ["positions"] = c.Positions.ToString().ToLowerInvariant(),
            ["tied_unembedding"] = model.TiedUnembedding,
            ["tokenizer"] = model.HasTokenizer,
            ["parameters"] = model.Parameters,
            ["stored_types"] = new JsonObject(model.StoredTypes.Select(t => KeyValuePair.Create(t.Key, (JsonNode?)t.Value))),
            ["bytes_on_disk"] = model.FileBytes,
            ["bytes_fp32"] = model.BytesFp32,
            ["bytes_fp64"] = model.BytesFp64,
            ["hook_points"] = new JsonArray([.. HookNames.All(c).Select(p =>
                (JsonNode)new JsonObject { ["name"] = p.Name, ["shape"] = p.Shape, ["on_request"] = p.OnRequest })]),
        };
    }

    private static string Words(ActivationKind activation) => activation switch
    {
        ActivationKind.None => "none",
        ActivationKind.Relu => "relu",
        ActivationKind.GeluExact => "gelu",
        ActivationKind.GeluTanh => "gelu (tanh)",
        ActivationKind.Silu => "silu",
        _ => activation.ToString(),
    };
}
