// The chosen study's heat maps, filled in row by row as units are committed.
const HEAT_GUTTER = 30,
  HEAT_PAUSE = 400;
const heat = { study: null, version: "", quantity: null, limit: 1, maps: [], seen: "", caughtUp: false, busy: false, over: false };
const heatView = {
  head: h("div", { class: "line" }, h("h3", {}, "Cells"), h("span", { class: "legend small muted", "aria-hidden": "true" })),
  note: h("p", { class: "note" }),
  maps: h("div", { id: "maps" }),
  // What the cursor stands on; the pointer's moves are not read aloud.
  reading: h("p", { id: "reading", class: "small", role: "status", "aria-live": "polite" }),
};

/** Shows a study's maps in a place, and asks for what is missing; called whenever anything about the study changed. */
function showCells(place, study) {
  if (heat.study !== study.study) {
    Object.assign(heat, { study: study.study, version: "", quantity: null, limit: 1, maps: [], seen: "", caughtUp: false });
    heatView.maps.replaceChildren();
    heatView.note.textContent = heatView.reading.textContent = "";
    paintLegend();
  }
  if (heatView.head.parentNode !== place) place.replaceChildren(heatView.head, heatView.note, heatView.maps, heatView.reading);
  const ended = study.error !== null || ["completed", "completed-with-errors", "cancelled"].includes(study.state);
  if (ended !== heat.over) {
    heat.over = ended;
    paintLegend();
  }
  const seen = `${study.study} ${study.committed}`;
  if (heat.seen === seen && heat.caughtUp) return;
  heat.wanted = seen;
  fetchCells();
}

/** One request at a time; another follows where more was committed meanwhile. */
async function fetchCells() {
  if (heat.busy) return;
  heat.busy = true;
  const { study, wanted } = heat;
  try {
    const answer = await call(`/api/studies/${encodeURIComponent(study)}/cells?since=${encodeURIComponent(heat.version)}`);
    if (study === heat.study) {
      if (answer.ok) {
        takeCells(await answer.json());
        heat.seen = wanted;
      } else heatView.note.textContent = await problem(answer);
    }
  } catch {
    // The stream says that the connection is lost.
  }
  await new Promise(go => setTimeout(go, HEAT_PAUSE));
  heat.busy = false;
  if (heat.study !== study || heat.seen !== heat.wanted || !heat.caughtUp) fetchCells();
}

function takeCells(got) {
  heat.version = got.version;
  heat.quantity = got.quantity;
  heat.caughtUp = got.caught_up;
  heatView.note.textContent = got.note ?? "";
  const fresh = got.maps !== null;
  if (fresh) heat.maps = got.maps.map(map => newMap(map, got.maps));
  for (const row of got.rows) {
    const map = heat.maps[row.map];
    map.values.set(
      row.values.map(v => v ?? NaN),
      row.layer * map.width,
    );
  }
  const most = Math.max(0, ...heat.maps.map(m => m.values.reduce((a, v) => (Math.abs(v) > a ? Math.abs(v) : a), 0)));
  const scaled = most > 0 && most !== heat.limit;
  if (scaled) heat.limit = most;
  if (fresh) layOutCells();
  else for (const i of new Set(scaled ? heat.maps.keys() : got.rows.map(r => r.map))) heat.maps[i].paint();
  paintLegend();
}

function newMap(map, all) {
  const width = (map.heads?.length ?? 1) * map.slots.length,
    title = all.filter(m => m.name === map.name).length > 1 ? `${map.name} · ${map.value}` : map.name;
  return { ...map, title, width, values: new Float32Array(map.layers.length * width).fill(NaN), axis: map.heads ? "head" : "slot", at: null };
}

const tokenText = token => token.replace(/[Ġ▁]/g, " ").replace(/[Ċ\n]/g, "↵").replace(/\t/g, "⇥").trim() || "␣";

/** What stands on the columns: heads or slots. Where a map has both, the strongest of the others is shown. */
function columnsOf(map) {
  const heads = map.heads?.length ?? 1,
    slots = map.slots.length,
    byHead = map.axis === "head";
  const index = (layer, column, other) => layer * map.width + (byHead ? column * slots + other : other * slots + column);
  return {
    count: byHead ? heads : slots,
    pick: (layer, column) => {
      let best = index(layer, column, 0);
      for (let o = 1; o < (byHead ? slots : heads); o++) {
        const i = index(layer, column, o);
        if (Number.isNaN(map.values[best]) || Math.abs(map.values[i]) > Math.abs(map.values[best])) best = i;
      }
      return best;
    },
    label: column => {
      if (byHead) return String(map.heads[column] ?? "all");
      const slot = map.slots[column];
      if (slot.position === null) return slot.role ?? "all";
      return slot.token === null ? String(slot.position) : `${slot.position} ${tokenText(slot.token)}`.slice(0, 14);
    },
  };
}

function cellWords(map, i) {
  const slots = map.slots.length,
    slot = map.slots[i % slots],
    layer = map.layers[Math.floor(i / map.width)];
  const where = [layer === null ? map.title : `${map.title} layer ${layer}`];
  const head = map.heads?.[Math.floor((i % map.width) / slots)] ?? null;
  if (head !== null) where.push(`head ${head}`);
  if (slot.position !== null) where.push(`position ${slot.position}${slot.token === null ? "" : ` “${tokenText(slot.token)}”`}`);
  else if (slot.role !== null) where.push(slot.role);
  const value = map.values[i];
  const missing = heat.over ? "no value" : "not there yet";
  return `${where.join(", ")}: ${Number.isNaN(value) ? missing : `${heat.quantity} ${number(value, true)}`}`;
}

function layOutCells() {
  const width = heatView.maps.clientWidth;
  heatView.maps.replaceChildren(...heat.maps.map(map => drawCells(map, width)));
  for (const map of heat.maps) map.paint();
}

function drawCells(map, room) {
  const { count, pick, label } = columnsOf(map),
    rows = map.layers.length;
  const labels = Array.from({ length: count }, (_, c) => label(c)),
    longest = Math.max(...labels.map(l => l.length));
  const column = Math.max(12, Math.min(30, Math.floor((room - HEAT_GUTTER) / count))),
    row = Math.max(8, Math.min(22, Math.floor(320 / rows)));
  const slanted = longest * 6 > column - 2,
    under = slanted ? Math.min(78, 12 + longest * 4.4) : 16;
  const width = HEAT_GUTTER + count * column + (slanted ? 6 : 0),
    height = rows * row + under;
  const canvas = h("canvas", { "aria-hidden": "true", style: { width: `${width}px`, height: `${height}px` } });
  const frame = h("div", { class: "frame", tabindex: "0", role: "application", "aria-roledescription": "heat map" }, canvas);
  const both = map.heads !== null && map.slots.length > 1;
  const turn = both && h("button", {
    type: "button",
    class: "link small",
    onclick: () => {
      map.axis = map.axis === "head" ? "slot" : "head";
      map.at = null;
      layOutCells();
    },
  }, `strongest ${map.axis === "head" ? "position of each head: show positions" : "head of each position: show heads"}`);
  const y = layer => (rows - 1 - layer) * row;

  map.paint = () => {
    const ratio = Math.min(3, Math.max(1, devicePixelRatio || 1)),
      dark = isDark(),
      g = canvas.getContext("2d");
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    g.scale(ratio, ratio);
    g.font = "10px system-ui, sans-serif";
    g.fillStyle = getComputedStyle(heatView.note).color;
    g.textBaseline = "middle";
    g.textAlign = "right";
    const every = Math.ceil(12 / row),
      thin = Math.ceil((slanted ? 11 : longest * 6 + 4) / column);
    map.layers.forEach((layer, i) => layer !== null && i % every === 0 && g.fillText(String(layer), HEAT_GUTTER - 6, y(i) + row / 2));
    labels.forEach((text, c) => {
      if (c % thin !== 0) return;
      const x = HEAT_GUTTER + c * column + column / 2;
      g.save();
      g.translate(slanted ? x + 3 : x, rows * row + (slanted ? 7 : 9));
      if (slanted) g.rotate(-Math.PI / 4);
      else g.textAlign = "center";
      g.fillText(text, 0, 0);
      g.restore();
    });
    const empty = dark ? "#1f2328" : "#ecece7",
      gap = column >= 12 && row >= 10 ? 1 : 0;
    let filled = 0,
      best = -1;
    for (let layer = 0; layer < rows; layer++)
      for (let c = 0; c < count; c++) {
        const i = pick(layer, c),
          value = map.values[i];
        if (!Number.isNaN(value) && !(best >= 0 && Math.abs(map.values[best]) >= Math.abs(value))) best = i;
        g.fillStyle = Number.isNaN(value) ? empty : diverging(value / heat.limit, dark)[0];
        g.fillRect(HEAT_GUTTER + c * column, y(layer), column - gap, row - gap);
      }
    for (const v of map.values) if (!Number.isNaN(v)) filled++;
    if (map.at) {
      g.strokeStyle = getComputedStyle(document.body).color;
      g.lineWidth = 1.5;
      g.strokeRect(HEAT_GUTTER + map.at[1] * column - 0.5, y(map.at[0]) - 0.5, column, row);
    }
    frame.dataset.filled = filled;
    const strongest = best < 0 ? "" : `, strongest ${cellWords(map, best)}`;
    frame.setAttribute("aria-label", `${map.title}: ${filled} of ${map.values.length} cells${strongest}. Arrow keys read cells.`);
  };

  const move = (to, aloud) => {
    map.at = to;
    map.paint();
    heatView.reading.setAttribute("aria-live", aloud ? "polite" : "off");
    heatView.reading.textContent = to ? cellWords(map, pick(...to)) : "";
  };
  canvas.addEventListener("pointermove", e => {
    const box = canvas.getBoundingClientRect(),
      c = Math.floor((e.clientX - box.left - HEAT_GUTTER) / column),
      r = Math.floor((e.clientY - box.top) / row);
    move(c >= 0 && c < count && r >= 0 && r < rows ? [rows - 1 - r, c] : null, false);
  });
  canvas.addEventListener("pointerleave", () => move(null, false));
  frame.addEventListener("keydown", e => {
    const [layer, c] = map.at ?? [rows - 1, 0];
    const to = { ArrowUp: [layer + 1, c], ArrowDown: [layer - 1, c], ArrowLeft: [layer, c - 1], ArrowRight: [layer, c + 1],
      Home: [layer, 0], End: [layer, count - 1] }[e.key];
    if (!to) return;
    e.preventDefault();
    const at = [Math.min(rows - 1, Math.max(0, to[0])), Math.min(count - 1, Math.max(0, to[1]))];
    const left = at[1] * column,
      right = HEAT_GUTTER + left + column;
    if (left < frame.scrollLeft) frame.scrollLeft = left;
    if (right > frame.scrollLeft + frame.clientWidth) frame.scrollLeft = right - frame.clientWidth;
    move(at, true);
  });
  frame.addEventListener("focus", () => frame.matches(":focus-visible") && move(map.at ?? [rows - 1, 0], true));
  frame.addEventListener("blur", () => move(null, false));
  const title = h("figcaption", { class: "small" }, h("b", {}, map.title), " ", h("span", { class: "muted" }, map.hook));
  return h("figure", { class: "heat" }, title, frame, turn);
}

function paintLegend() {
  const place = heatView.head.lastChild,
    dark = isDark();
  if (heat.quantity === null) return place.replaceChildren();
  const stops = Array.from({ length: 21 }, (_, i) => diverging(i / 10 - 1, dark)[0]);
  place.replaceChildren(`${heat.quantity} ${number(-heat.limit)} `,
    h("i", { class: "ramp", style: { background: `linear-gradient(90deg, ${stops.join(",")})` } }), ` ${number(heat.limit, true)}`,
    h("i", { class: "none" }), heat.over ? " no value" : " not there yet", " · layers upward");
}

let heatRoom = 0,
  heatWait = 0;
new ResizeObserver(() => {
  if (heatView.maps.clientWidth === heatRoom || heat.maps.length === 0) return;
  heatRoom = heatView.maps.clientWidth;
  clearTimeout(heatWait);
  heatWait = setTimeout(layOutCells, 120);
}).observe(heatView.maps);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const map of heat.maps) map.paint();
  paintLegend();
});
