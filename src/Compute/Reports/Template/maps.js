// Heat maps: a canvas for the cells, an SVG over it for labels and the cursor.
const WORDS = {
  resid_pre: "residual stream before the layer",
  resid_mid: "residual stream between attention and MLP",
  resid_post: "residual stream after the layer",
  attn_out: "output of attention",
  mlp_out: "output of the MLP",
  z: "heads, before the output matrix",
  q: "queries",
  k: "keys",
  v: "values",
  pattern: "attention pattern",
  mlp_post: "MLP after its activation",
};
const GUTTER = 34,
  GAP = 28;
let drawn = [];

function drawMaps() {
  const controls = h(
    "div",
    { class: "controls" },
    h(
      "div",
      { class: "switch", role: "group", "aria-label": "Quantity" },
      ["score", "effect"].map(q =>
        h(
          "button",
          {
            type: "button",
            "aria-pressed": String(state.quantity === q),
            disabled: q === "score" ? !hasScores : !hasEffects,
            title: q === "score" && !hasScores ? (R.scoreNotes[0] ?? "this study has no scores") : null,
            onclick: () => setQuantity(q),
          },
          q,
        ),
      ),
    ),
    h(
      "select",
      {
        "aria-label": "Contrast",
        onchange: e => {
          state.contrast = Number(e.target.value);
          scale = scaleOf();
          repaint();
        },
      },
      [1, 2, 5, 10, 20].map(c => h("option", { value: String(c), selected: c === state.contrast }, `contrast ×${c}`)),
    ),
    h("div", { id: "legend" }),
  );
  byId("map").replaceChildren(
    sectionHead("map", "2", "Map", controls),
    h("p", { class: "lead" }, lead()),
    h("div", { id: "maps" }),
    h("div", { id: "detail", class: "panel", "aria-live": "off" }),
  );
  layOut();
}

function lead() {
  const score = R.kind === "ablation" || maps.every(m => !m.direction) ? "effect ÷ clean" : "the share of the way to the other run";
  const words = state.quantity === "score" ? `Score: ${score}.` : `Effect: change of the ${metricWords}.`;
  const tokens = maps.some(m => m.slots.some(x => x.token !== null)) ? " Positions carry the tokens of the first prompt." : "";
  const use = "Hover or use the arrow keys to read a cell; click or Enter pins it.";
  return `${words} Layers run upward, as the residual stream flows.${tokens} ${use}`;
}

function setQuantity(quantity) {
  state.quantity = quantity;
  scale = scaleOf();
  drawMaps();
  drawDetail();
  drawProfile();
}

// Which head or slot a column stands for: a map with heads and slots shows one of them, the other is chosen (or the strongest wins).
function columnsOf(map) {
  const both = map.heads && map.slotKind;
  map.axis ??= map.heads ? "head" : "slot";
  map.choice ??= -1;
  const count = map.axis === "head" ? map.headCount : map.slotCount;
  const others = both ? (map.axis === "head" ? map.slotCount : map.headCount) : 1;
  const pick = (layer, column) => {
    const at = other => (map.axis === "head" ? cellAt(map, layer, column, other) : cellAt(map, layer, map.heads ? other : 0, column));
    if (!both) return at(0);
    if (map.choice >= 0) return at(map.choice);
    let best = at(0);
    for (let o = 1; o < others; o++)
      if (!(Math.abs(shown(best)) >= Math.abs(shown(at(o))))) best = Number.isNaN(shown(at(o))) ? best : at(o);
    return best;
  };
  return { count, pick, both };
}

const columnTitle = map =>
  map.axis === "head" ? "head" : map.slotKind === "role" ? "role" : map.slotKind === "position" ? "position" : "";
function columnLabel(map, column) {
  if (map.axis === "head") return map.heads[column] === null ? "all" : String(map.heads[column]);
  const slot = map.slots[column];
  if (slot.role !== null) return slot.role;
  if (slot.position === null) return "all";
  const token = slot.token === null ? "" : visible(slot.token).trim() || "␣";
  return token ? `${slot.position} ${token.length > 13 ? token.slice(0, 12) + "…" : token}` : String(slot.position);
}

// The widest cells that need no more rows of maps than narrow ones would.
function cellWidth(width) {
  const counts = maps.map(m => columnsOf(m).count),
    natural = (n, w) => GUTTER + n * w + 8;
  const lines = w => {
    let line = 1,
      used = -GAP;
    for (const n of counts) {
      const need = Math.min(natural(n, w), width) + GAP;
      if (used + need > width) {
        line++;
        used = -GAP;
      }
      used += need;
    }
    return line;
  };
  const fits = w => counts.every(n => natural(n, w) <= width);
  for (let w = 44; w > 22; w--) if (fits(w) && lines(w) === lines(22)) return w;
  for (let w = 22; w > 9; w--) if (fits(w)) return w;
  return width > 700 ? 9 : 20;
}

function layOut() {
  const host = byId("maps"),
    width = host.clientWidth;
  let column = cellWidth(width);
  if (width < 700) column = Math.max(column, 20);
  const rows = Math.max(1, ...maps.map(m => m.rows));
  const row = Math.max(13, Math.min(30, Math.floor(640 / rows), Math.max(16, column)));
  drawn = maps.map(map => drawMap(map, column, row));
  host.replaceChildren(...drawn.map(d => d.figure));
  if (maps.length === 0) host.append(h("p", { class: "muted" }, "There are no cells yet."));
  drawLegend();
  for (const d of drawn) d.paint();
}

function drawMap(map, column, row) {
  const { count, pick, both } = columnsOf(map);
  const labels = Array.from({ length: count }, (_, c) => columnLabel(map, c));
  const longest = Math.max(...labels.map(l => l.length)),
    slanted = longest * 6.4 > column - 3 && map.axis !== "head";
  const under = slanted ? Math.min(92, 16 + longest * 6.6 * 0.72) : 18,
    width = count * column,
    height = map.rows * row;
  const canvas = h("canvas", { "aria-hidden": "true", style: { width: `${width}px`, height: `${height}px`, left: `${GUTTER}px` } });
  const every = Math.ceil(13 / row),
    thin = slanted ? Math.ceil(11 / column) : Math.ceil((longest * 6.4 + 4) / column);
  const cursor = s("rect", { class: "cursor", width: column, height: row, visibility: "hidden" });
  const mark = s("rect", { class: "mark", width: column, height: row, visibility: "hidden" });
  const yOf = layer => (map.rows - 1 - layer) * row;
  const overlay = s(
    "svg",
    { width: GUTTER + width + (slanted ? 8 : 0), height: height + under, "aria-hidden": "true" },
    s(
      "g",
      { transform: `translate(${GUTTER},0)` },
      map.layers.map(
        (layer, i) => layer !== null && i % every === 0 && s("text", { x: -7, y: yOf(i) + row / 2 + 3.5, "text-anchor": "end" }, layer),
      ),
      labels.map(
        (text, c) =>
          c % thin === 0 &&
          (slanted
            ? s("text", { transform: `translate(${c * column + column / 2 + 3},${height + 11}) rotate(-45)`, "text-anchor": "end" }, text)
            : s("text", { x: c * column + column / 2, y: height + 14, "text-anchor": "middle" }, text)),
      ),
      s("rect", { class: "edge", x: 0, y: 0, width, height }),
      mark,
      cursor,
    ),
  );
  const stage = h(
    "div",
    { class: "stage", style: { width: `${GUTTER + width + (slanted ? 8 : 0)}px`, height: `${height + under}px` } },
    canvas,
    overlay,
  );
  const frame = h(
    "div",
    {
      class: "frame",
      tabindex: "0",
      role: "application",
      "aria-roledescription": "heat map",
      "aria-label": `${map.title}: ${plural(map.rows, "layer")} by ${plural(count, columnTitle(map) || "column")}. Arrow keys move, Enter pins.`,
    },
    stage,
  );
  const figure = h(
    "figure",
    { class: "map", style: { "max-width": "100%", width: `${GUTTER + width + (slanted ? 8 : 0)}px` } },
    h("figcaption", {}, h("b", {}, map.title), h("span", {}, WORDS[map.name] ?? map.hook)),
    frame,
    h("p", { class: "axis" }, `layer ↑ · ${columnTitle(map) || "all positions"}${columnTitle(map) ? " →" : ""}`),
    both && chooser(map),
  );
  const item = { map, figure, cursorAt: null };

  item.paint = () => {
    const dark = !printing && isDark(),
      ratio = Math.min(3, Math.max(2, window.devicePixelRatio || 1));
    const fits = width * height * ratio * ratio < 6e7 ? ratio : 1;
    canvas.width = width * fits;
    canvas.height = height * fits;
    const g = canvas.getContext("2d"),
      gap = column >= 14 && row >= 12 ? 1 : 0,
      written = column >= 31 && row >= 15;
    g.scale(fits, fits);
    g.font = `${column >= 38 && row >= 18 ? 11 : 10}px system-ui, sans-serif`;
    g.textAlign = "center";
    g.textBaseline = "middle";
    for (let layer = 0; layer < map.rows; layer++)
      for (let c = 0; c < count; c++) {
        const cell = pick(layer, c),
          value = shown(cell),
          x = c * column,
          y = yOf(layer);
        if (Number.isNaN(value)) {
          if (whyEmpty(cell)) hatch(g, x, y, column - gap, row - gap, dark);
          continue;
        }
        const [fill, light] = diverging(value / scale.limit, dark);
        g.fillStyle = fill;
        g.fillRect(x, y, column - gap, row - gap);
        if (!written || shortNumber(value) === "0" || Math.abs(value) < scale.limit * 0.015) continue;
        g.fillStyle = light ? "#16181b" : "#f4f5f6";
        g.globalAlpha = Math.abs(value) < scale.limit * 0.05 ? 0.5 : 0.95;
        g.fillText(shortNumber(value), x + (column - gap) / 2, y + (row - gap) / 2 + 0.5);
        g.globalAlpha = 1;
      }
    item.mark();
  };
  item.mark = () => {
    const at = state.pinned >= 0 && mapOf(state.pinned) === map ? placeOf(state.pinned) : null;
    const c = at && (map.axis === "head" ? at.head : at.slot);
    const seen = at && pick(at.layer, c) === state.pinned;
    if (seen) {
      mark.setAttribute("x", c * column);
      mark.setAttribute("y", yOf(at.layer));
    }
    mark.setAttribute("visibility", seen ? "visible" : "hidden");
  };
  const move = (layer, c, say) => {
    item.cursorAt = [layer, c];
    cursor.setAttribute("x", c * column);
    cursor.setAttribute("y", yOf(layer));
    cursor.setAttribute("visibility", "visible");
    const box = canvas.getBoundingClientRect();
    showTip(pick(layer, c), box.left + (c + 1) * column, box.top + yOf(layer), column, say);
  };
  const leave = () => {
    cursor.setAttribute("visibility", "hidden");
    hideTip();
  };
  const under_ = event => {
    const box = canvas.getBoundingClientRect(),
      c = Math.floor((event.clientX - box.left) / column),
      r = Math.floor((event.clientY - box.top) / row);
    return c >= 0 && c < count && r >= 0 && r < map.rows ? [map.rows - 1 - r, c] : null;
  };
  stage.addEventListener("pointermove", e => {
    const at = under_(e);
    at ? move(...at, false) : leave();
  });
  stage.addEventListener("pointerleave", leave);
  stage.addEventListener("click", e => {
    const at = under_(e);
    if (at) {
      item.cursorAt = at;
      pin(pick(...at));
    }
  });
  frame.addEventListener("keydown", e => {
    const [layer, c] = item.cursorAt ?? [map.rows - 1, 0];
    const to = {
      ArrowUp: [layer + 1, c],
      ArrowDown: [layer - 1, c],
      ArrowLeft: [layer, c - 1],
      ArrowRight: [layer, c + 1],
      Home: [layer, 0],
      End: [layer, count - 1],
    }[e.key];
    if (to) {
      e.preventDefault();
      const [l, k] = [Math.min(map.rows - 1, Math.max(0, to[0])), Math.min(count - 1, Math.max(0, to[1]))];
      const left = GUTTER + k * column;
      if (left - GUTTER < frame.scrollLeft) frame.scrollLeft = left - GUTTER;
      if (left + column > frame.scrollLeft + frame.clientWidth) frame.scrollLeft = left + column - frame.clientWidth;
      move(l, k, true);
    } else if ((e.key === "Enter" || e.key === " ") && item.cursorAt) {
      e.preventDefault();
      pin(pick(...item.cursorAt));
    } else if (e.key === "Escape") leave();
  });
  frame.addEventListener("focus", () => {
    if (frame.matches(":focus-visible")) move(...(item.cursorAt ?? [map.rows - 1, 0]), true);
  });
  frame.addEventListener("blur", leave);
  return item;
}

// Only for maps with heads and slots: what stands on the axis, and which of the other.
function chooser(map) {
  const redraw = () => {
    layOut();
  };
  const others = map.axis === "head" ? map.slots.map(slotName) : map.heads.map(head => `head ${head}`);
  return h(
    "div",
    { class: "choose" },
    h(
      "select",
      {
        "aria-label": "Columns",
        onchange: e => {
          map.axis = e.target.value;
          map.choice = -1;
          redraw();
        },
      },
      h("option", { value: "head", selected: map.axis === "head" }, "columns: heads"),
      h("option", { value: "slot", selected: map.axis === "slot" }, `columns: ${map.slotKind}s`),
    ),
    h(
      "select",
      {
        "aria-label": map.axis === "head" ? map.slotKind : "head",
        onchange: e => {
          map.choice = Number(e.target.value);
          redraw();
        },
      },
      h("option", { value: "-1", selected: map.choice < 0 }, `strongest ${map.axis === "head" ? map.slotKind : "head"}`),
      others.map((name, i) => h("option", { value: String(i), selected: map.choice === i }, name)),
    ),
  );
}

// Why a cell has no value; null where it is simply not part of the study.
function whyEmpty(cell) {
  const { map, layer } = placeOf(cell),
    failed = map.failed[String(map.layers[layer])];
  if (failed) return `failed: ${failed}`;
  if (unfinished && Number.isNaN(cells.n[cell])) return "not computed yet";
  if (Number.isNaN(cells.n[cell])) return null;
  return state.quantity === "score" ? (R.scoreNotes[0] ?? "no score") : "no value";
}

function hatch(g, x, y, width, height, dark) {
  g.save();
  g.beginPath();
  g.rect(x, y, width, height);
  g.clip();
  g.fillStyle = dark ? "#1b1e22" : "#f1f1ee";
  g.fillRect(x, y, width, height);
  g.strokeStyle = dark ? "#565c64" : "#b4b4ad";
  g.lineWidth = 1;
  g.beginPath();
  // Lines share one lattice over the whole map, so that neighbouring cells join.
  for (let d = Math.floor((x + y) / 6) * 6; d < x + y + width + height; d += 6) {
    g.moveTo(d - y, y);
    g.lineTo(d - y - height, y + height);
  }
  g.stroke();
  g.restore();
}

function shortNumber(x) {
  const size = Math.abs(x);
  if (size < 0.005) return "0";
  const text =
    size >= 1000
      ? size.toExponential(0).replace("e+", "e")
      : size >= 100
        ? size.toFixed(0)
        : size >= 10
          ? size.toFixed(1)
          : size.toFixed(2);
  return (x < 0 ? "−" : "") + text;
}

function drawLegend() {
  const dark = !printing && isDark(),
    steps = 41,
    { limit, cut } = scale,
    any = maps.some(m => {
      for (let i = m.offset; i < m.offset + m.size; i++) if (Number.isNaN(shown(i)) && whyEmpty(i)) return true;
      return false;
    });
  const stops = Array.from({ length: steps }, (_, i) => diverging((i / (steps - 1)) * 2 - 1, dark)[0]);
  byId("legend").replaceChildren(
    h("span", { class: "num" }, `${cut ? "≤ " : ""}${number(-limit)}`),
    h("span", { class: "ramp", style: { background: `linear-gradient(90deg, ${stops.join(",")})` } }, h("i", {})),
    h("span", { class: "num" }, `${cut ? "≥ " : ""}${number(limit, true)}`),
    any ? h("span", { class: "hatched" }, h("i", {}), "no value") : "",
  );
}

function showTip(cell, x, y, column, say) {
  const tip = byId("tip"),
    empty = Number.isNaN(cells.effect[cell]) && Number.isNaN(cells.score[cell]);
  const line = (name, ...value) => h("div", {}, h("span", {}, name), h("b", {}, ...value));
  tip.setAttribute("aria-live", say ? "polite" : "off");
  tip.replaceChildren(
    h("strong", {}, cellName(cell)),
    h("code", {}, hookName(cell)),
    ...(empty
      ? [h("em", {}, whyEmpty(cell) ?? "not part of this study")]
      : [
          line(`${metricWords}, patched`, number(cells.patched[cell], true)),
          line(
            "effect",
            number(cells.effect[cell], true),
            Number.isNaN(cells.se[cell]) ? "" : ` ± ${alike(cells.se[cell], cells.effect[cell])}`,
          ),
          line("score", number(cells.score[cell], true)),
          line("n", whole(cells.n[cell])),
        ]),
  );
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 10 + box.width < innerWidth ? x + 10 : x - column - box.width - 10;
  tip.style.left = `${Math.max(6, Math.min(innerWidth - box.width - 6, left))}px`;
  tip.style.top = `${Math.max(6, Math.min(innerHeight - box.height - 6, y - 8))}px`;
}
const hideTip = () => {
  byId("tip").hidden = true;
};
