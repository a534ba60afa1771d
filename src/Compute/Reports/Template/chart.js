// What a short name of a chart counts.
const COUNTED = {
  l0: "latents on a row, ",
  dead: "latents silent for long, ",
};

// Lines in a frame, so many pixels wide: one chart of curves over time.
function chartOf(chart, width) {
  const series = chart.series.map((one, i) => ({ ...one, tone: `var(--t${i % 8})`, points: one.x.map((x, k) => [x, one.y[k]]) }));
  const points = series.flatMap(one => one.points).filter(([, y]) => y !== null);
  const figure = h("figure", {}, h("figcaption", {}, h("b", {}, chart.title), h("span", {}, `${COUNTED[chart.title] ?? ""}over ${chart.across}`)));
  if (points.length === 0) return element(figure, {}, [h("p", { class: "muted" }, "Nothing to draw.")]);
  const height = 240,
    [left, right, top, bottom] = [56, 12, 8, 28];
  const [first, last] = extent(points.map(p => p[0]));
  let [low, high] = extent(points.map(p => p[1]));
  // A level line in the middle, but nothing below 0 where there is nothing.
  if (high - low === 0) [low, high] = low === 0 ? [0, 1] : [low - 0.5, high + 0.5];
  const x = v => left + ((v - first) / (last - first || 1)) * (width - left - right),
    y = v => height - bottom - ((v - low) / (high - low)) * (height - top - bottom);
  const across = ticks(first, last || first + 1, Math.floor(width / 90)),
    up = ticks(low, high, 4);
  const path = one => {
    let out = "",
      pen = "M";
    for (const [px, py] of one.points) {
      if (py === null) pen = "M";
      else {
        out += `${pen}${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
        pen = "L";
      }
    }
    return out;
  };
  const words = series.map(one => `${one.name} ends at ${number(one.y[one.y.length - 1])}`).join(", ");
  return element(figure, {}, [
    s(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, width: "100%", role: "img", "aria-label": `${chart.title}: ${words}` },
      up.values.map(v =>
        s("g", { class: "tick" }, s("line", { x1: left, x2: width - right, y1: y(v), y2: y(v) }), s("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, up.text(v))),
      ),
      across.values.map(v => s("g", { class: "tick" }, s("text", { x: x(v), y: height - 8, "text-anchor": "middle" }, across.text(v)))),
      series.map(one => s("path", { d: path(one), fill: "none", style: { stroke: one.tone, "stroke-width": "1.6" } }, s("title", {}, one.name))),
    ),
    series.length > 1 &&
      h(
        "p",
        { class: "keys" },
        series.map(one => h("span", {}, h("i", { style: { background: one.tone } }), one.name)),
      ),
  ]);
}
