using InterpActors.Host.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace InterpActors.Host.Web;

/// <summary>The run folder of a study that is over: what is in it, and each file.</summary>
internal sealed class ResultRoutes(IStudyDesk desk, ResultStore store)
{
    private const string Zip = "application/zip";

    public IEnumerable<ApiRoute> All() =>
    [
        ApiRoute.Get("/api/studies/{id}/results", "The files of the study's run folder, once it is over",
            async http => (await FindAsync(http)).Listing),
        ApiRoute.Raw("/api/studies/{id}/results.zip", "The study's whole run folder; answers ranges", Zip, ZipAsync),
        ApiRoute.Raw("/api/studies/{id}/results/{**name}", "One file of the study's run folder; answers ranges", "application/octet-stream",
            DownloadAsync),
    ];

    private async Task<(ResultListing Listing, string Folder)> FindAsync(HttpContext http)
    {
        var progress = await StudyRoutes.NamedAsync(http, desk);
        if (!StudyEnd.IsOver(progress.State))
        {
            throw new ApiException(StatusCodes.Status409Conflict,
                $"study {progress.Study} is not over: {progress.Committed} of {progress.Planned} units; interp watch ID waits for it");
        }
        return await store.GetAsync(progress.Study, http.RequestAborted);
    }

    private async Task DownloadAsync(HttpContext http)
    {
        var (listing, folder) = await FindAsync(http);
        var name = http.GetRouteValue("name") as string ?? "";
        // Only names of the listing are opened, so that no path leads out of the folder.
        var file = listing.Files.FirstOrDefault(f => f.Name == name)
            ?? throw new ApiException(StatusCodes.Status404NotFound, $"the results of {listing.Study} have no such file");
        var media = Path.GetExtension(name) switch
        {
            ".csv" => "text/csv; charset=utf-8",
            ".json" => "application/json",
            _ => "application/octet-stream",
        };
        // A report is somebody's file: it must not run as a page of the coordinator.
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{Path.GetFileName(file.Name)}\"";
        await http.SendFileAsync(Path.Combine(folder, file.Name), file.Sha256, media);
    }

    private async Task ZipAsync(HttpContext http)
    {
        var (listing, _) = await FindAsync(http);
        var (path, sha256) = await store.ZipAsync(listing, http.RequestAborted);
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{listing.Study}.zip\"";
        await http.SendFileAsync(path, sha256, Zip);
    }
}
