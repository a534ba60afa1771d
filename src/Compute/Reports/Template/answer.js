// First screen: the sentence, the baselines on one line, how far to trust them.
const STATES = {
  completed: "completed",
  "completed-with-errors": "completed, some units failed",
  paused: "paused",
  cancelled: "cancelled",
  running: "still running",
};

function drawAnswer() {
  const b = R.baselines,
    [planned, committed, failed] = R.units;
  const tone = R.state === "completed" ? "good" : R.state === "completed-with-errors" ? "bad" : "doubtful";
  const size = R.answer.length > 220 ? "long" : R.answer.length > 130 ? "medium" : "short";
  const facts = [
    [plural(b.n, "prompt"), R.dropped.length ? `${R.dropped.length} more dropped` : "all used"],
    b.accuracy === null ? null : [percent(b.accuracy), "answered right (clean)"],
    [whole(total ? cells.n.reduce((sum, n) => sum + !Number.isNaN(n), 0) : 0), "cells measured"],
    [`${whole(committed)} of ${whole(planned)}`, failed ? `units done, ${failed} failed` : "units done"],
  ].filter(Boolean);
  byId("answer").replaceChildren(
    h("p", { class: "eyebrow" }, h("strong", {}, R.name), h("span", {}, R.headline), h("span", { class: `pill ${tone}` }, STATES[R.state])),
    h("h1", { class: size }, R.answer),
    h(
      "div",
      { class: "first" },
      h(
        "div",
        { class: "panel" },
        h("h3", {}, `Baselines: ${metricWords}, 95 % intervals`),
        h("div", { id: "baselines" }),
        h(
          "dl",
          { class: "figures" },
          facts.map(([value, words]) => h("div", {}, h("dt", {}, value), h("dd", {}, words))),
        ),
      ),
      h(
        "div",
        { class: "panel" },
        h("h3", {}, "How far to trust this"),
        R.trust.length
          ? h(
              "ul",
              { class: "trust" },
              R.trust.map(t =>
                h(
                  "li",
                  { class: t.state },
                  h("span", { class: "light", role: "img", "aria-label": t.state }),
                  h("span", {}, h("b", {}, sentence(t.name)), h("span", {}, sentence(t.words))),
                ),
              ),
            )
          : h("p", { class: "muted" }, "No checks apply to this study."),
      ),
    ),
    warnings(),
  );
  drawBaselines();
}

function warnings() {
  const all = [
    ...R.failures.map(f => `${f.label}: given up after ${plural(f.attempts, "attempt")} (${f.error})`),
    ...R.warnings,
    ...R.scoreNotes,
  ];
  if (R.failures.length > 1)
    all.unshift(`${plural(R.failures.length, "unit")} failed and were given up; their cells are hatched in the maps.`);
  if (unfinished) all.unshift(`This run is ${STATES[R.state]}: ${whole(R.units[1])} of ${whole(R.units[0])} units are in this report.`);
  if (all.length === 0) return "";
  const [first, ...rest] = all;
  return h(
    "div",
    { class: "callout", role: "note" },
    h("p", {}, first),
    rest.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, `${plural(rest.length, "more note")}`),
        h(
          "ul",
          {},
          rest.map(w => h("li", {}, w)),
        ),
      ),
  );
}

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
