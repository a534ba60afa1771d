// The page of a study whose results are a table.
function repaint() {
  drawCharts();
}

drawAnswer();
drawTable();
drawCharts();
drawMethod();
drawData();

let width = innerWidth,
  wait = 0;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  clearTimeout(wait);
  wait = setTimeout(drawCharts, 120);
});
