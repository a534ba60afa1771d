// Theme and printing. A page says what to draw again in `repaint`.
let printing = false;
const THEMES = { auto: "◐ Auto", light: "○ Light", dark: "● Dark" };
const remembered = () => {
  try {
    return localStorage.getItem("interp-theme") ?? "auto";
  } catch {
    return "auto";
  }
};

function setTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  byId("theme").textContent = THEMES[name];
  byId("theme").setAttribute("aria-label", `Theme: ${name}. Change`);
  try {
    localStorage.setItem("interp-theme", name);
  } catch {
    /* A page opened from a file may have no storage; the choice then lasts as long as the page. */
  }
}
setTheme(THEMES[remembered()] ? remembered() : "auto");
byId("theme").addEventListener("click", () => {
  const names = Object.keys(THEMES),
    now = document.documentElement.dataset.theme ?? "auto";
  setTheme(names[(names.indexOf(now) + 1) % names.length]);
  repaint();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
addEventListener("beforeprint", () => {
  printing = true;
  repaint();
});
addEventListener("afterprint", () => {
  printing = false;
  repaint();
});
