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
    private readonly Dictionary<string, Dictionary<string, long>> _counts = [];
    private readonly Dictionary<(StudyId, string), long> _appended = [];
    private FileStream? _file;

    /// <summary>Bytes of the whole lines that were counted.</summary>
    private long _counted;

    public long Append(StudyId study, string process, long ordinal, int attempt)
    {
        var line = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{study} {process} {ordinal} {attempt}\n"));
        lock (_gate)
        {
            try
            {
                _file ??= Open();
                _file.Write(line);
                _file.Flush();
                return _appended[(study, process)] = _appended.GetValueOrDefault((study, process)) + 1;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                var problem = e is IOException io && JournalTrouble.IsDiskFull(io) ? "disk full" : e.Message.TrimEnd('.');
                throw new LedgerException($"{path}: {problem}; free space and run again, the study goes on where it was", e);
            }
        }
    }

    /// <summary>Reads only what was appended since the last time, by whichever process.</summary>
    public IReadOnlyDictionary<string, long> Count(StudyId study)
    {
        lock (_counts)
        {
            if (File.Exists(path)) CountNew();
            return _counts.TryGetValue(study.Value, out var counts) ? new Dictionary<string, long>(counts) : [];
        }
    }

    public IReadOnlyList<StudyId> Studies()
    {
        lock (_counts)
        {
            if (File.Exists(path)) CountNew();
            return [.. _counts.Keys.Where(StudyId.IsValid).Select(id => new StudyId(id))];
        }
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

    private void CountNew()
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.Length < _counted)
        {
            // Another file under the old name.
            _counts.Clear();
            _counted = 0;
        }
        file.Seek(_counted, SeekOrigin.Begin);
        var buffer = new byte[64 * 1024];
        var held = 0;
        while (file.Read(buffer, held, buffer.Length - held) is var read and > 0)
        {
            held += read;
            var lines = buffer.AsSpan(0, held).LastIndexOf((byte)'\n') + 1;
            foreach (var line in Encoding.UTF8.GetString(buffer, 0, lines).Split('\n')) CountLine(line);
            _counted += lines;
            buffer.AsSpan(lines, held - lines).CopyTo(buffer);
            held -= lines;
            if (held == buffer.Length) Array.Resize(ref buffer, 2 * buffer.Length);
        }
    }

    private void CountLine(string line)
    {
        if (line.Split(' ') is not [var study, var process, var ordinal, var attempt]) return;
        if (!long.TryParse(ordinal, out _) || !int.TryParse(attempt, out _)) return;
        if (!_counts.TryGetValue(study, out var counts)) _counts[study] = counts = [];
        counts[process] = counts.GetValueOrDefault(process) + 1;
    }
}
