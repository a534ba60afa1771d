using System.Diagnostics.Metrics;
using InterpActors.Actors.Telemetry;

namespace InterpActors.Host.Web;

/// <summary>
/// Adds up what the actors of this process measure (<see cref="Meters"/>) from when this began to listen, for <c>/metrics</c>. Thread-safe.
/// </summary>
internal sealed class MeterFigures : IDisposable
{
    /// <summary>Upper bounds of a histogram's buckets, in seconds.</summary>
    private static readonly double[] Bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

    private readonly MeterListener _listener = new();
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, (Instrument Instrument, SortedDictionary<string, Figure> Figures)> _all =
        new(StringComparer.Ordinal);

    public MeterFigures()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != Meters.Name) return;
            lock (_gate) _all.TryAdd(instrument.Name, (instrument, new(StringComparer.Ordinal)));
            listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Add(i, value, tags));
        _listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Add(i, value, tags));
        _listener.Start();
    }

    /// <summary>Writes every figure as a family.</summary>
    public void WriteTo(PrometheusText text)
    {
        lock (_gate)
        {
            foreach (var (instrument, figures) in _all.Values)
            {
                var name = instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "");
                var help = instrument.Description ?? instrument.Name;
                if (instrument is not Histogram<double>)
                {
                    text.Family(
                        name + "_total", "counter", help, figures.Count == 0 ? [("", 0)] : figures.Select(f => (f.Key, f.Value.Sum)));
                    continue;
                }
                text.Header(name, "histogram", help);
                foreach (var (labels, figure) in figures)
                {
                    var sofar = 0L;
                    for (var b = 0; b < Bounds.Length; b++)
                        text.Sample(name + "_bucket", UpTo(labels, Bounds[b]), sofar += figure.Buckets[b]);
                    text.Sample(name + "_bucket", UpTo(labels, double.PositiveInfinity), figure.Count);
                    text.Sample(name + "_sum", labels, figure.Sum);
                    text.Sample(name + "_count", labels, figure.Count);
                }
            }
        }
    }

    public void Dispose() => _listener.Dispose();

    private static string UpTo(string labels, double bound) =>
        PrometheusText.Join(labels, PrometheusText.Label("le", PrometheusText.Number(bound)));

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = "";
        foreach (var tag in tags) labels = PrometheusText.Join(labels, PrometheusText.Label(tag.Key, $"{tag.Value}"));
        lock (_gate)
        {
            var figures = _all[instrument.Name].Figures;
            if (!figures.TryGetValue(labels, out var figure)) figures[labels] = figure = new Figure();
            figure.Add(value);
        }
    }

    private sealed class Figure
    {
        public long[] Buckets { get; } = new long[Bounds.Length];
        public double Sum { get; private set; }
        public long Count { get; private set; }

        public void Add(double value)
        {
            Sum += value;
            Count++;
            var bucket = Array.FindIndex(Bounds, b => value <= b);
            if (bucket >= 0) Buckets[bucket]++;
        }
    }
}
