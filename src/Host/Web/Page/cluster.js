// The page: what the stream of overviews tells, and the buttons. Each file may use what those before it declare (dom.js, cells.js).
const at = (id) => document.getElementById(id);
const count = (n) => n.toLocaleString("en-US");
const over = (s) => s.error != null || ["completed", "completed-with-errors", "cancelled"].includes(s.state);
const part = (done, all) => (all > 0 ? Math.min(1, done / all) : 1);
const bytes = (n) => (n >= 2 ** 30 ? (n / 2 ** 30).toFixed(1) + " GiB" : Math.round(n / 2 ** 20) + " MiB");
const share = (x) => Math.floor(100 * x) + " %";
let token = sessionStorage.getItem("token") ?? "";
let overview = null;
let chosen = decodeURIComponent(location.hash.slice(1)) || null;

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Sets text only where it changed, so that selections and screen readers are left alone. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** One element per key, made once and updated in place: nothing jumps when data arrives. */
function keep(list, items, key, create, update) {
  const old = new Map([...list.children].map((c) => [c.dataset.key, c]));
  items.forEach((item, i) => {
    const name = String(key(item, i));
    let element = old.get(name);
    old.delete(name);
    if (!element) {
      element = create(item);
      element.dataset.key = name;
    }
    if (list.children[i] !== element) list.insertBefore(element, list.children[i] ?? null);
    update(element, item);
  });
  for (const gone of old.values()) gone.remove();
}

function call(path, method = "GET", signal = undefined) {
  return fetch(path, { method, signal, headers: token ? { Authorization: "Bearer " + token } : {} });
}

async function problem(answer) {
  try {
    return (await answer.json()).error;
  } catch {
    return "the coordinator answered " + answer.status;
  }
}

// ---- what is shown

const meter = () => make("div", { className: "meter" }, make("i"));
function fill(element, x, bad) {
  element.classList.toggle("bad", bad);
  element.firstChild.style.width = 100 * x + "%";
}

function words(s) {
  const failed = s.failed ? `, ${count(s.failed)} given up` : "";
  const state = s.error != null ? "stopped" : s.waiting != null ? `waits: ${s.waiting}` : s.state;
  return `${state} · ${share(part(s.committed, s.planned))} · ${count(s.committed)} of ${count(s.planned)} units${failed}`;
}

function drawStudies(studies) {
  at("none").hidden = studies.length > 0;
  keep(
    at("studies"),
    [...studies].reverse(),
    (s) => s.study,
    (s) => {
      const button = make("button", { type: "button", className: "choose" }, make("b"), meter(),
        make("span", { className: "small muted" }));
      button.addEventListener("click", () => {
        chosen = s.study;
        history.replaceState(null, "", "#" + encodeURIComponent(chosen));
        draw();
      });
      return make("li", {}, button);
    },
    (item, s) => {
      const [name, bar, text] = item.firstChild.children;
      item.firstChild.setAttribute("aria-current", String(s.study === chosen));
      say(name, s.study);
      fill(bar, part(s.committed + s.failed, s.planned), s.failed > 0 || s.error != null);
      say(text, words(s));
    },
  );
}

const view = {
  title: make("h2"),
  state: make("p", { className: "small muted" }),
  error: make("p", { className: "callout", hidden: true }),
  acts: make("div", { className: "line" }),
  layers: make("div", { className: "layers", role: "img" }),
  scale: make("p", { className: "small muted" }),
  byLayer: make("div"),
  tracks: make("div"),
  progress: make("div"),
  best: make("ol", { className: "small" }),
  strongest: make("div"),
  cells: make("div", { id: "cells" }),
  now: make("p", { id: "now", className: "small muted" }),
  answer: make("p", { className: "note", role: "status" }),
};
const acts = {
  pause: make("button", { type: "button", className: "act" }, "Pause"),
  resume: make("button", { type: "button", className: "act" }, "Resume"),
  cancel: make("button", { type: "button", className: "act" }, "Cancel"),
  report: make("button", { type: "button", className: "act" }, "Report"),
  csv: make("button", { type: "button", className: "act" }, "Results as CSV"),
};
view.acts.append(...Object.values(acts));
acts.pause.addEventListener("click", () => ask("pause", "Pause", "Its units in hand are finished, no more are handed out."));
acts.resume.addEventListener("click", () => ask("resume", "Resume", "Its units are handed out again."));
acts.cancel.addEventListener("click", () => ask("cancel", "Cancel", "It ends for good; what is computed stays."));
acts.report.addEventListener("click", () => download("report.html"));
acts.csv.addEventListener("click", () => download("results.csv"));

function drawStudy(s) {
  const place = at("study");
  if (!s) {
    place.replaceChildren();
    return;
  }
  if (view.title.parentNode !== place) {
    const heading = (text) => make("h3", {}, text);
    view.strongest.replaceChildren(heading("Strongest cells"), view.best);
    view.byLayer.replaceChildren(heading("Layers"), view.layers, view.scale);
    view.progress.replaceChildren(view.byLayer, heading("Progress"), view.tracks);
    place.replaceChildren(view.title, view.state, view.error, view.acts, view.answer, view.cells, view.progress,
      view.strongest, heading("Computed now"), view.now);
  }
  if (view.title.textContent !== s.study) say(view.answer, "");
  say(view.title, s.study);
  say(view.state, words(s));
  view.error.hidden = s.error == null;
  say(view.error, s.error ?? "");
  acts.pause.disabled = over(s) || s.state !== "running";
  acts.resume.disabled = over(s) || s.state !== "paused";
  acts.cancel.disabled = over(s);
  acts.report.disabled = acts.csv.disabled = s.error != null || !over(s);
  // What belongs to no layer (the baselines) has no bar.
  const real = s.layers.filter((l) => l.layer >= 0);
  keep(
    view.layers,
    real,
    (l) => l.layer,
    () => make("span", {}, make("i")),
    (bar, l) => {
      bar.classList.toggle("bad", l.failed > 0);
      const name = "layer " + l.layer;
      const failed = l.failed ? `, ${count(l.failed)} given up` : "";
      bar.title = `${name}: ${count(l.committed)} of ${count(l.count)} units${failed}`;
      bar.firstChild.style.height = 100 * part(l.committed + l.failed, l.count) + "%";
    },
  );
  // A training has no cells.
  view.strongest.hidden = over(s) && s.best.length === 0;
  view.progress.hidden = s.layers.length === 0;
  view.byLayer.hidden = real.length < 2;
  const done = real.filter((l) => l.committed + l.failed === l.count).length;
  view.layers.setAttribute("aria-label", `${done} of ${real.length} layers are done`);
  say(view.scale, `${done} of ${real.length} layers done, the first on the left`);
  keep(
    view.tracks,
    s.tracks.filter((t) => t.cells > 0),
    (t) => t.name,
    () => make("div", { className: "small" }, make("span"), meter()),
    (row, t) => {
      say(row.firstChild, `${t.name}: ${count(t.committed_cells)} of ${count(t.cells)}`);
      fill(row.lastChild, part(t.committed_cells, t.cells), false);
    },
  );
  keep(
    view.best,
    s.best,
    (_, i) => i,
    () => make("li"),
    (row, b) => say(row, `${b.label}  ${Number(b.score).toFixed(3)}`),
  );
  say(view.now, s.running.join(", ") || "nothing");
  showCells(view.cells, s);
}

function drawNodes(cluster) {
  keep(
    at("members"),
    cluster.members,
    (m) => m.address,
    () => make("li", {}, make("b"), make("span", { className: "muted" }), meter()),
    (row, m) => {
      const load = m.load;
      say(row.firstChild, m.address + " ");
      fill(row.lastChild, load ? part(load.cores, load.processors) : 0, false);
      const parts = [m.roles.join(", "), m.reachable ? m.status.toLowerCase() : "unreachable"];
      if (m.active) parts.push("leads");
      if (load) parts.push(`${load.cores.toFixed(1)} of ${plural(load.processors, "core")}`, bytes(load.memory_bytes));
      for (const d of load?.devices ?? [])
        if (d.device !== "cpu") parts.push(`${d.device} ${bytes(d.used_bytes)} of ${bytes(d.total_bytes)}`);
      say(row.children[1], parts.join(" · "));
    },
  );
  keep(
    at("workers"),
    cluster.workers,
    (w) => w.worker,
    () => make("li", {}, make("b"), make("span", { className: "muted" }), meter()),
    (row, w) => {
      const lease = w.leases[0];
      say(row.children[0], w.worker + " ");
      const heard = new Date(w.last_beat).toLocaleTimeString();
      const more = w.leases.length > 1 ? ` and ${plural(w.leases.length - 1, "unit")} more` : "";
      const held = lease ? `${lease.label ?? "unit " + lease.ordinal} of ${lease.study}${more}` : "idle";
      const unit = w.set_aside ? `set aside: ${w.set_aside}` : held;
      say(row.children[1], `${w.device} · ${unit} · heard ${heard}`);
      fill(row.children[2], lease ? lease.fraction : 0, false);
    },
  );
}

function drawLog(log) {
  const wanted = at("filter").value.toLowerCase();
  keep(
    at("log"),
    [...log].reverse().filter((l) => `${l.study ?? ""} ${l.text}`.toLowerCase().includes(wanted)),
    (l) => l.number,
    () => make("li", {}, make("time"), make("span")),
    (row, l) => {
      const when = new Date(l.at);
      const today = when.toDateString() === new Date().toDateString();
      row.firstChild.dateTime = l.at;
      const day = today ? "" : when.toLocaleDateString(undefined, { month: "short", day: "numeric" }) + " ";
      say(row.firstChild, day + when.toLocaleTimeString());
      say(row.lastChild, (l.study ? l.study + ": " : "") + l.text);
    },
  );
}

function draw() {
  if (!overview) return;
  const { studies, cluster, log } = overview;
  const workers = cluster.workers.length + overview.more_workers;
  const shown = studies.find((s) => s.study === chosen) ?? studies.findLast((s) => !over(s)) ?? studies.at(-1);
  if (shown) chosen = shown.study;
  const running = studies.filter((s) => !over(s)).length;
  const nodes = `${plural(cluster.members.length, "member")} · ${plural(workers, "worker")}`;
  say(at("sum"), `${count(running)} of ${plural(studies.length + overview.older_studies, "study", "studies")} unfinished · ${nodes}`);
  drawStudies(studies);
  drawStudy(shown);
  drawNodes(cluster);
  drawLog(log);
  at("older").hidden = overview.older_studies === 0;
  say(at("older"), `and ${plural(overview.older_studies, "older one")}: interp list`);
  at("more").hidden = overview.more_workers === 0;
  say(at("more"), `and ${plural(overview.more_workers, "worker")} more: /api/cluster`);
}
at("filter").addEventListener("input", draw);

// ---- what is asked for

function ask(verb, label, consequence) {
  const study = chosen;
  say(at("question"), `${label} ${study}? ${consequence}`);
  say(at("yes"), label);
  at("yes").onclick = async () => {
    at("sure").close();
    try {
      const answer = await call(`/api/studies/${encodeURIComponent(study)}/${verb}`, "POST");
      say(view.answer, answer.ok ? "" : await problem(answer));
    } catch {
      say(view.answer, `The coordinator was not reached; ${study} is as it was.`);
    }
  };
  at("sure").showModal();
}
at("no").addEventListener("click", () => at("sure").close());

async function download(name) {
  say(view.answer, "fetching " + name);
  try {
    const answer = await call(`/api/studies/${encodeURIComponent(chosen)}/results/${name}`);
    if (!answer.ok) return say(view.answer, await problem(answer));
    const link = make("a", { href: URL.createObjectURL(await answer.blob()), download: `${chosen}-${name}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    say(view.answer, "");
  } catch {
    say(view.answer, "The coordinator was not reached.");
  }
}

// ---- the connection

function link(word, good) {
  say(at("link"), word);
  at("link").className = "pill " + (good ? "good" : "doubtful");
  document.body.classList.toggle("stale", !good && overview !== null);
}

/** Reads the stream of overviews until it breaks. The coordinator says something every five seconds: silence means that it is gone. */
async function follow() {
  const stop = new AbortController();
  let watchdog = setTimeout(() => stop.abort(), 15000);
  try {
    const answer = await call("/api/events", "GET", stop.signal);
    if (answer.status === 401) return "token";
    if (!answer.ok) return "lost";
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "lost";
      clearTimeout(watchdog);
      watchdog = setTimeout(() => stop.abort(), 15000);
      link("live", true);
      const events = (text + value).split("\n\n");
      text = events.pop();
      const last = events.findLast((e) => e.startsWith("data: "));
      if (last) {
        overview = JSON.parse(last.slice(6));
        draw();
      }
    }
  } catch {
    return "lost";
  } finally {
    clearTimeout(watchdog);
    stop.abort();
  }
}

async function askToken() {
  link("token needed", false);
  say(at("wrong"), token ? "That token is wrong." : "");
  at("ask").hidden = false;
  at("token").focus();
  await new Promise((go) => {
    at("ask").onsubmit = (e) => {
      e.preventDefault();
      go();
    };
  });
  token = at("token").value.trim();
  sessionStorage.setItem("token", token);
  at("ask").hidden = true;
  link("connecting", false);
}

(async () => {
  for (;;) {
    if ((await follow()) === "token") {
      await askToken();
      continue;
    }
    link("connection lost, trying again", false);
    await new Promise((go) => setTimeout(go, 1500));
  }
})();
