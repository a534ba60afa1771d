// The latents of a dictionary: a list that only draws what is in sight, and one latent in full.
const D = JSON.parse(byId("report").textContent);
const decode = (text, Kind) => {
  const raw = atob(text),
    bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new Kind(bytes.buffer);
};
const densities = decode(D.densities, Float32Array),
  starts = decode(D.starts, Int32Array),
  contexts = decode(D.contexts, Int32Array),
  strengths = decode(D.strengths, Uint8Array),
  values = decode(D.values, Float32Array),
  raised = decode(D.raised, Int32Array),
  raisedBy = decode(D.raisedBy, Float32Array),
  lowered = decode(D.lowered, Int32Array),
  loweredBy = decode(D.loweredBy, Float32Array);
const ROW = 44,
  BINS = 20;

const strongest = latent => (starts[latent + 1] > starts[latent] ? values[starts[latent]] : 0);
const share = x => (x === 0 ? "never" : x < 1e-4 ? number(x) : percent(x));
const binOf = density => Math.min(BINS - 1, Math.max(0, Math.floor(((Math.log10(density + 1e-10) + 10) / 10) * BINS)));
// Pieces of tokenizers that keep spaces bring their own; between whole words there is one.
const isWordLevel = !D.pieces.some(piece => /\s/.test(piece));
const visible = piece => piece.replace(/\n/g, "↵").replace(/\t/g, "⇥");

// What a latent is found by: the tokens it peaks on and those it raises.
function peakPiece(latent) {
  const words = [];
  for (let c = starts[latent]; c < starts[latent + 1] && words.length < 4; c++) {
    const piece = D.pieces[contexts[c * D.window + D.before]];
    if (!words.includes(piece)) words.push(piece);
  }
  return words;
}
let searchable = null;
function wordsOf(latent) {
  searchable ??= new Array(D.latents);
  return (searchable[latent] ??= [
    ...peakPiece(latent),
    ...Array.from({ length: D.logits }, (_, i) => D.pieces[raised[latent * D.logits + i]]),
  ]
    .join("\u0001")
    .toLowerCase());
}

const state = { order: "index", text: "", bin: -1, chosen: -1 };
let shown = [];

function select() {
  const text = state.text.trim().toLowerCase(),
    index = /^#?\d+$/.test(text) ? Number(text.replace("#", "")) : -1;
  shown = [];
  for (let i = 0; i < D.latents; i++) {
    if (state.bin >= 0 && binOf(densities[i]) !== state.bin) continue;
    if (text && i !== index && (index >= 0 || !wordsOf(i).includes(text))) continue;
    shown.push(i);
  }
  const by = { density: i => -densities[i], rare: i => (densities[i] === 0 ? 2 : densities[i]), strength: i => -strongest(i) }[state.order];
  if (by) shown.sort((a, b) => by(a) - by(b) || a - b);
  byId("found").textContent = `${whole(shown.length)} of ${plural(D.latents, "latent")}`;
  byId("space").style.height = `${shown.length * ROW}px`;
  byId("rows").scrollTop = 0;
  drawRows();
  drawHistogram();
}

function drawRows() {
  const host = byId("rows"),
    first = Math.max(0, Math.floor(host.scrollTop / ROW) - 4),
    last = Math.min(shown.length, Math.ceil((host.scrollTop + host.clientHeight) / ROW) + 4);
  const rows = [];
  for (let k = first; k < last; k++) {
    const latent = shown[k];
    rows.push(
      h(
        "div",
        {
          class: latent === state.chosen ? "row on" : "row",
          role: "option",
          "aria-selected": latent === state.chosen ? "true" : "false",
          style: { top: `${k * ROW}px` },
          onclick: () => choose(latent),
        },
        h("b", {}, latent),
        h("span", {}, peakPiece(latent).map(visible).join(" · ")),
        h("i", {}, share(densities[latent])),
      ),
    );
  }
  byId("space").replaceChildren(...rows);
}

function choose(latent) {
  state.chosen = latent;
  drawRows();
  drawLatent();
  history.replaceState(null, "", `#${latent}`);
}

function drawLatent() {
  const latent = state.chosen,
    host = byId("latent");
  if (latent < 0) {
    host.replaceChildren(h("p", { class: "muted" }, "Choose a latent."));
    return;
  }
  const found = starts[latent + 1] - starts[latent];
  host.replaceChildren(
    h("h2", {}, `Latent ${latent}`),
    h(
      "p",
      { class: "muted" },
      densities[latent] === 0
        ? `It fires on none of ${plural(D.tokens, "token")}.`
        : `It fires on ${share(densities[latent])} of ${plural(D.tokens, "token")}, at most ${number(strongest(latent))}.`,
    ),
    found ? h("h3", {}, `Strongest contexts`) : "",
    ...Array.from({ length: found }, (_, i) => context(starts[latent] + i)),
    D.logits ? h("h3", {}, "Logits by its direct path") : "",
    D.logits
      ? h("div", { class: "logits" }, logitTable("raises", raised, raisedBy, latent), logitTable("lowers", lowered, loweredBy, latent))
      : "",
  );
}

function context(c) {
  const tokens = [];
  for (let i = 0; i < D.window; i++) {
    const piece = contexts[c * D.window + i];
    if (piece < 0) continue;
    const strength = strengths[c * D.window + i] / 255,
      text = D.pieces[piece];
    tokens.push(
      h(
        "span",
        {
          class: i === D.before ? "token peak" : "token",
          style: strength > 0 ? { background: `color-mix(in oklab, var(--t1) ${Math.round(strength * 70)}%, transparent)` } : null,
          title: `${visible(text)} ${number(strength * values[c])}`,
        },
        text.replace(/\n/g, "↵\n"),
      ),
      isWordLevel ? " " : "",
    );
  }
  return h("div", { class: "context" }, h("div", { class: "value" }, number(values[c])), h("p", {}, tokens));
}

function logitTable(title, tokens, by, latent) {
  return h(
    "table",
    {},
    h("caption", { class: "muted" }, title),
    h(
      "tbody",
      {},
      Array.from({ length: D.logits }, (_, i) => latent * D.logits + i).map(i =>
        h("tr", {}, h("td", {}, visible(D.pieces[tokens[i]])), h("td", {}, number(by[i], true))),
      ),
    ),
  );
}

function drawHistogram() {
  const counts = new Array(BINS).fill(0);
  for (const density of densities) counts[binOf(density)]++;
  const most = Math.max(...counts, 1),
    width = Math.min(640, byId("head").clientWidth),
    step = width / BINS;
  byId("histogram").setAttribute("viewBox", `0 0 ${width} 120`);
  byId("histogram").replaceChildren(
    ...counts.map((count, b) =>
      s(
        "rect",
        {
          x: b * step + 1,
          width: step - 2,
          y: 96 - (count ? 3 + (count / most) * 85 : 0),
          height: count ? 3 + (count / most) * 85 : 0,
          class: b === state.bin ? "on" : null,
          onclick: () => {
            state.bin = state.bin === b ? -1 : b;
            select();
          },
        },
        s("title", {}, `${plural(count, "latent")}: ${b ? share(10 ** ((b / BINS) * 10 - 10)) : "never"} to ${share(10 ** (((b + 1) / BINS) * 10 - 10))} of tokens`),
      ),
    ),
    // A bin is half a power of ten; the first one holds those that never fire.
    s("text", { x: 1, y: 112 }, "never"),
    ...[8, 12, 16].map(b => s("text", { x: b * step, y: 112, "text-anchor": "middle" }, share(10 ** ((b / BINS) * 10 - 10)))),
    s("text", { x: width - 1, y: 112, "text-anchor": "end" }, "always"),
  );
}

function drawCurves() {
  const host = byId("curves");
  if (host.childElementCount > 0 || !byId("training").open) return;
  const columns = getComputedStyle(host).gridTemplateColumns.split(" ").map(parseFloat);
  host.replaceChildren(...D.curves.map(chart => chartOf(chart, Math.max(240, Math.round(columns[0])))));
}
byId("training").hidden = D.curves.length === 0;
byId("training").addEventListener("toggle", drawCurves);
drawCurves();

const dead = densities.reduce((n, d) => n + (d === 0), 0);
byId("head").replaceChildren(
  h("h1", {}, `Latents of ${D.name}`),
  h(
    "p",
    { class: "facts" },
    [D.architecture, D.hook, D.model, `${plural(D.latents, "latent")}, ${whole(dead)} silent`, `${plural(D.tokens, "token")} looked at`]
      .filter(Boolean)
      .join(" · "),
  ),
  h("p", { class: "muted small" }, "Latents by the share of tokens on which they fire; click a bar to list its latents."),
  s("svg", { id: "histogram", role: "img", "aria-label": "How many latents fire how often" }),
);
byId("controls").replaceChildren(
  h("input", {
    type: "search",
    placeholder: "number or token",
    title: "a latent's number, or a token that it peaks on or raises",
    "aria-label": "Search latents by number, or by a token that they peak on or raise",
    oninput: e => {
      state.text = e.target.value;
      select();
    },
  }),
  h(
    "select",
    {
      "aria-label": "Order",
      onchange: e => {
        state.order = e.target.value;
        select();
      },
    },
    [
      ["index", "by number"],
      ["density", "most frequent first"],
      ["rare", "rarest first"],
      ["strength", "strongest first"],
    ].map(([value, text]) => h("option", { value }, text)),
  ),
  h("output", { id: "found" }),
);
byId("rows").addEventListener("scroll", drawRows, { passive: true });
byId("rows").addEventListener("keydown", e => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  if (!step || shown.length === 0) return;
  e.preventDefault();
  const at = Math.min(shown.length - 1, Math.max(0, shown.indexOf(state.chosen) + step)),
    host = byId("rows");
  host.scrollTop = Math.min(at * ROW, Math.max(host.scrollTop, (at + 1) * ROW - host.clientHeight));
  choose(shown[at]);
});
addEventListener("resize", () => {
  drawRows();
  drawHistogram();
});
const linked = Number(location.hash.slice(1));
select();
let first = 0;
while (first < D.latents - 1 && densities[first] === 0) first++;
choose(location.hash && linked < D.latents ? linked : first);
