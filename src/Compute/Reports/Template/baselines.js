// What the answer stands on, in a study of cells: the metric without interventions.
const figuresHead = () => [h("h3", {}, `Baselines: ${metricWords}, 95 % intervals`), h("div", { id: "baselines" })];
const firstFigures = () => [
  [plural(R.baselines.n, "prompt"), R.dropped.length ? `${R.dropped.length} more dropped` : "all used"],
  R.baselines.accuracy === null ? null : [percent(R.baselines.accuracy), "answered right (clean)"],
  [whole(total ? cells.n.reduce((sum, n) => sum + !Number.isNaN(n), 0) : 0), "cells measured"],
];

// Clean, corrupted and the strongest intervened run on one axis.
function drawBaselines() {
  const b = R.baselines,
    host = byId("baselines"),
    width = Math.max(260, host.clientWidth),
    best = bestCell();
  const points = [
    { name: "clean", mean: b.clean.mean, low: b.clean.ci95[0], high: b.clean.ci95[1], kind: "clean" },
    b.corrupted && { name: "corrupted", mean: b.corrupted.mean, low: b.corrupted.ci95[0], high: b.corrupted.ci95[1], kind: "corrupted" },
    best >= 0 &&
      !Number.isNaN(cells.patched[best]) && { name: "strongest cell", mean: cells.patched[best], low: null, high: null, kind: "best" },
  ].filter(p => p && p.mean !== null);
  const values = points.flatMap(p => [p.mean, p.low, p.high]).filter(v => v !== null && Number.isFinite(v));
  let low = Math.min(0, ...values),
    high = Math.max(0, ...values);
  if (high - low === 0) high = low + 1;
  const sure = p => (p.low === null ? "" : ` ±${alike((p.high - p.low) / 2, p.mean)}`),
    chars = Math.max(...points.map(p => (number(p.mean, true) + sure(p)).length));
  const pad = (high - low) * 0.06,
    left = 112,
    right = 14 + chars * 7.6,
    row = 27,
    top = 6,
    bottom = top + row * points.length;
  const x = v => left + ((v - low + pad) / (high - low + 2 * pad)) * (width - left - right);
  const axis = ticks(low - pad, high + pad, Math.max(2, Math.floor((width - left - right) / 80)));
  const label = points.map(p => `${p.name} ${number(p.mean)}`).join(", ");
  host.replaceChildren(
    s(
      "svg",
      { width, height: bottom + 24, role: "img", "aria-label": `${metricWords}: ${label}` },
      axis.values.map(v =>
        s(
          "g",
          { class: Math.abs(v) < 1e-12 ? "tick zero" : "tick" },
          s("line", { x1: x(v), x2: x(v), y1: top, y2: bottom }),
          s("text", { x: x(v), y: bottom + 16, "text-anchor": "middle" }, axis.text(v)),
        ),
      ),
      points.map((p, i) => {
        const y = top + row * (i + 0.5);
        return s(
          "g",
          { class: `point ${p.kind}` },
          s("text", { x: 0, y: y + 4, class: "name" }, p.name),
          p.low !== null && s("line", { x1: x(p.low), x2: x(p.high), y1: y, y2: y, class: "span" }),
          s("circle", { cx: x(p.mean), cy: y, r: 4.5 }),
          s(
            "text",
            { x: width, y: y + 4, class: "value", "text-anchor": "end" },
            number(p.mean, true),
            s("tspan", { class: "muted" }, sure(p)),
          ),
        );
      }),
    ),
    best >= 0 && points.some(p => p.kind === "best")
      ? h(
          "p",
          { class: "note" },
          "Strongest cell: ",
          h("button", { type: "button", class: "link", onclick: () => pin(best, true) }, cellName(best)),
        )
      : "",
  );
}

function bestCell() {
  const found = strongest(1);
  return found.length ? found[0] : -1;
}
