// Choices: the problem, the metric, the grid; and which solvers are shown.
function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => el("option", { value, selected: String(value) === String(chosen) }, text)));
  select.closest("label").hidden = entries.length < 2;
}

drawers.unshift(() => {
  options(at("problem"), data.problems.map((each, index) => [index, each.label]), state.problem);
  options(at("metric"), problem()?.boards.map((each, index) => [index, each.title]) ?? [], state.metric);
  const own = [...grids()].map(grid => data.grids[grid]).sort();
  if (!["best", "all", ...own].includes(state.grid)) state.grid = "best";
  options(at("grid"), own.length > 1 ? [["best", "best of each solver"], ["all", "all grids"], ...own.map(grid => [grid, grid])] : [], state.grid);
});
drawers.push(() => {
  at("facts").textContent = problem() ? `${problem().model} · ${problem().facts}` : "No cell was finished.";
  const cards = board()?.winners ?? [];
  at("winners").replaceChildren(...cards.map(card => el("li", {},
    el("div", { class: "at" }, budgetWords(card.budget)),
    el("div", { class: "who" }, swatch(card), data.solvers[card.solver].name),
    el("div", { class: `error${card.ties ? " tie" : ""}` }, `${num(card.error)}${card.ties ? " ≈" : ""}`),
    el("div", { class: "why" }, grids().size > 1 ? `on ${data.grids[card.grid]}; ${card.why}` : card.why))));
});
drawers.push(() => {
  const word = at("find").value.trim().toLowerCase();
  const order = contestants("best");
  const held = document.activeElement?.dataset?.solver;
  at("chips").replaceChildren(...order.filter(who => data.solvers[who.solver].name.toLowerCase().includes(word)).map(who => {
    const { name } = data.solvers[who.solver];
    const pressed = state.visible.has(who.solver);
    return el("button", {
      type: "button", class: "chip", "data-solver": who.solver, "aria-pressed": String(pressed), title: `${name}: click to ${pressed ? "hide" : "show"}, double-click for it alone`,
      onclick: () => toggle(who.solver), ondblclick: () => only(who.solver),
      onpointerenter: () => pressed && state.grid !== "all" && focus(name), onpointerleave: () => focus(""),
    }, swatch(who), name);
  }));
  if (held !== undefined) document.querySelector(`.chip[data-solver="${held}"]`)?.focus();
  const of = order.filter(who => state.visible.has(who.solver)).length;
  at("showing").textContent = `${of} of ${order.length} solvers shown`;
  at("find").hidden = order.length < 12;
});

function toggle(solver) {
  state.custom = true;
  if (!state.visible.delete(solver)) state.visible.add(solver);
  render();
}
function only(solver) {
  state.custom = true;
  state.visible = new Set([solver]);
  render();
}
at("find").addEventListener("input", () => render());
for (const [id, count] of [["best", 8], ["all", Infinity], ["none", 0]]) {
  at(id).addEventListener("click", () => { state.custom = true; choose(count); render(); });
}
for (const id of ["problem", "metric", "grid"]) {
  at(id).addEventListener("change", event => {
    if (id === "grid") state.grid = event.target.value;
    if (id === "metric") state.metric = Number(event.target.value);
    if (id === "problem") {
      const metric = board()?.metric;
      state.problem = Number(event.target.value);
      state.metric = Math.max(0, problem().boards.findIndex(each => each.metric === metric));
      state.custom = false;
    }
    render();
  });
}
