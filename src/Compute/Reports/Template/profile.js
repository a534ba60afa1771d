// Strongest cell of each layer by component, and the ten strongest cells of all.
function drawProfile() {
  const several = maps.some(m => m.headCount * m.slotCount > 1);
  byId("profile").replaceChildren(
    sectionHead("profile", "3", "Profile"),
    h(
      "div",
      { class: "two" },
      h(
        "figure",
        {},
        h(
          "figcaption",
          {},
          h("b", {}, `${state.quantity === "score" ? "Score" : "Effect"} over layers`),
          h("span", {}, several ? "the strongest cell of each layer, with its 95 % interval" : "with 95 % intervals"),
        ),
        h("div", { id: "curves" }),
      ),
      h(
        "figure",
        {},
        h("figcaption", {}, h("b", {}, "Strongest cells"), h("span", {}, "with 95 % intervals; click to pin")),
        h("div", { id: "bars" }),
      ),
    ),
  );
  drawCurves();
  drawBars();
}

function curveOf(map) {
  const points = [];
  for (let layer = 0; layer < map.rows; layer++) {
    let best = -1;
    for (let i = cellAt(map, layer, 0, 0), end = i + map.headCount * map.slotCount; i < end; i++)
      if (!Number.isNaN(shown(i)) && (best < 0 || Math.abs(shown(i)) > Math.abs(shown(best)))) best = i;
    if (best >= 0 && map.layers[layer] !== null)
      points.push({ layer: map.layers[layer], cell: best, value: shown(best), ci: interval(best) });
  }
  return points;
}

function drawCurves() {
  const host = byId("curves"),
    width = Math.max(300, host.clientWidth),
    height = 300,
    series = maps.map((map, i) => ({ map, tone: `var(--t${i % 8})`, points: curveOf(map) })).filter(c => c.points.length);
  const all = series.flatMap(c => c.points);
  if (all.length === 0) {
    host.replaceChildren(h("p", { class: "muted" }, "Nothing to draw."));
    return;
  }
  const layers = all.map(p => p.layer),
    first = Math.min(...layers),
    last = Math.max(...layers),
    values = all.flatMap(p => [p.value, ...(p.ci ?? [])]);
  let low = Math.min(0, ...values),
    high = Math.max(0, ...values);
  // A band far wider than the curves would flatten them; it is cut at the frame instead.
  const most = Math.max(...all.map(p => Math.abs(p.value))) || 1;
  low = Math.max(low, -1.8 * most);
  high = Math.min(high, 1.8 * most);
  if (high - low === 0) high = low + 1;
  const pad = (high - low) * 0.05,
    names = Math.max(...series.map(c => c.map.title.length)) * 7 + 18,
    left = 44,
    right = Math.min(names, width * 0.35),
    top = 10,
    bottom = height - 34;
  const x = layer => left + (last === first ? 0.5 : (layer - first) / (last - first)) * (width - left - right);
  const y = v => bottom - ((Math.min(high, Math.max(low, v)) - low + pad) / (high - low + 2 * pad)) * (bottom - top);
  const vertical = ticks(low - pad, high + pad, 5),
    step = Math.max(1, Math.ceil((last - first + 1) / ((width - left - right) / 26)));
  // Names stand at the curves' ends, pushed apart where they would collide.
  const ends = series.map(c => ({ c, y: y(c.points[c.points.length - 1].value) })).sort((a, b) => a.y - b.y);
  for (let i = 1; i < ends.length; i++) ends[i].y = Math.max(ends[i].y, ends[i - 1].y + 15);
  const over = ends.length ? ends[ends.length - 1].y - bottom : 0;
  if (over > 0)
    for (let i = ends.length - 1, limit = bottom; i >= 0; i--, limit = ends[i + 1].y - 15) ends[i].y = Math.min(ends[i].y, limit);
  host.replaceChildren(
    s(
      "svg",
      {
        width,
        height,
        role: "img",
        "aria-label": series
          .map(c => {
            const p = c.points.reduce((a, b) => (Math.abs(b.value) > Math.abs(a.value) ? b : a));
            return `${c.map.title}: strongest at layer ${p.layer}, ${number(p.value)}`;
          })
          .join("; "),
      },
      vertical.values.map(v =>
        s(
          "g",
          { class: Math.abs(v) < 1e-12 ? "tick zero" : "tick" },
          s("line", { x1: left, x2: width - right, y1: y(v), y2: y(v) }),
          s("text", { x: left - 8, y: y(v) + 4, "text-anchor": "end" }, vertical.text(v)),
        ),
      ),
      Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step).map(l =>
        s("text", { class: "label", x: x(l), y: bottom + 16, "text-anchor": "middle" }, l),
      ),
      s("text", { class: "label", x: (left + width - right) / 2, y: height - 3, "text-anchor": "middle" }, "layer"),
      series.map(
        c =>
          c.points.every(p => p.ci) &&
          s("path", {
            class: "band",
            style: { "--tone": c.tone },
            d: `M${c.points.map(p => `${x(p.layer)},${y(p.ci[1])}`).join("L")}L${[...c.points]
              .reverse()
              .map(p => `${x(p.layer)},${y(p.ci[0])}`)
              .join("L")}Z`,
          }),
      ),
      series.map(c => {
        const path = c.points.map(p => `${x(p.layer)},${y(p.value)}`).join("L");
        return s("path", { class: "curve", style: { "--tone": c.tone }, d: `M${path}` });
      }),
      series.map(c =>
        c.points.map(p =>
          s("circle", {
            class: "knot",
            style: { "--tone": c.tone },
            cx: x(p.layer),
            cy: y(p.value),
            r: all.length > 160 ? 2 : 3,
            onclick: () => pin(p.cell, true),
            onpointerenter: e => showTip(p.cell, e.clientX, e.clientY, 0, false),
            onpointerleave: hideTip,
          }),
        ),
      ),
      ends.map(e => {
        const p = e.c.points[e.c.points.length - 1];
        return [
          s("path", { class: "lead", style: { "--tone": e.c.tone }, d: `M${x(p.layer) + 5},${y(p.value)}L${x(p.layer) + 12},${e.y}` }),
          s("text", { class: "name", style: { "--tone": e.c.tone }, x: x(p.layer) + 15, y: e.y + 4 }, e.c.map.title),
        ];
      }),
    ),
  );
}

function drawBars() {
  const top = strongest(10),
    cis = top.map(interval),
    values = top.map(shown);
  const most = Math.max(...values.map(Math.abs), 1e-300),
    ends = [...values, ...cis.flat().filter(v => v !== null)].map(v => Math.max(-1.5 * most, Math.min(1.5 * most, v)));
  const low = Math.min(0, ...ends),
    high = Math.max(0, ...ends),
    span = high - low || 1,
    at = v => Math.max(0, Math.min(100, ((v - low) / span) * 100));
  byId("bars").replaceChildren(
    h(
      "ol",
      { class: "bars" },
      top.map((cell, i) => {
        const v = values[i],
          from = at(Math.min(0, v)),
          ci = cis[i];
        return h(
          "li",
          {},
          h(
            "button",
            { type: "button", onclick: () => pin(cell, true), "aria-label": `${cellName(cell)}: ${number(v)}` },
            h("span", { class: "what" }, cellName(cell, true)),
            h(
              "span",
              { class: "track" },
              h("i", { class: v < 0 ? "bar minus" : "bar plus", style: { left: `${from}%`, width: `${at(Math.max(0, v)) - from}%` } }),
              low < 0 && h("i", { class: "zero", style: { left: `${at(0)}%` } }),
              ci && h("i", { class: "whisker", style: { left: `${at(ci[0])}%`, width: `${at(ci[1]) - at(ci[0])}%` } }),
            ),
            h("b", {}, number(v, true)),
          ),
        );
      }),
    ),
  );
}
