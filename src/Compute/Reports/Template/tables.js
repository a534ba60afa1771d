// Studies whose results are a table: the table itself, sortable, and curves over time.
const figuresHead = () => h("h3", {}, "In numbers");
const firstFigures = () => R.figures;

const order = { column: -1, down: false };
function drawTable() {
  const { columns, rows, count } = R.results;
  const isNumber = columns.map((_, c) => rows.some(r => typeof r[c] === "number"));
  const sorted = [...rows];
  if (order.column >= 0)
    sorted.sort((a, b) => {
      const [x, y] = [a[order.column], b[order.column]];
      const way = x === null ? 1 : y === null ? -1 : x < y ? -1 : x > y ? 1 : 0;
      return order.down && x !== null && y !== null ? -way : way;
    });
  const head = (name, c) =>
    h(
      "th",
      {
        class: isNumber[c] ? "num" : null,
        "aria-sort": order.column === c ? (order.down ? "descending" : "ascending") : "none",
      },
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => {
            order.down = order.column === c && !order.down;
            order.column = c;
            drawTable();
          },
        },
        name.replace(/_/g, " "),
      ),
    );
  byId("results").replaceChildren(
    sectionHead("results", "2", "Results"),
    h("p", { class: "lead" }, count > rows.length ? `The first ${whole(rows.length)} of ${plural(count, "row")}.` : `${plural(count, "row")}.`),
    h(
      "div",
      { class: "scroll tall", tabindex: "0" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, columns.map(head))),
        h(
          "tbody",
          {},
          sorted.map(r =>
            h(
              "tr",
              {},
              r.map((v, c) => h("td", { class: isNumber[c] ? "num" : null, title: v }, typeof v !== "number" ? v : Number.isInteger(v) ? (v >= 10000 ? whole(v) : v) : number(v))),
            ),
          ),
        ),
      ),
    ),
  );
}

function drawCharts() {
  const host = byId("curves");
  host.hidden = R.curves.length === 0;
  document.querySelector('nav a[href="#curves"]').hidden = host.hidden;
  if (host.hidden) return;
  const frame = h("div", { class: "charts" });
  host.replaceChildren(sectionHead("curves", "3", "Curves"), frame);
  const columns = getComputedStyle(frame).gridTemplateColumns.split(" ").map(parseFloat);
  for (const chart of R.curves) frame.append(chartOf(chart, Math.max(280, Math.round(columns[0]))));
}
