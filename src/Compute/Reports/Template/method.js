// The sections before are: answer, map, profile, prompts; or answer, results and, where there are any, curves.
const lastNumber = () => (R.grid ? 6 : R.curves.length ? 5 : 4);

// What was done, with what, and how to do it again.
function drawMethod() {
  const m = R.method,
    code = text => h("pre", { tabindex: "0" }, text);
  byId("method").replaceChildren(
    sectionHead("method", String(lastNumber() - 1), "Method"),
    h(
      "div",
      { class: "two wide" },
      h(
        "div",
        {},
        h("h3", {}, m.title),
        h("p", { class: "words" }, m.words),
        m.formula ? h("pre", { class: "formula", tabindex: "0" }, m.formula) : "",
        m.source ? h("p", { class: "muted" }, `Source: ${m.source}`) : "",
        R.grid &&
          h(
            "p",
            { class: "muted small" },
              "Effects are means over prompts, ± their standard error (n − 1). Intervals are 95 %, Student’s t over prompts; ",
            "a score’s interval takes its denominator as known.",
          ),
      ),
      h(
        "dl",
        { class: "facts" },
        R.facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
      ),
    ),
    h("h3", {}, "Run it again"),
    h("p", {}, "Save the study below as ", h("code", {}, "study.conf"), ", put it where its relative paths hold, and run"),
    code("interp run study.conf"),
    h("details", { class: "fold" }, h("summary", {}, "The study as written"), code(R.source)),
    h("details", { class: "fold" }, h("summary", {}, "The study with every default"), code(R.canonical)),
    h(
      "details",
      { class: "fold", open: R.processes.length > 1 || R.failures.length > 0 },
      h("summary", {}, historyWords()),
      processTable(),
      R.failures.length ? failureTable() : "",
    ),
  );
}

// A process without an end was killed, except the last, which wrote this page.
const killed = (p, i) => p.ended === null && i < R.processes.length - 1;
function historyWords() {
  const cuts = R.processes.filter(killed).length;
  const parts = [plural(R.processes.length, "process", "processes")];
  if (cuts) parts.push(plural(cuts, "interruption"));
  if (R.failures.length) parts.push(plural(R.failures.length, "failed unit"));
  return `How the run went: ${parts.join(", ")}`;
}
function processTable() {
  const time = t => t.replace("T", " ").replace(/\.\d+Z$/, " UTC"),
    length = ms =>
      ms < 60e3
        ? `${(ms / 1e3).toFixed(1)} s`
        : ms < 3600e3
          ? `${Math.floor(ms / 60e3)} min ${Math.round((ms % 60e3) / 1e3)} s`
          : `${Math.floor(ms / 3600e3)} h ${Math.round((ms % 3600e3) / 60e3)} min`;
  return h(
    "div",
    { class: "scroll", tabindex: "0" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["process", "started", "ended", "took", "units computed", "units kept"].map((t, i) =>
            h("th", { class: i > 2 ? "num" : null }, t),
          ),
        ),
      ),
      h(
        "tbody",
        {},
        R.processes.map((p, i) =>
          h(
            "tr",
            {},
            h("td", {}, p.process),
            h("td", {}, time(p.started)),
            h("td", {}, p.ended ? time(p.ended) : killed(p, i) ? h("span", { class: "pill doubtful" }, "killed") : "wrote this report"),
            h("td", { class: "num" }, p.ended ? length(new Date(p.ended) - new Date(p.started)) : "–"),
            h("td", { class: "num" }, whole(p.units_computed)),
            h("td", { class: "num" }, whole(p.units_committed)),
          ),
        ),
      ),
    ),
  );
}
function failureTable() {
  return h(
    "div",
    { class: "scroll", tabindex: "0" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("th", {}, "failed unit"), h("th", { class: "num" }, "attempts"), h("th", {}, "error"))),
      h(
        "tbody",
        {},
        R.failures.map(f => h("tr", {}, h("td", {}, f.label), h("td", { class: "num" }, f.attempts), h("td", {}, f.error))),
      ),
    ),
  );
}

function drawData() {
  const files = [
    [
      "results.csv",
      R.grid
        ? "one row a cell: where (hook, layer, head, position, role), what (direction, value), metric, n, means, effect, standard error, score"
        : `one row a result: ${R.results.columns.join(", ")}`,
    ],
    ["results.parquet", "the same rows, typed"],
    ["summary.json", R.grid ? "state, baselines, strongest cells, warnings, timings" : "state, answer, figures, checks, warnings, timings"],
    ["manifest.json", "study with all defaults, model hash, code version, seeds, hardware, hashes of the tables"],
    ...R.pages.map(name => [name, "a page of this study"]),
    ...R.tables.map(name => [name, "further table of this method"]),
  ];
  const link = (href, text) => h("a", { href }, text);
  byId("data").replaceChildren(
    sectionHead("data", String(lastNumber()), "Data"),
    h("p", { class: "lead" }, "These files stand beside this page."),
    h(
      "dl",
      { class: "files" },
      files.map(([name, words]) => [h("dt", {}, link(name, name)), h("dd", {}, words)]),
    ),
    R.artifacts.length
      ? h(
          "details",
          { class: "fold", open: R.artifacts.length <= 8 },
          h("summary", {}, `${plural(R.artifacts.length, "large file")} by content`),
          h(
            "dl",
            { class: "files" },
            R.artifacts.map(([name, hash]) => [h("dt", {}, link(`artifacts/${hash}`, name)), h("dd", {}, `SHA-256 ${hash}`)]),
          ),
        )
      : "",
  );
}
