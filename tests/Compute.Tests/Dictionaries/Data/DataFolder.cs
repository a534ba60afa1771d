using InterpActors.Compute.Models;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Dictionaries.Data;

/// <summary>A temporary folder with files that a <c>data</c> section names.</summary>
internal sealed class DataFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("interp-data-").FullName;

    public string At(string name) => Path.Combine(Root, name);

    public void Write(string name, byte[] content) => File.WriteAllBytes(At(name), content);

    public void Write(string name, string content) => File.WriteAllText(At(name), content);

    /// <summary>A study whose model is only described.</summary>
    public StudyContext Study(ModelConfig config, ITokenizer? tokenizer = null) => new("test", 7, Root,
        new StudyModel(new ModelLocation(Root, "test", ModelFormat.HuggingFaceFolder), "test", config, ScalarType.Float64,
            WeightProcessing.None, "00"),
        tokenizer, null, null);

    public static StudySection Section(string text) =>
        new((StudyObject)StudyFile.Parse($"data {{ {text} }}", "test.conf")["data"]!, "study.method.data");

    public void Dispose() => Directory.Delete(Root, true);
}
