// Work-precision and order: specifications come from the zoo's own chart builders, rows from the current choice.
const views = {};
let focused = "";
const PATHS = {
  circle: "M4,0A4,4,0,1,1,-4,0A4,4,0,1,1,4,0Z", square: "M-3.6,-3.6H3.6V3.6H-3.6Z", diamond: "M0,-5L4,0L0,5L-4,0Z",
  cross: "M-4.5,-1.6H-1.6V-4.5H1.6V-1.6H4.5V1.6H1.6V4.5H-1.6V1.6H-4.5Z", "triangle-up": "M0,-4.5L4.5,3.6H-4.5Z",
  "triangle-down": "M0,4.5L4.5,-3.6H-4.5Z", "triangle-right": "M4.5,0L-3.6,4.5V-4.5Z", "triangle-left": "M-4.5,0L3.6,4.5V-4.5Z",
};

function swatch(who) {
  const { ink, shape, dash } = style(who);
  const space = "http:" + "//www.w3.org/2000/svg"; // a name of SVG, nothing that is loaded
  const svg = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "line"), mark = document.createElementNS(space, "path");
  const put = (node, set) => { for (const [name, value] of Object.entries(set)) node.setAttribute(name, value); };
  put(svg, { class: "swatch", viewBox: "0 0 34 14", "aria-hidden": "true" });
  put(line, { x1: 1, x2: 33, y1: 7, y2: 7, stroke: ink, "stroke-width": 2, "stroke-dasharray": dash.join(" ") });
  put(mark, { d: PATHS[shape], transform: "translate(17 7)", fill: ink });
  svg.append(line, mark);
  return svg;
}

function pointRows() {
  const by = new Map(shown().map(who => [who.index, who]));
  return board().points.filter(point => by.has(point[0])).map(point => {
    const who = by.get(point[0]);
    const [, nfe, steps, error, low, high, floor_low, floor_high, seconds, share, ties, seeds] = point;
    return { series: nameOf(who), ...style(who), grid: data.grids[who.grid], nfe, steps, error, low, high, floor_low, floor_high, seconds, share, ties, seeds };
  });
}
function orderRows() {
  const by = new Map(shown().map(who => [who.index, who]));
  return board().slopes.filter(([index]) => by.has(index)).flatMap(([index, , pairs]) => pairs
    .filter(([, , order, floor]) => !floor && Math.abs(order) <= data.steepest)
    .map(([before, after, order]) => ({ series: nameOf(by.get(index)), ...style(by.get(index)), nfe: Math.sqrt(before * after), order, before, after })));
}

let drawing = Promise.resolve();
// Charts are drawn one after another: a choice that comes meanwhile is drawn last.
function draw(...asked) {
  drawing = drawing.then(() => embed(...asked));
}
async function embed(name, rows, x, empty) {
  const host = at(`chart-${name}`);
  views[name]?.finalize();
  delete views[name];
  host.replaceChildren();
  const usable = rows.filter(row => row[x] > 0 && (name === "order" || row.error > 0));
  if (!usable.length) {
    host.append(el("p", { class: "empty" }, empty));
    return;
  }
  const spec = JSON.parse(JSON.stringify(data.specs[name]), (_, value) => (value === data.error ? board().title : value));
  spec.config = { ...data.themes[scheme()], background: "transparent", font: getComputedStyle(document.body).fontFamily };
  spec.width = Math.max(200, host.clientWidth - 4);
  spec.autosize = { type: "fit", contains: "padding" };
  spec.datasets = { rows: usable };
  const { view } = await vegaEmbed(host, spec, {
    mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false, tooltip: (_, event, item, value) => tip(event, value ? item.datum : null),
  });
  view.addEventListener("pointerover", (_, item) => focus(item?.datum?.series ?? ""));
  view.addEventListener("pointerout", () => focus(""));
  views[name] = view;
  const svg = host.querySelector("svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${host.parentElement.querySelector("figcaption").textContent}: ${board().title} of ${shown().length} series on ${problem().model}; the tables below have the numbers.`);
}

function focus(series) {
  if (series === focused) return;
  focused = series;
  for (const view of Object.values(views)) view.signal("focus", series).run();
}

function tip(event, row) {
  const box = at("tip");
  box.hidden = !row;
  if (!row) return;
  const facts = row.order !== undefined
    ? [["between", `${num(row.before)} and ${num(row.after)} evaluations`], ["local order", num(row.order)]]
    : [
        ["grid", row.grid], ["evaluations", num(row.nfe)], ["steps", num(row.steps)], ["error", num(row.error)],
        row.seeds > 1 ? ["range of seeds", `${num(row.low)} to ${num(row.high)}`] : null,
        row.floor_high > 0 ? ["exact samples", `${num(row.floor_low)} to ${num(row.floor_high)}`] : null,
        row.floor_high > 0 ? ["ties exact", row.ties ? "yes" : "no"] : null,
        row.seconds ? ["time of a run", duration(row.seconds)] : null, row.share ? ["in the model", `${Math.round(100 * row.share)} %`] : null,
        ["seeds", String(row.seeds)],
      ].filter(Boolean);
  box.replaceChildren(el("b", {}, row.series), el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
  const { width, height } = box.getBoundingClientRect();
  box.style.left = `${Math.max(8, event.clientX + 16 + width > innerWidth ? event.clientX - width - 16 : event.clientX + 16)}px`;
  box.style.top = `${Math.max(8, Math.min(event.clientY + 14, innerHeight - height - 8))}px`;
}

drawers.push(() => {
  if (!board()) return;
  const rows = pointRows(), orders = orderRows();
  const nobody = "No solver is chosen: click one above.";
  draw("nfe", rows, "nfe", shown().length ? "All errors are exactly 0." : nobody);
  draw("seconds", rows, "seconds", shown().length ? "These runs were not timed." : nobody);
  draw("order", orders, "nfe", shown().length ? "An order needs two budgets with errors above the floor of exact samples." : nobody);
  const zeros = rows.filter(row => row.error === 0).length;
  at("note").textContent = [
    rows.some(row => row.seeds > 1) ? "Bands reach from the least to the greatest of the seeds." : "",
    rows.some(row => row.floor_high > 0) ? "The grey band is what exact samples show, two standard deviations about the mean." : "",
    zeros ? `${zeros} errors are exactly 0 and have no place on a logarithmic axis.` : "",
  ].join(" ");
});

for (const host of document.querySelectorAll(".chart")) {
  const name = host.id.slice(6), file = kind => `${problem().model}-${board().metric}-${name}.${kind}`.replace(/[^\w.-]+/g, "-");
  host.before(el("div", { class: "files" },
    el("button", { type: "button", "aria-label": `Save as SVG: ${name}`, onclick: async () => views[name] && download(file("svg"), await views[name].toImageURL("svg")) }, "SVG"),
    el("button", { type: "button", "aria-label": `Save as PNG: ${name}`, onclick: async () => views[name] && download(file("png"), await views[name].toImageURL("png", 2)) }, "PNG")));
}
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  clearTimeout(addEventListener.later);
  addEventListener.later = setTimeout(render, 120);
});
