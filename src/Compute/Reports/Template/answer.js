// First screen: the sentence, the baselines on one line, how far to trust them.
const STATES = {
  completed: "completed",
  "completed-with-errors": "completed, some units failed",
  paused: "paused",
  cancelled: "cancelled",
  running: "still running",
};

function drawAnswer() {
  const [planned, committed, failed] = R.units;
  const tone = R.state === "completed" ? "good" : R.state === "completed-with-errors" ? "bad" : "doubtful";
  const size = R.answer.length > 220 ? "long" : R.answer.length > 130 ? "medium" : "short";
  const facts = [
    ...firstFigures(),
    [`${whole(committed)} of ${whole(planned)}`, failed ? `units done, ${failed} failed` : "units done"],
  ].filter(Boolean);
  byId("answer").replaceChildren(
    h("p", { class: "eyebrow" }, h("strong", {}, R.name), h("span", {}, R.headline), h("span", { class: `pill ${tone}` }, STATES[R.state])),
    // A percent sign stays with its number.
    h("h1", { class: size }, R.answer.replace(/(\d) %/g, "$1\u00a0%")),
    h(
      "div",
      { class: "first" },
      h(
        "div",
        { class: "panel" },
        figuresHead(),
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
