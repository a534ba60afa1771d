using System.Globalization;
using InterpActors.Host.Display;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Web;

/// <summary>
/// One study's heat maps for those who look at it. A version is the name of this object and a number that counts up with every change, so
/// that a reader that comes back after a change of coordinator is sent everything.
/// </summary>
internal sealed class StudyMaps(StudyId study, IStudyDesk desk, IStudyPlanner planner, IPartialResults partial, WebOptions options)
{
    /// <summary>Longest time that one answer spends on filling in.</summary>
    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(250);

    /// <summary>A model that could not be read may be there later.</summary>
    private static readonly TimeSpan BeforeAnotherTry = TimeSpan.FromSeconds(30);

    private readonly string _name = Guid.NewGuid().ToString("N")[..8];
    private readonly Dictionary<(int Map, int Layer), (long Version, MapRow Row)> _rows = [];
    private readonly SemaphoreSlim _turn = new(1);
    private IResultMaps? _maps;
    private string? _note;
    private bool _caughtUp;
    private DateTimeOffset _filled = DateTimeOffset.MinValue;
    private DateTimeOffset _retry = DateTimeOffset.MinValue;
    private long _version;

    /// <summary>When somebody asked last.</summary>
    public DateTimeOffset Asked { get; set; }

    /// <summary>Everything that was committed before the request is in the answer, unless that says otherwise.</summary>
    /// <param name="since">The version that the reader has; anything else for none.</param>
    public async Task<StudyCells> AnswerAsync(string since, CancellationToken cancellation)
    {
        var arrived = DateTimeOffset.UtcNow;
        await _turn.WaitAsync(cancellation);
        try
        {
            // Whoever waited while another one's request filled the maps in is served by that.
            if (_filled < arrived && (_note is null || _retry < arrived))
            {
                var rest = _filled + options.Beat - DateTimeOffset.UtcNow;
                if (rest > TimeSpan.Zero) await Task.Delay(rest, cancellation);
                await FillAsync();
            }
            return Since(since);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task FillAsync()
    {
        var begun = DateTimeOffset.UtcNow;
        _maps ??= await OpenAsync();
        if (_maps is not { } maps) return;
        var payloads = await desk.PayloadsAsync(study);
        var changes = await Task.Run(() => maps.Update(payloads, Budget));
        if (changes.Rows.Count > 0) _version++;
        foreach (var row in changes.Rows) _rows[(row.Map, row.Layer)] = (_version, row);
        (_filled, _caughtUp) = (begun, changes.CaughtUp);
    }

    private async Task<IResultMaps?> OpenAsync()
    {
        var definition = await desk.DefinitionAsync(study) ?? throw new StudyException($"study {study} is not known");
        try
        {
            var plan = await Task.Run(() => planner.Plan(definition));
            var isLarge = plan.CellCount > options.MaximumCells;
            var maps = isLarge ? null : await Task.Run(() => partial.Maps(plan));
            _note = isLarge ? $"{ProgressText.Count(plan.CellCount)} cells are too many to be drawn here; the report has them"
                : maps is null ? "studies of this kind have no maps" : null;
            _retry = DateTimeOffset.MaxValue;
            return maps;
        }
        catch (StudyException e)
        {
            (_note, _retry) = (e.Message, DateTimeOffset.UtcNow + BeforeAnotherTry);
            return null;
        }
    }

    private StudyCells Since(string version)
    {
        var known = -1L;
        if (version.StartsWith(_name + "-", StringComparison.Ordinal)
            && long.TryParse(version.AsSpan(_name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            known = number;
        var rows = _rows.Values.Where(r => r.Version > known).Select(r => r.Row);
        return new StudyCells(study, string.Create(CultureInfo.InvariantCulture, $"{_name}-{_version}"), _maps?.Quantity,
            _caughtUp || _note is not null, _note, known >= 0 ? null : _maps?.Maps ?? [], [.. rows]);
    }
}
