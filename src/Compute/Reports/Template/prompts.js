// The pairs: tokens as chips, corrupted tokens under the clean ones they replace, roles beneath.
function drawPrompts() {
  const paired = R.prompts.some(p => p.corrupted),
    roles = [...new Set(R.prompts.flatMap(p => Object.keys(p.roles)))];
  const first = 6,
    rest = R.prompts.length - first;
  const list = h("ol", { class: "pairs" }, R.prompts.slice(0, first).map(promptItem));
  byId("prompts").replaceChildren(
    sectionHead("prompts", "4", "Prompts"),
    h(
      "p",
      { class: "lead" },
      R.prompts.length === 0
        ? "There are no prompts to show."
        : paired
          ? "Clean tokens; where the corrupted prompt differs, its token stands beneath. "
          : "Clean tokens; this study has no corrupted run. ",
      roles.length ? "Roles are underlined." : "",
      R.prompts.length ? ` Metric: ${metricWords}.` : "",
    ),
    list,
    rest > 0
      ? h(
          "button",
          {
            type: "button",
            class: "more",
            onclick: e => {
              list.append(...R.prompts.slice(first).map(promptItem));
              e.target.remove();
            },
          },
          `Show ${plural(rest, "more prompt")}`,
        )
      : "",
    R.promptCount > R.prompts.length
      ? h("p", { class: "muted" }, `${plural(R.promptCount - R.prompts.length, "further prompt")} are in the task, not in this page.`)
      : "",
    R.dropped.length
      ? h(
          "details",
          { class: "fold", open: R.dropped.length <= 5 },
          h("summary", {}, `${plural(R.dropped.length, "prompt")} dropped`),
          h(
            "table",
            {},
            h("thead", {}, h("tr", {}, h("th", {}, "prompt"), h("th", {}, "why"))),
            h(
              "tbody",
              {},
              R.dropped.map(([id, why]) => h("tr", {}, h("td", {}, id), h("td", {}, why))),
            ),
          ),
        )
      : "",
  );
}

function promptItem(prompt) {
  const roleAt = new Map();
  for (const [role, positions] of Object.entries(prompt.roles)) for (const p of positions) roleAt.set(p, [...(roleAt.get(p) ?? []), role]);
  const chips = prompt.clean.map((piece, i) => {
    const other = prompt.corrupted ? prompt.corrupted[i] : null,
      differs = other !== null && other !== undefined && other !== piece,
      role = roleAt.get(i);
    return h(
      "span",
      { class: `chip${differs ? " differs" : ""}${role ? " role" : ""}`, title: `position ${i}${role ? `, ${role.join(", ")}` : ""}` },
      h("span", { class: "tok" }, visible(piece)),
      differs ? h("span", { class: "tok other" }, visible(other)) : null,
      role ? h("span", { class: "tag" }, role.join(" ")) : null,
    );
  });
  const [clean, corrupted] = prompt.metric;
  return h(
    "li",
    {},
    h("div", { class: "who" }, h("b", {}, prompt.id), prompt.group ? h("span", {}, prompt.group) : null),
    h(
      "div",
      { class: "text" },
      chips,
      h("span", { class: "arrow", "aria-label": "answer" }, "→"),
      h("span", { class: "chip answer", title: "answer" }, h("span", { class: "tok" }, visible(prompt.answer))),
      prompt.wrong ? h("span", { class: "chip wrong", title: "wrong answer" }, h("span", { class: "tok" }, visible(prompt.wrong))) : null,
    ),
    h(
      "div",
      { class: "metric" },
      h("div", {}, h("span", {}, "clean"), h("b", {}, number(clean, true))),
      corrupted === null ? null : h("div", {}, h("span", {}, "corrupted"), h("b", {}, number(corrupted, true))),
    ),
  );
}
