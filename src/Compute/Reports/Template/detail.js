// The pinned cell: its numbers, and its value on every prompt.
function pin(cell, scroll = false) {
  state.pinned = cell;
  const map = mapOf(cell),
    at = placeOf(cell);
  // A cell behind another choice of head or position is brought to the front.
  if (map.heads && map.slotKind && columnsOf(map).pick(at.layer, map.axis === "head" ? at.head : at.slot) !== cell) {
    map.choice = map.axis === "head" ? at.slot : at.head;
    layOut();
  }
  for (const d of drawn) d.mark();
  drawDetail();
  if (scroll)
    byId("detail").scrollIntoView({
      block: "center",
      behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
    });
}

function drawDetail() {
  const host = byId("detail"),
    cell = state.pinned;
  if (cell < 0) {
    host.replaceChildren(h("p", { class: "muted" }, "Pin a cell to see its effect on every prompt."));
    return;
  }
  const ci = interval(cell),
    stat = (name, value, more) => h("div", {}, h("dt", {}, value), h("dd", {}, name, more && h("small", {}, more)));
  host.replaceChildren(
    h(
      "div",
      { class: "about" },
      h("h3", {}, cellName(cell)),
      h("code", {}, hookName(cell)),
      h(
        "dl",
        { class: "figures" },
        stat(`${metricWords}, patched`, number(cells.patched[cell], true)),
        stat(
          "effect",
          number(cells.effect[cell], true),
          Number.isNaN(cells.se[cell]) ? null : `± ${alike(cells.se[cell], cells.effect[cell])} standard error`,
        ),
        stat(
          "score",
          number(cells.score[cell], true),
          ci && state.quantity === "score" ? `95 %: ${number(ci[0])} to ${number(ci[1])}` : null,
        ),
      ),
    ),
    h("div", { class: "each" }, eachPrompt(cell)),
  );
}

function eachPrompt(cell) {
  const place = promptCells.get(cell);
  if (!place)
    return h(
      "p",
      { class: "muted" },
      R.grid.perPrompt.complete
        ? "This cell has no values by prompt."
        : `Values by prompt are kept for the ${whole(promptCells.size)} strongest cells.`,
    );
  const [from, count] = place,
    values = Array.from(promptEffects.subarray(from, from + count)),
    known = count === R.promptCount;
  const finite = values.filter(Number.isFinite),
    [least, most] = extent(finite),
    low = Math.min(0, least),
    high = Math.max(0, most),
    span = high - low || 1;
  const at = v => `${(((v - low) / span) * 100).toFixed(2)}%`,
    mean = finite.reduce((a, b) => a + b, 0) / Math.max(1, finite.length);
  const name = i => (known && R.prompts[i] ? R.prompts[i].id : `prompt ${i + 1}`);
  return [
    h("h4", {}, count === 1 ? "Effect on the prompt" : `Effect on each of ${plural(count, "prompt")}`),
    h(
      "div",
      {
        class: "strip",
        role: "img",
        "aria-label": `${plural(count, "prompt")}: from ${number(least)} to ${number(most)}, mean ${number(mean)}`,
      },
      h("i", { class: "zero", style: { left: at(0) } }),
      h("i", { class: "mean", style: { left: at(mean) } }),
      finite.map(v => h("i", { class: "dot", style: { left: at(v) } })),
    ),
    h(
      "ol",
      { class: "values", tabindex: "0", "aria-label": "Effect on each prompt" },
      values.map((v, i) => h("li", {}, h("span", {}, name(i)), h("b", {}, number(v, true)))),
    ),
  ];
}
