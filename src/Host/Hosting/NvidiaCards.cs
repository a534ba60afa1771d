using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace InterpActors.Host.Hosting;

/// <summary>
/// NVIDIA cards as the driver's own tool lists them, in the order of CUDA's device numbers (those of <c>CUDA_VISIBLE_DEVICES</c>, where it
/// is set; on machines with cards of several kinds, with <c>CUDA_DEVICE_ORDER=PCI_BUS_ID</c>).
/// </summary>
/// <param name="tool">Its name or path.</param>
/// <param name="visible">The value of <c>CUDA_VISIBLE_DEVICES</c>; null for all.</param>
internal sealed class NvidiaCards(string tool, string? visible)
{
    private static readonly string[] Query = ["--query-gpu=uuid,memory.used,memory.total", "--format=csv,noheader,nounits"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public NvidiaCards() : this("nvidia-smi", Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES"))
    {
    }

    /// <summary>One card.</summary>
    public sealed record Card(string Uuid, long UsedBytes, long TotalBytes);

    /// <summary>The cards that CUDA sees; none where the tool is missing or says nothing in time.</summary>
    public IReadOnlyList<Card> Visible()
    {
        var all = All();
        if (visible is null) return all;
        var seen = new List<Card>();
        foreach (var word in visible.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var card = int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                ? all.ElementAtOrDefault(index) : all.FirstOrDefault(c => c.Uuid.StartsWith(word, StringComparison.Ordinal));
            // CUDA stops at the first that is none.
            if (card is null) break;
            seen.Add(card);
        }
        return seen;
    }

    private List<Card> All()
    {
        try
        {
            var start = new ProcessStartInfo(tool, Query) { RedirectStandardOutput = true, RedirectStandardError = true };
            using var process = Process.Start(start)!;
            _ = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEndAsync();
            if (!output.Wait(Patience))
            {
                process.Kill();
                return [];
            }
            return [.. output.Result.Split('\n').Select(Parse).OfType<Card>()];
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException or AggregateException)
        {
            return [];
        }
    }

    private static Card? Parse(string line) =>
        line.Split(',', StringSplitOptions.TrimEntries) is [var uuid, var used, var total]
            && long.TryParse(used, NumberStyles.None, CultureInfo.InvariantCulture, out var u)
            && long.TryParse(total, NumberStyles.None, CultureInfo.InvariantCulture, out var t) ? new Card(uuid, u << 20, t << 20) : null;
}
