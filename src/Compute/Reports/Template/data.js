// What every report has: its data, and heads of sections.
const R = JSON.parse(byId("report").textContent);
const unfinished = R.state === "paused" || R.state === "cancelled" || R.state === "running";

// A vocabulary's own marks for space and newline, made readable.
const plain = piece => piece.replace(/[Ġ▁]/g, " ").replace(/Ċ/g, "\n");
const visible = piece => plain(piece).replace(/\n/g, "↵").replace(/\t/g, "⇥");

const sectionHead = (id, number, title, ...more) =>
  h("div", { class: "head" }, h("h2", { id: `${id}-title` }, h("span", { class: "no", "aria-hidden": "true" }, number), title), ...more);
