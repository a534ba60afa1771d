using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace InterpActors.Host.Web;

/// <summary>Studies: submitting, listing, looking at one, pausing, resuming, cancelling.</summary>
internal sealed class StudyRoutes(IStudyDesk desk, IStudyPlanner planner, Submissions submissions)
{
    public IEnumerable<ApiRoute> All() =>
    [
        ApiRoute.Get("/api/studies", "Every study, in the order of submission", async _ => new StudyListing(await desk.ListAsync())),
        ApiRoute.Post("/api/studies", "Submits a study; one that is known already is not run twice", SubmitAsync, typeof(StudySubmission)),
        ApiRoute.Get("/api/studies/{id}", "One study: what it is, where it stands, its processes and failures", DetailAsync),
        ApiRoute.Post("/api/studies/{id}/pause", "Hands out no more units; those being computed are still taken",
            http => ChangeAsync(http, desk.PauseAsync)),
        ApiRoute.Post("/api/studies/{id}/resume", "Goes on after a pause", http => ChangeAsync(http, desk.ResumeAsync)),
        ApiRoute.Post("/api/studies/{id}/cancel", "Stops for good; what is committed stays", http => ChangeAsync(http, desk.CancelAsync)),
    ];

    /// <summary>The study that a request's path names.</summary>
    /// <exception cref="ApiException">There is none.</exception>
    public static async Task<StudyProgress> NamedAsync(HttpContext http, IStudyDesk desk)
    {
        var text = http.GetRouteValue("id") as string ?? "";
        StudyId id;
        try
        {
            id = new StudyId(text);
        }
        catch (ArgumentException)
        {
            throw Unknown(text);
        }
        return await desk.ProgressAsync(id) ?? throw Unknown(text);
    }

    private async Task<SubmissionReply> SubmitAsync(HttpContext http)
    {
        var reply = await submissions.SubmitAsync(await http.ReadAsync<StudySubmission>(), http.RequestAborted);
        if (reply.Created) http.Response.StatusCode = StatusCodes.Status201Created;
        http.Response.Headers.Location = $"/api/studies/{reply.Study}";
        return reply;
    }

    private async Task<StudyDetail> DetailAsync(HttpContext http)
    {
        var progress = await NamedAsync(http, desk);
        var study = await desk.DefinitionAsync(progress.Study) ?? throw Unknown(progress.Study.Value);
        var history = await desk.HistoryAsync(progress.Study);
        var headline = await Task.Run(() => Headline(study));
        return new StudyDetail(study.Id, study.Name, study.Kind, headline, study.Execution.Threads, progress, history);
    }

    private async Task<StudyProgress> ChangeAsync(HttpContext http, Func<StudyId, Task> change)
    {
        var progress = await NamedAsync(http, desk);
        if (StudyEnd.IsOver(progress))
            throw new ApiException(StatusCodes.Status409Conflict,
                $"study {progress.Study} is over; there is nothing to pause, resume or cancel");
        await change(progress.Study);
        return await desk.ProgressAsync(progress.Study) ?? progress;
    }

    /// <summary>What a study is about; its model may be gone since it was submitted.</summary>
    private string Headline(Study study)
    {
        try
        {
            return planner.Plan(study).Headline;
        }
        catch (StudyException)
        {
            return study.Kind;
        }
    }

    private static ApiException Unknown(string id) =>
        new(StatusCodes.Status404NotFound,
            $"no study '{(id.Length > 80 ? id[..80] + "…" : id)}' is known here; interp list shows those that are");
}
