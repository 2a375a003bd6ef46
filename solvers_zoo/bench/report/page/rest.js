// What failed, the machines, and how to do it again; then the first drawing.
function troubles(title, groups, own, none) {
  if (!groups.length) return none ? el("div", { class: "card" }, el("h3", {}, title), el("p", { class: "hint" }, none)) : null;
  return el("div", { class: `card ${own}` }, el("h3", {}, title), ...groups.map(group => el("details", {},
    el("summary", {}, el("span", { class: "count" }, String(group.count)), group.kind ? el("b", {}, `${group.kind}: `) : "", group.reason),
    el("ul", {}, ...group.cells.map(words => el("li", {}, words)), group.count > group.cells.length && own === "failed" ? el("li", {}, `and ${group.count - group.cells.length} more`) : ""),
    group.traceback ? el("pre", {}, group.traceback) : "")));
}
at("troubles").append(...[
  troubles(`Failed: ${data.counts.failed} cells`, data.failed, "failed", "No cell failed."),
  troubles(`Skipped: ${data.counts.skipped} cells, which have no meaning`, data.skipped, "skipped", "No cell was skipped."),
  troubles("Not measured", data.unmeasured, "unmeasured", ""),
].filter(Boolean));

at("times").textContent = data.times;
at("machines").append(...data.machines.map(machine => el("div", { class: "scroll" }, el("table", {}, el("tbody", {},
  ...Object.entries(machine).map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name.replaceAll("_", " ")), el("td", { class: "long" }, String(value)))))))));
if (!data.machines.length) at("machines").append(el("p", { class: "hint" }, "No machine is known."));

for (const recipe of data.recipes) {
  at("recipes").append(el("div", { class: "card" }, el("h3", {}, recipe.name),
    el("div", { class: "copied" }, el("pre", {}, recipe.command), copies(recipe.command, "the command")),
    recipe.toml ? el("p", { class: "hint" }, "Or as a file, sweep.toml, for zoo bench --config sweep.toml:") : "",
    recipe.toml ? el("div", { class: "copied" }, el("pre", {}, recipe.toml), copies(recipe.toml, "the sweep")) : ""));
}
if (!data.recipes.length) at("recipes").append(el("p", { class: "hint" }, "The store does not hold the sweep that these cells came from."));

for (const section of document.querySelectorAll("main section")) {
  at("sections").append(el("li", {}, el("a", { href: `#${section.id}` }, section.dataset.name)));
}
render();
drawing.then(() => { document.documentElement.dataset.ready = "yes"; });
