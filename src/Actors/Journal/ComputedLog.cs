using System.Globalization;
using System.Text;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Journal;

/// <summary>
/// The ledger as an append-only text file beside the journal, one line a computed unit: <c>study process ordinal attempt</c>. Each line is
/// one write to the operating system, so it survives a kill of the process; a line cut short by a full disk is skipped.
/// </summary>
public sealed class ComputedLog(string path) : IComputedLedger, IDisposable
{
    private readonly Lock _gate = new();
    private FileStream? _file;

    public void Append(StudyId study, string process, long ordinal, int attempt)
    {
        var line = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{study} {process} {ordinal} {attempt}\n"));
        lock (_gate)
        {
            try
            {
                _file ??= Open();
                _file.Write(line);
                _file.Flush();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                var problem = e is IOException io && JournalTrouble.IsDiskFull(io) ? "disk full" : e.Message.TrimEnd('.');
                throw new LedgerException($"{path}: {problem}; free space and run again, the study goes on where it was", e);
            }
        }
    }

    public IReadOnlyDictionary<string, long> Count(StudyId study)
    {
        var counts = new Dictionary<string, long>();
        if (!File.Exists(path)) return counts;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(file, Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            if (line.Split(' ') is not [var id, var process, var ordinal, var attempt] || id != study.Value) continue;
            if (!long.TryParse(ordinal, out _) || !int.TryParse(attempt, out _)) continue;
            counts[process] = counts.GetValueOrDefault(process) + 1;
        }
        return counts;
    }

    public void Dispose()
    {
        lock (_gate) _file?.Dispose();
    }

    private FileStream Open()
    {
        var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        if (file.Length > 0 && !EndsWithNewline()) file.Write("\n"u8);
        return file;
    }

    private bool EndsWithNewline()
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() == '\n';
    }
}
