using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using Microsoft.AspNetCore.Http;

namespace InterpActors.Host.Web;

/// <summary>
/// The heat maps of the studies that somebody looks at, filled in from the journal no more often than every beat, however many look.
/// </summary>
internal sealed class LiveMaps(IStudyDesk desk, IStudyPlanner planner, IPartialResults partial, WebOptions options)
{
    private const int Kept = 8;

    private readonly Dictionary<StudyId, StudyMaps> _shown = [];

    public ApiRoute Route() =>
        ApiRoute.Get("/api/studies/{id}/cells", "The study's heat maps as far as they are filled in", AnswerAsync) with
        {
            Query = [("since", "the version that the reader has: only rows that changed since are sent")],
        };

    private async Task<StudyCells> AnswerAsync(HttpContext http)
    {
        var study = (await StudyRoutes.NamedAsync(http, desk)).Study;
        return await Of(study).AnswerAsync(http.Request.Query["since"].ToString(), http.RequestAborted);
    }

    private StudyMaps Of(StudyId study)
    {
        lock (_shown)
        {
            if (!_shown.TryGetValue(study, out var maps)) _shown[study] = maps = new StudyMaps(study, desk, planner, partial, options);
            maps.Asked = DateTimeOffset.UtcNow;
            if (_shown.Count > Kept) _shown.Remove(_shown.MinBy(s => s.Value.Asked).Key);
            return maps;
        }
    }
}
