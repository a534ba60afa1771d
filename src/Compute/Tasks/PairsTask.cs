using InterpActors.Compute.Studies;

namespace InterpActors.Compute.Tasks;

/// <summary>Prompt pairs from the user's own file (<see cref="PairFiles"/> says which formats).</summary>
public sealed class PairsTask : ITaskKind
{
    public string Name => "pairs";

    public string Summary =>
        "prompt pairs from a file: JSON lines with clean, corrupt, answers, wrong, roles, group, id; auto-circuit's JSON; EAP-IG's CSV";

    public IReadOnlyList<KeyHelp> Keys { get; } =
    [
        new("file", null, "the file, relative to the study file"),
        new("n", "all", "use the first n pairs"),
        new("prepend_bos", "false",
            "put the beginning-of-sequence token in front where the tokenizer does not; positions of roles count it"),
        new("column", "corrupted", "CSV only: which column holds the corrupted prompt, e.g. corrupted_hard"),
    ];

    /// <inheritdoc/>
    public TaskData Read(TaskRequest request)
    {
        var section = request.Section;
        var file = section.Text("file");
        var limit = section.Has("n") ? section.Int("n", min: 1, max: PairFiles.MaxPairs) : PairFiles.MaxPairs + 1;
        var prependBos = section.Flag("prepend_bos", false);
        var column = section.Text("column", "corrupted");
        if (file.Length == 0 || file.Contains('\0')) throw section.Wrong("file", "is not a file's name");
        var (raw, sha256, bytes) = PairFiles.Read(request.Folder.PathOf(file), file, limit, column);

        FileHash.Pin(section, "sha256", sha256, file);
        request.Folder.Note(file, null, sha256, bytes);
        var encoder = new PairEncoder(request.Tokenizer, request.Config, prependBos);
        return new TaskData(Name, [.. raw.Select(encoder.Encode)], []);
    }
}
