// Samples as pictures: points over exact points, grey or coloured images, a histogram over the exact density.
const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
const pairs = text => { const raw = bytes(text); return new Uint16Array(raw.buffer, 0, raw.length >> 1); };
const ink = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const SIZE = 336;

const painters = {
  plane(context, gallery, text, colour) {
    const dots = (values, radius, alpha) => {
      context.globalAlpha = alpha;
      context.beginPath();
      for (let k = 0; k + 1 < values.length; k += 2) {
        if (!values[k] || !values[k + 1]) continue;
        const [x, y] = [values[k] / 65535 * SIZE, SIZE - values[k + 1] / 65535 * SIZE];
        context.moveTo(x + radius, y);
        context.arc(x, y, radius, 0, 7);
      }
      context.fill();
    };
    context.fillStyle = ink("--quiet");
    if (gallery.crowd) dots(pairs(gallery.crowd), 2.4, 0.28);
    context.fillStyle = colour;
    dots(pairs(text), 5, 0.9);
  },
  images(context, gallery, text) {
    const [height, width, channels] = gallery.shape, raw = bytes(text), each = height * width * channels;
    const count = Math.floor(raw.length / each), across = Math.ceil(Math.sqrt(count));
    const small = el("canvas", { width, height }), brush = small.getContext("2d"), side = SIZE / across;
    context.imageSmoothingEnabled = false;
    for (let k = 0; k < count; k++) {
      const image = brush.createImageData(width, height);
      for (let p = 0; p < height * width; p++) {
        for (let c = 0; c < 3; c++) image.data[4 * p + c] = raw[k * each + p * channels + (channels === 3 ? c : 0)];
        image.data[4 * p + 3] = 255;
      }
      brush.putImageData(image, 0, 0);
      context.drawImage(small, (k % across) * side + 2, Math.floor(k / across) * side + 2, side - 4, side - 4);
    }
  },
  line(context, gallery, text, colour) {
    const values = pairs(text), bins = 20, found = new Array(bins).fill(0);
    const exact = gallery.crowd ? [...bytes(gallery.crowd)] : [];
    for (const value of values) if (value) found[Math.min(bins - 1, Math.floor(value / 65536 * bins))] += bins / values.length;
    const whole = exact.reduce((a, b) => a + b, 0) || 1, density = exact.map(value => value * exact.length / whole);
    const top = SIZE / (1.08 * Math.max(...found, ...density, 1e-9));
    context.fillStyle = colour;
    context.globalAlpha = 0.55;
    found.forEach((height, k) => context.fillRect(k * SIZE / bins + 1, SIZE - height * top, SIZE / bins - 2, height * top));
    context.globalAlpha = 1;
    context.strokeStyle = ink("--ink");
    context.lineWidth = 3;
    context.beginPath();
    density.forEach((height, k) => context.lineTo((k + 0.5) * SIZE / density.length, SIZE - height * top));
    context.stroke();
  },
};

function tile(gallery, text, name, words, colour, own = "") {
  const canvas = el("canvas", { width: SIZE, height: SIZE, role: "img", "aria-label": `Samples: ${name}, ${words}` });
  painters[gallery.kind](canvas.getContext("2d"), gallery, text, colour);
  return el("figure", { class: own }, canvas, el("figcaption", {}, name, el("span", {}, words)));
}

drawers.push(() => {
  const gallery = problem()?.gallery, note = at("gallery-note");
  at("gallery").replaceChildren();
  if (!gallery) {
    options(at("budget"), [], "");
    note.textContent = "No samples were kept for this problem.";
    return;
  }
  const budgets = [...new Set(gallery.pictures.map(picture => picture[2]))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  if (!budgets.includes(state.budget)) state.budget = budgets.includes("nfe 10") ? "nfe 10" : budgets[Math.floor(budgets.length / 2)];
  options(at("budget"), budgets.map(budget => [budget, budgetWords(budget)]), state.budget);
  const error = who => board().points.find(point => point[0] === who.index);
  const fitting = shown().flatMap(who => gallery.pictures.filter(([solver, grid, budget]) => solver === who.solver && grid === who.grid && budget === state.budget).map(picture => ({ who, picture })));
  const tiles = fitting.slice(0, state.tiles).map(({ who, picture }) => {
    const column = board().budgets.indexOf(state.budget), score = column >= 0 ? board().scores[who.index][column] : null;
    const value = score ? `${board().metric} ${num(score[0])}${score[1] ? " ≈" : ""}` : error(who) ? budgetWords(state.budget) : "";
    return tile(gallery, picture[3], data.solvers[who.solver].name, grids().size > 1 ? `${data.grids[who.grid]}, ${value}` : value, style(who).ink);
  });
  if (gallery.exact) tiles.unshift(tile(gallery, gallery.exact, "exact samples", "what all should look like", ink("--good"), "exact"));
  at("gallery").replaceChildren(...tiles);
  const what = { plane: ["64 samples each", ", over 600 exact ones in grey"], images: ["16 samples each", ""], line: ["The first coordinate of 64 samples each", ", under the exact density"] }[gallery.kind];
  note.textContent = [
    `${what[0]}${gallery.exact ? what[1] : "; exact ones cannot be drawn here"}.`,
    fitting.length > state.tiles ? `The best ${state.tiles} of the ${fitting.length} solvers that are shown above.` : "Of the solvers that are shown above.",
    gallery.left ? `${gallery.pictures.length} of ${gallery.pictures.length + gallery.left} cells have a picture here: one seed, the best solvers.` : "",
  ].join(" ");
});
at("budget").addEventListener("change", event => { state.budget = event.target.value; render(); });
