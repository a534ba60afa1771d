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
internal sealed class Submissions(IStudyDesk desk, IStudyPlanner planner, StudyIntake intake, InputKeeper keeper, WebOptions options)
{
    private readonly SemaphoreSlim _turn = new(1);
    private int _waiting;

    /// <exception cref="ApiException">
    /// The study cannot be run as written, or too many wait or are unfinished; nothing was started.
    /// </exception>
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
                var (study, files) = await OnOwnThread(() => Compile(submission));
                try
                {
                    return await AcceptAsync(study, submission.Priority, files);
                }
                catch
                {
                    files.Dispose();
                    throw;
                }
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

    private async Task<SubmissionReply> AcceptAsync(Study study, int? priority, IStudyFilesHeld files)
    {
        var known = await desk.ProgressAsync(study.Id);
        if (known is null && (await desk.ListAsync()).Count(s => !StudyEnd.IsOver(s)) >= options.MaximumUnfinished)
            throw Busy($"{options.MaximumUnfinished} studies are unfinished; wait for some, or cancel some");
        // What is known has passed before.
        var plan = await OnOwnThread(() => Check(study, verify: known is null), files.InUsersWords);
        var progress = await desk.SubmitAsync(study, priority);
        keeper.Keep(study.Id, files);
        return new SubmissionReply(study.Id, known is null, plan.Headline, progress);
    }

    private IStudyPlan Check(Study study, bool verify)
    {
        var plan = planner.Plan(study);
        if (verify) intake.Verify(study, plan.Estimate.MemoryBytes);
        return plan;
    }

    /// <summary>Reads files and may compute for long, so not on a thread of the pool, which answers heartbeats too.</summary>
    private static async Task<T> OnOwnThread<T>(Func<T> work, Func<string, string>? words = null)
    {
        try
        {
            return await Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        catch (StudyException e)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, words?.Invoke(e.Message) ?? e.Message);
        }
    }

    private (Study Study, IStudyFilesHeld Files) Compile(StudySubmission submission)
    {
        var file = submission.File is { Length: > 0 and <= 200 } name ? name : "study";
        if (!Path.IsPathFullyQualified(submission.Folder))
            throw new StudyException($"'{submission.Folder}' is not an absolute path", "folder",
                "give the folder that the study's relative paths start from");
        if (submission.Threads is < 1 or > 4096)
            throw new StudyException($"{submission.Threads} threads are not possible", "threads", "1 to 4096");
        if (submission.Priority is { } priority) StudyPriority.Check(priority);
        if (submission.Inputs is null && !Directory.Exists(submission.Folder))
            throw new StudyException("the coordinator has no such folder", submission.Folder, "submit from where the study's files are");
        if (submission.Inputs is { } inputs && intake.Missing(submission.Folder, inputs) is { Count: > 0 } missing)
            throw new ApiException(StatusCodes.Status409Conflict,
                $"{missing.Count} of the study's files are not here, e.g. {missing[0].Name ?? missing[0].Path}; "
                + "send them to /api/artifacts first");
        var root = StudyFile.Parse(submission.Source, file, submission.Set);
        if (root["study"] is not StudyObject)
            throw new StudyException("the file has no object 'study'", root["study"]?.Place.ToString() ?? file, "write study { … }");
        return intake.Compile(submission, root);
    }

    private static ApiException Busy(string line) => new(StatusCodes.Status429TooManyRequests, line);
}
