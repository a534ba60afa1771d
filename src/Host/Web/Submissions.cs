using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using Microsoft.AspNetCore.Http;

namespace InterpActors.Host.Web;

/// <summary>
/// Compiles submitted studies, one at a time, and hands them to the desk. Whoever submits faster than that is told to come again, so that
/// neither memory nor the list of studies grows without bound.
/// </summary>
internal sealed class Submissions(IStudyDesk desk, IStudyPlanner planner, WebOptions options)
{
    private readonly SemaphoreSlim _turn = new(1);
    private int _waiting;

    /// <exception cref="ApiException">The study cannot be run as written, or too many wait or are unfinished; nothing was started.</exception>
    public async Task<SubmissionReply> SubmitAsync(StudySubmission submission, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _waiting) > options.MaximumWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw Busy($"{options.MaximumWaiting} submissions are waiting already; submit again in a moment");
        }
        try
        {
            await _turn.WaitAsync(cancellation);
            try
            {
                var (study, plan) = await Task.Run(() => Compile(submission), cancellation);
                var known = await desk.ProgressAsync(study.Id);
                if (known is null && (await desk.ListAsync()).Count(s => !StudyEnd.IsOver(s)) >= options.MaximumUnfinished)
                    throw Busy($"{options.MaximumUnfinished} studies are unfinished; wait for some, or cancel some");
                return new SubmissionReply(study.Id, known is null, plan.Headline, await desk.SubmitAsync(study, submission.Priority));
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private (Study Study, IStudyPlan Plan) Compile(StudySubmission submission)
    {
        try
        {
            return CompileChecked(submission);
        }
        catch (StudyException e)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, e.Message);
        }
    }

    private (Study Study, IStudyPlan Plan) CompileChecked(StudySubmission submission)
    {
        var file = submission.File is { Length: > 0 and <= 200 } name ? name : "study";
        if (!Path.IsPathFullyQualified(submission.Folder))
            throw new StudyException($"'{submission.Folder}' is not an absolute path", "folder",
                "give the folder that the study's relative paths start from");
        if (submission.Threads is < 1 or > 4096)
            throw new StudyException($"{submission.Threads} threads are not possible", "threads", "1 to 4096");
        if (submission.Priority is { } priority) StudyPriority.Check(priority);
        if (!Directory.Exists(submission.Folder))
            throw new StudyException("the coordinator has no such folder", submission.Folder, "submit from a path that it shares");
        var root = StudyFile.Parse(submission.Source, file, submission.Set);
        if (root["study"] is not StudyObject)
            throw new StudyException("the file has no object 'study'", root["study"]?.Place.ToString() ?? file, "write study { … }");
        var study = StudyCompiler.Compile(root, submission.Source, submission.Folder, submission.Threads ?? 1);
        return (study, planner.Plan(study));
    }

    private static ApiException Busy(string line) => new(StatusCodes.Status429TooManyRequests, line);
}
