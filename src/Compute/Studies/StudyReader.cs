using System.Text.Json.Nodes;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Models;
using InterpActors.Compute.Tasks;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Studies;

/// <summary>A study file read and checked, with all that can be known without the weights.</summary>
/// <param name="Canonical">The study with all defaults and content hashes.</param>
public sealed record OpenedStudy(StudyContext Context, IStudyKind Kind, IStudyMethod Method, JsonObject Canonical);

/// <summary>Reads <c>study { name, seed, model, task, metric, method }</c>, from a user's file or from a canonical form.</summary>
public static class StudyReader
{
    /// <param name="root">The whole file: an object that holds <c>study</c>.</param>
    /// <param name="folder">Where the files that it names are; afterwards it knows which these are.</param>
    /// <exception cref="StudyException">Anything wrong with the file, the model's description, the prompts or the method.</exception>
    public static OpenedStudy Read(StudyObject root, StudyFolder folder, IReadOnlyList<IStudyKind> kinds)
    {
        foreach (var key in root.Keys)
            if (key != "study")
                throw new StudyException($"unknown key '{key}'", root[key]!.Place.ToString(), "a study file holds one object, study { … }");
        var study = new StudySection(root["study"] as StudyObject
            ?? throw new StudyException("there is no study", root.Place.ToString(), "write study { … }"), "study");

        var name = study.Text("name");
        if (string.IsNullOrWhiteSpace(name)) throw study.Wrong("name", "is empty");
        var seed = study.Long("seed", 0, 0);
        // Where results go bears on no number, so it is not part of the study's identity.
        study.OptionalText("output");
        study.Canonical.Remove("output");

        var methodSection = study.Section("method");
        var kind = kinds.First(k => k.Name == methodSection.OneOf("kind", [.. kinds.Select(x => x.Name)]));

        var model = kind.TakesTask || study.Has("model") ? ReadModel(study.Section("model"), folder) : null;
        var tokenizer = model is null ? null : TokenizerLoader.Load(model.Location);
        var task = kind.TakesTask ? ReadTask(study.Section("task"), folder, seed, tokenizer, model!.Config) : null;
        var metric = task is null ? null : MetricSpec.Read(study.Section("metric"), task, kind.DefaultMetric);
        var context = new StudyContext(name, seed, folder, model, tokenizer, task, metric)
        {
            Sweep = !kind.TakesTask && study.Has("sweep") ? study.Section("sweep") : null,
        };
        var method = kind.Read(methodSection, context);
        study.Finish();
        return new OpenedStudy(context, kind, method, new JsonObject { ["study"] = study.Canonical });
    }

    private static StudyModel ReadModel(StudySection section, StudyFolder folder)
    {
        var path = section.Text("path");
        var type = section.OneOf("dtype", ["fp32", "fp64"], "fp32") == "fp64" ? ScalarType.Float64 : ScalarType.Float32;
        var folded = section.OneOf("processing", ["none", "folded"], "none") == "folded";
        var location = folder.Model(path);
        var config = ModelLoader.ReadConfig(location);
        var sha256 = ModelLoader.Sha256(location);
        FileHash.Pin(section, "sha256", sha256, path);
        foreach (var file in ModelLoader.Files(location)) folder.Note(path, file.Name, file.Sha256, file.Bytes);
        return new StudyModel(location, path, config, type, folded ? WeightProcessing.Folded : WeightProcessing.None, sha256);
    }

    private static TaskData ReadTask(StudySection section, StudyFolder folder, long seed, ITokenizer? tokenizer, ModelConfig config)
    {
        var task = TaskReader.Read(section, folder, seed, tokenizer, config);
        if (task.Prompts.Count == 0)
            throw new StudyException("there are no prompts", section.Place.ToString(),
                task.Dropped is [var first, ..] ? $"all were dropped, the first because {first.Reason}" : null);
        foreach (var prompt in task.Prompts)
        {
            Check(prompt, prompt.Clean, config, section);
            if (prompt.Corrupted is null) continue;
            Check(prompt, prompt.Corrupted, config, section);
            if (prompt.Corrupted.Length != prompt.Clean.Length)
                throw new StudyException(
                    $"prompt {prompt.Id} has {prompt.Clean.Length} clean and {prompt.Corrupted.Length} corrupted tokens",
                    section.Place.ToString(), "a pair must have equal lengths");
        }
        return task;
    }

    private static void Check(PromptPair prompt, int[] tokens, ModelConfig config, StudySection section)
    {
        if (tokens.Length == 0) throw new StudyException($"prompt {prompt.Id} is empty", section.Place.ToString());
        if (tokens.Length > config.ContextLength)
            throw new StudyException($"prompt {prompt.Id} has {tokens.Length} tokens, the model's context is {config.ContextLength}",
                section.Place.ToString());
        foreach (var token in tokens.Concat(prompt.Answers).Concat(prompt.Wrong))
            if (token < 0 || token >= config.Vocabulary)
                throw new StudyException($"prompt {prompt.Id} holds token {token}, the model's vocabulary ends at {config.Vocabulary - 1}",
                    section.Place.ToString());
    }
}
