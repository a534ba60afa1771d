using InterpActors.Host.Hosting;
using InterpActors.Messages.Cluster;
using Microsoft.AspNetCore.Http;

namespace InterpActors.Host.Web;

/// <summary>The cluster's members, figures for Prometheus, and the page.</summary>
internal static class ClusterRoutes
{
    public static IEnumerable<ApiRoute> All(IStudyDesk desk, MeterFigures measured) =>
    [
        ApiRoute.Get<ClusterView>("/api/cluster", "Members and workers", _ => desk.MembersAsync()),
        ApiRoute.Raw("/metrics", "Figures in Prometheus' text format", PrometheusText.Media, async http =>
        {
            var text = MetricsText.Write(await desk.ListAsync(), await desk.MembersAsync(), measured);
            http.Response.ContentType = PrometheusText.Media;
            await http.Response.WriteAsync(text, http.RequestAborted);
        }),
        ApiRoute.Raw("/", "The coordinator's page", "text/html", ClusterPage.AnswerAsync) with { Open = true },
    ];
}
