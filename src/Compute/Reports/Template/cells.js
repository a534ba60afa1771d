// The cells of the study and what the page remembers.

function floats(base64) {
  const text = atob(base64),
    bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}

const total = R.grid.cells;
const planes = floats(R.grid.values);
const plane = k => planes.subarray(k * total, (k + 1) * total);
const cells = { patched: plane(0), effect: plane(1), se: plane(2), score: plane(3), n: plane(4) };
const promptEffects = floats(R.grid.perPrompt.values);
const promptCells = new Map(R.grid.perPrompt.cells.map(([cell, from, count]) => [cell, [from, count]]));
const maps = R.grid.maps;

for (const map of maps) {
  map.rows = map.layers.length;
  map.headCount = map.heads ? map.heads.length : 1;
  map.slotCount = map.slots.length;
  map.size = map.rows * map.headCount * map.slotCount;
  map.title =
    maps.filter(m => m.name === map.name).length > 1
      ? `${map.name} · ${[map.direction, map.value, map.metric].filter(Boolean).join(" · ")}`
      : map.name;
}

const hasScores = cells.score.some(v => !Number.isNaN(v));
const hasEffects = cells.effect.some(v => !Number.isNaN(v));
// Head metrics are read as errors; as a share of a clean error near 0 they would say little.
const state = { quantity: hasScores && R.kind !== "head-metrics" ? "score" : "effect", pinned: -1, contrast: 1 };
const shown = cell => cells[state.quantity][cell];

const mapOf = cell => maps.find(m => cell >= m.offset && cell < m.offset + m.size);
function placeOf(cell) {
  const map = mapOf(cell),
    inside = cell - map.offset,
    slot = inside % map.slotCount,
    rest = (inside - slot) / map.slotCount;
  return { map, layer: Math.floor(rest / map.headCount), head: rest % map.headCount, slot };
}
const cellAt = (map, layer, head, slot) => map.offset + (layer * map.headCount + head) * map.slotCount + slot;

function slotName(slot) {
  if (slot.role !== null) return slot.role;
  if (slot.position === null) return "all positions";
  return slot.token === null ? `position ${slot.position}` : `position ${slot.position} “${visible(slot.token).trim() || "␣"}”`;
}
function cellName(cell, short = false) {
  const { map, layer, head, slot } = placeOf(cell),
    at = map.slots[slot];
  const parts = [
    map.layers[layer] === null ? map.title : short ? `${map.title} ${map.layers[layer]}` : `${map.title}, layer ${map.layers[layer]}`,
  ];
  if (map.heads && map.heads[head] !== null) parts.push(short ? `head ${map.heads[head]}` : `head ${map.heads[head]}`);
  if (map.slotKind) parts.push(short ? slotName(at).replace("position ", "@ ") : at.role !== null ? `role ${at.role}` : slotName(at));
  return parts.join(short ? " " : ", ");
}
function hookName(cell) {
  const { map, layer, head } = placeOf(cell);
  const name = map.layers[layer] === null ? map.hook : map.hook.replace("*", map.layers[layer]);
  return map.heads && map.heads[head] !== null ? `${name}[${map.heads[head]}]` : name;
}

// 95 % interval of the shown quantity; the score's denominator counts as known.
function interval(cell) {
  const half = R.halfWidths[String(cells.n[cell])],
    se = cells.se[cell];
  if (half === null || half === undefined || Number.isNaN(se)) return null;
  let width = half * se;
  if (state.quantity === "score") {
    if (!(Math.abs(cells.effect[cell]) > 0)) return null;
    width *= Math.abs(cells.score[cell] / cells.effect[cell]);
  }
  return [shown(cell) - width, shown(cell) + width];
}

function strongest(count) {
  const order = [];
  for (let i = 0; i < total; i++) {
    const size = Math.abs(shown(i));
    if (Number.isNaN(size) || (order.length === count && size <= Math.abs(shown(order[count - 1])))) continue;
    let at = order.length;
    while (at > 0 && Math.abs(shown(order[at - 1])) < size) at--;
    order.splice(at, 0, i);
    if (order.length > count) order.pop();
  }
  return order;
}

// One symmetric scale for all maps, from the largest value; the reader may ask for more contrast, and the legend then says so.
function scaleOf() {
  let most = 0;
  for (let i = 0; i < total; i++) if (Math.abs(shown(i)) > most) most = Math.abs(shown(i));
  return { limit: (most || 1) / state.contrast, cut: state.contrast > 1 };
}
let scale = scaleOf();

const METRICS = { nll: "negative log-likelihood", kl: "KL divergence" };
const metricWords = METRICS[R.baselines.metric] ?? R.baselines.metric.replace(/-/g, " ");
