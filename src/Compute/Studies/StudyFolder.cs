using InterpActors.Compute.Models;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Studies;

/// <summary>
/// Where the files that a study names are: below a folder, or, where they were fetched from another machine, elsewhere. Notes every file
/// that is read through it, so that a study that was read knows its inputs. For one reading at a time.
/// </summary>
public sealed class StudyFolder
{
    private readonly IReadOnlyDictionary<string, string> _elsewhere;
    private readonly List<StudyInput> _inputs = [];

    /// <param name="root">Where relative paths start.</param>
    /// <param name="elsewhere">By a path as the study writes it: where its file or folder is instead.</param>
    public StudyFolder(string root, IReadOnlyDictionary<string, string>? elsewhere = null)
    {
        Root = Path.GetFullPath(root);
        _elsewhere = elsewhere ?? new Dictionary<string, string>();
    }

    /// <summary>Absolute; where relative paths start.</summary>
    public string Root { get; }

    /// <summary>What was read so far, each file once.</summary>
    public IReadOnlyList<StudyInput> Inputs => _inputs;

    /// <summary>True once a path led nowhere: the study's files may be on another machine.</summary>
    public bool LacksFiles { get; private set; }

    public static implicit operator StudyFolder(string root) => new(root);

    /// <summary>The absolute path of a file or folder that the study names; nothing needs to be there.</summary>
    /// <param name="path">As the study writes it.</param>
    /// <exception cref="StudyException">It is no path.</exception>
    public string PathOf(string path)
    {
        if (path.Length == 0 || path.Contains('\0')) throw new StudyException($"'{path.Replace('\0', '?')}' is not the name of a file");
        var full = _elsewhere.GetValueOrDefault(path) ?? Path.GetFullPath(path, Root);
        LacksFiles |= !Path.Exists(full);
        return full;
    }

    /// <summary>The model that the study names.</summary>
    /// <exception cref="StudyException">There is none.</exception>
    public ModelLocation Model(string nameOrPath)
    {
        try
        {
            return ModelLoader.Locate(_elsewhere.GetValueOrDefault(nameOrPath) ?? nameOrPath, Root) with { Name = nameOrPath };
        }
        catch (StudyException)
        {
            LacksFiles = true;
            throw;
        }
    }

    /// <summary>Notes a file that the study depends on.</summary>
    /// <param name="path">As the study writes it.</param>
    /// <param name="name">The file's place in the folder that the path names; null where it names the file.</param>
    public void Note(string path, string? name, string sha256, long bytes)
    {
        var input = new StudyInput(path, name, new ArtifactId(sha256), bytes);
        if (!_inputs.Contains(input)) _inputs.Add(input);
    }
}
