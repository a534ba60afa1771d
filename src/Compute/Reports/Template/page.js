// The page of a study of cells: puts it together and redraws what depends on width or theme.
function repaint() {
  for (const d of drawn) d.paint();
  drawLegend();
}

state.pinned = bestCell();
drawAnswer();
drawBaselines();
drawMaps();
drawDetail();
drawProfile();
drawPrompts();
drawMethod();
drawData();

let width = innerWidth,
  wait = 0;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  clearTimeout(wait);
  wait = setTimeout(() => {
    drawBaselines();
    layOut();
    drawCurves();
  }, 120);
});
addEventListener("scroll", hideTip, { passive: true });
