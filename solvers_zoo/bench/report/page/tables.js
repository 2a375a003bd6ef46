// Tables: click a heading to sort, type to filter, copy as CSV. A cell is text, or {text, sort, node}.
function makeTable(host, { name, columns, rows, size = 60, start = null }) {
  const kept = host.state ?? (host.state = { word: "", sort: start, down: false, size });
  const plain = cell => (cell !== null && typeof cell === "object" ? cell.text : cell);
  const key = cell => (cell !== null && typeof cell === "object" ? cell.sort ?? cell.text : cell);
  const find = el("input", { type: "search", placeholder: "Filter", "aria-label": `Filter: ${name}`, value: kept.word });
  const count = el("span", { class: "hint", role: "status" });
  const head = el("tr"), body = el("tbody"), more = el("button", { type: "button", class: "quiet more" });
  const csv = copies(() => {
    const quote = value => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    const lines = [columns.map(column => column.title), ...host.found.map(row => row.map(cell => String(plain(cell) ?? "")))];
    return lines.map(line => line.map(quote).join(",")).join("\n") + "\n";
  }, `${name} as CSV`, "Copy CSV");

  function fill() {
    const words = kept.word.toLowerCase().split(/\s+/).filter(Boolean);
    const texts = row => row.map(cell => String(plain(cell) ?? "")).join(" ").toLowerCase();
    let found = rows.filter(row => !words.length || (text => words.every(word => text.includes(word)))(texts(row)));
    if (kept.sort !== null && kept.sort < columns.length) {
      const sign = kept.down ? -1 : 1;
      found = [...found].sort((a, b) => {
        const [x, y] = [key(a[kept.sort]), key(b[kept.sort])];
        if (x === null || x === undefined) return y === null || y === undefined ? 0 : 1;
        if (y === null || y === undefined) return -1;
        return sign * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true }));
      });
    }
    head.replaceChildren(...columns.map((column, index) => el("th", {
      scope: "col", class: column.number ? "number" : "", "aria-sort": kept.sort === index ? (kept.down ? "descending" : "ascending") : "none",
    }, el("button", { type: "button", onclick: () => { kept.down = kept.sort === index && !kept.down; kept.sort = index; fill(); head.children[index].firstChild.focus(); } }, column.title))));
    body.replaceChildren(...found.slice(0, kept.size).map(row => el("tr", {}, ...row.map((cell, index) => el("td", { class: columns[index].number ? "number" : columns[index].long ? "long" : "" },
      cell !== null && typeof cell === "object" ? cell.node?.cloneNode(true) ?? cell.text : typeof cell === "number" ? num(cell) : cell ?? "–")))));
    count.textContent = found.length < rows.length ? `${found.length} of ${rows.length} rows` : `${rows.length} rows`;
    more.hidden = found.length <= kept.size;
    more.textContent = `Show ${Math.min(size * 5, found.length - kept.size)} more of ${found.length - kept.size}`;
    host.found = found;
  }
  find.addEventListener("input", () => { kept.word = find.value; fill(); });
  more.addEventListener("click", () => { kept.size += size * 5; fill(); });
  host.replaceChildren(el("div", { class: "table-tools" }, find, count, csv),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, el("table", {}, el("thead", {}, head), body)), more);
  fill();
}

const named = who => {
  const { name } = data.solvers[who.solver];
  return { text: name, node: el("span", { class: "name" }, swatch(who), name) };
};

drawers.push(() => {
  const found = board();
  if (!found) return at("ranking-table").replaceChildren(el("p", { class: "hint" }, "Nothing was finished."));
  const least = found.budgets.map((_, b) => Math.min(...found.scores.map(row => (row[b] ? row[b][0] : Infinity))));
  const several = grids().size > 1;
  const columns = [
    { title: "#", number: true }, { title: "solver" }, ...(several ? [{ title: "grid" }] : []), { title: "family" },
    ...found.budgets.map(budget => ({ title: budget.replace("nfe", "NFE").replace("any", "error"), number: true })), { title: "× least", number: true },
  ];
  const rows = contestants().map((who, place) => {
    const scores = found.scores[who.index];
    return [
      place + 1, named(who), ...(several ? [data.grids[who.grid]] : []), data.solvers[who.solver].family ?? "",
      ...scores.map((score, b) => score && {
        text: String(score[0]), sort: score[0],
        node: el("span", { class: `${score[0] === least[b] ? "least" : ""}` }, num(score[0]), score[1] ? el("b", { class: "tie", title: "ties exact samples" }, " ≈") : ""),
      }),
      found.ratios[who.index],
    ];
  });
  makeTable(at("ranking-table"), { name: "Ranking", columns, rows, size: 40, start: 0 });
});

drawers.push(() => {
  const found = board();
  if (!found) return at("slopes-table").replaceChildren();
  const by = new Map(contestants().map(who => [who.index, who]));
  const most = Math.max(0, ...found.slopes.map(([, , pairs]) => pairs.length));
  const same = found.slopes.every(([, , pairs]) => pairs.length === most) && new Set(found.slopes.map(([, , pairs]) => String(pairs.map(pair => pair.slice(0, 2))))).size === 1;
  const columns = [
    { title: "solver" }, { title: "grid" }, { title: "order of the method", number: true }, { title: "fit", number: true },
    ...Array.from({ length: most }, (_, k) => ({ title: same ? found.slopes[0][2][k].slice(0, 2).map(num).join(" → ") : `interval ${k + 1}`, number: true })),
  ];
  const rows = found.slopes.filter(([index]) => by.has(index)).map(([index, fit, pairs]) => {
    const who = by.get(index);
    return [
      named(who), data.grids[who.grid], data.solvers[who.solver].order, fit,
      ...Array.from({ length: most }, (_, k) => pairs[k] && {
        text: pairs[k][2].toFixed(2), sort: pairs[k][2],
        node: el("span", { class: pairs[k][3] ? "dim" : "", title: `${num(pairs[k][0])} to ${num(pairs[k][1])} evaluations${pairs[k][3] ? ", at the floor of exact samples" : ""}` }, pairs[k][2].toFixed(2)),
      }),
    ];
  });
  if (rows.length) makeTable(at("slopes-table"), { name: "Orders of convergence", columns, rows, size: 12 });
  else at("slopes-table").replaceChildren();
});

makeTable(at("cells-table"), {
  name: "Cells", size: 25,
  columns: data.cells.columns.map(title => ({ title, number: !["model", "solver", "grid", "budget", "status", "dtype"].includes(title) })),
  rows: data.cells.rows.map(row => row.map((value, index) => (index in data.cells.words ? data.cells.words[index][value] : value))),
});
