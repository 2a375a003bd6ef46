"use strict";
// What is shown, what is chosen, and what everything else is made with. Text is only ever set as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const state = { problem: 0, metric: 0, grid: "best", visible: new Set(), custom: false, budget: "", tiles: 12 };
const at = id => document.getElementById(id);
const drawers = [];

const problem = () => data.problems[state.problem];
const board = () => problem()?.boards[state.metric];

function el(tag, set = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(set)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

// Three digits, whole numbers as they are; powers of ten where there would be many zeros.
function num(x) {
  if (x === null || x === undefined) return "–";
  const size = Math.abs(x);
  if (Number.isInteger(x) && size < 1e5) return String(x);
  if (size >= 100 && size < 1e5) return String(Math.round(x));
  return size >= 1e-3 && size < 1e5 ? x.toPrecision(3) : x.toExponential(2);
}
const duration = s => (s < 1 ? `${num(s * 1000)} ms` : s < 120 ? `${num(s)} s` : s < 7200 ? `${num(s / 60)} min` : `${num(s / 3600)} h`);
const budgetWords = text => text.replace(/^nfe (\d+)$/, "$1 evaluations").replace(/^steps (\d+)$/, "$1 steps").replace(/^any$/, "its own steps");

// Contestants of the current problem and metric, the best first: of each solver the best grid, or one grid, or all.
function contestants(mode = state.grid) {
  const seen = new Set();
  return (board()?.rank ?? []).map(([solver, grid], index) => ({ solver, grid, index })).filter(who => {
    if (mode === "best") return !seen.has(who.solver) && seen.add(who.solver);
    return mode === "all" || data.grids[who.grid] === mode;
  });
}
const shown = () => contestants().filter(who => state.visible.has(who.solver));
const grids = () => new Set(board()?.rank.map(pair => pair[1]));
function nameOf(who) {
  const solver = data.solvers[who.solver].name;
  return state.grid === "all" && grids().size > 1 ? `${solver} on ${data.grids[who.grid]}` : solver;
}
function style(who) {
  const own = data.solvers[who.solver];
  const dash = state.grid === "all" ? data.dashes[who.grid % data.dashes.length] : own.dash;
  return { ink: data.palette[scheme()][own.colour], shape: own.shape, dash };
}

function choose(count) {
  const order = [...new Set(contestants().map(who => who.solver))];
  state.visible = new Set(order.slice(0, count));
}
function render() {
  if (!state.custom) choose(new Set(board()?.rank.map(pair => pair[0])).size > 12 ? 8 : Infinity);
  for (const draw of drawers) draw();
}

// -- colours of the page ------------------------------------------------------------------------------------------------
const system = matchMedia("(prefers-color-scheme: dark)");
let wish = "auto";
const scheme = () => (wish === "auto" ? (system.matches ? "dark" : "light") : wish);
function paint() {
  document.documentElement.dataset.scheme = document.documentElement.dataset.drawn = scheme();
  at("scheme").querySelector("span").textContent = wish;
  at("scheme").setAttribute("aria-label", `Colours: ${wish === "auto" ? "as the system has them" : wish}`);
}
at("scheme").addEventListener("click", () => {
  wish = { auto: system.matches ? "light" : "dark", light: system.matches ? "dark" : "auto", dark: system.matches ? "auto" : "light" }[wish];
  paint();
  render();
});
system.addEventListener("change", () => { paint(); render(); });
// Paper is light; charts, which cannot be drawn anew in time, are turned over by the style sheet.
addEventListener("beforeprint", () => { Object.assign(document.documentElement.dataset, { scheme: "light", drawn: scheme() }); });
addEventListener("afterprint", paint);
paint();

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // pages from a file may not have a clipboard
    const area = el("textarea", { style: "position:fixed;opacity:0" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
function copies(text, what, words = "Copy") {
  const button = el("button", { type: "button", class: "quiet", "aria-label": `Copy ${what}` }, words);
  button.addEventListener("click", async () => {
    await copy(typeof text === "function" ? text() : text);
    button.focus();
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = words; }, 1500);
  });
  return button;
}
function download(name, href) {
  el("a", { href, download: name }).click();
}
