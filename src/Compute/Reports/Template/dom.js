// Building blocks: elements from data (text only ever through text nodes), numbers, colours.
const SVG = "http://www.w3.org/2000/svg";

function element(make, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) make.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [k, v] of Object.entries(value)) make.style.setProperty(k, v);
    else make.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity))
    if (child !== null && child !== undefined && child !== false) make.append(child instanceof Node ? child : String(child));
  return make;
}
const h = (tag, attributes, ...children) => element(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => element(document.createElementNS(SVG, tag), attributes, children);
const byId = id => document.getElementById(id);

// Three significant digits, a real minus sign, never a bare exponent where a plain number is as short.
function number(x, sign = false) {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const size = Math.abs(x);
  let text;
  if (size === 0) text = "0";
  else if (size < 0.0005 || size >= 1e6) text = size.toExponential(1).replace("e-", "e−").replace("e+", "e");
  else text = size.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
  return (x < 0 ? "−" : sign && x > 0 ? "+" : "") + text;
}
// An error with as many decimals as the value it belongs to.
const alike = (error, value) => {
  const decimals = number(value).split(".")[1];
  return decimals === undefined || /e/.test(decimals) || error < 0.5 * 10 ** -decimals.length
    ? number(error)
    : error.toFixed(decimals.length);
};
const whole = x => String(Math.round(x)).replace(/\B(?=(\d{3})+$)/g, ",");
const percent = x =>
  `${number(x * 100)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "")} %`;
const sentence = text => text.charAt(0).toUpperCase() + text.slice(1);
const plural = (n, one, many = one + "s") => `${whole(n)} ${n === 1 ? one : many}`;

// Smallest and largest, also of more numbers than a call takes arguments.
const extent = values => values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);

// Ticks at 1, 2 or 5 times a power of ten.
function ticks(low, high, count) {
  const raw = (high - low) / Math.max(1, count),
    power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(m => m * power).find(m => m >= raw * 0.999) ?? power * 10;
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) out.push(k * step);
  return {
    values: out,
    text: v =>
      number(Math.abs(v) < step / 1e6 ? 0 : Number(v.toPrecision(12)))
        .replace(/(\.\d*?)0+(?=$|e)/, "$1")
        .replace(/\.$/, ""),
  };
}

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

// Blue for positive, orange for negative: told apart in every common colour blindness. Stops are mixed in linear steps of Oklab.
const STOPS = {
  light: {
    zero: [0.975, 0, 0],
    plus: [
      [0.8, -0.035, -0.075],
      [0.58, -0.045, -0.135],
      [0.36, -0.015, -0.125],
    ],
    minus: [
      [0.86, 0.035, 0.075],
      [0.68, 0.095, 0.115],
      [0.45, 0.095, 0.085],
    ],
  },
  dark: {
    zero: [0.255, -0.002, -0.006],
    plus: [
      [0.42, -0.03, -0.085],
      [0.62, -0.055, -0.12],
      [0.86, -0.055, -0.065],
    ],
    minus: [
      [0.4, 0.05, 0.055],
      [0.62, 0.095, 0.11],
      [0.87, 0.045, 0.105],
    ],
  },
};

// t in [-1, 1] to [css colour, is the colour so light that dark text is read on it].
function diverging(t, dark) {
  const { zero, plus, minus } = STOPS[dark ? "dark" : "light"];
  const stops = [zero, ...(t < 0 ? minus : plus)],
    at = Math.min(1, Math.abs(t)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at)),
    f = at - i;
  const [L, a, b] = stops[i].map((v, k) => v + (stops[i + 1][k] - v) * f);
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3,
    m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3,
    q = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const rgb = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * q,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * q,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * q,
  ].map(v => Math.round(255 * Math.min(1, Math.max(0, v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055))));
  return [`rgb(${rgb.join(" ")})`, L > 0.64];
}
