// The table of solvers: filter by words, family and noise; sort by a heading.
(() => {
  const table = document.getElementById("zoo-solvers");
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows];
  const text = document.getElementById("zoo-filter"), family = document.getElementById("zoo-family"),
    noise = document.getElementById("zoo-noise"), count = document.getElementById("zoo-count");
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const filter = () => {
    const asked = text.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const fits = asked.every((word) => words.get(row).includes(word))
        && (!family.value || row.dataset.family === family.value) && (!noise.value || row.dataset.noise === noise.value);
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} solver${shown === 1 ? "" : "s"}`;
  };
  for (const field of [text, family, noise]) for (const event of ["input", "change"]) field.addEventListener(event, filter);
  [...table.tHead.rows[0].cells].forEach((head, column) => head.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent;
    rows.sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
      return up ? order : -order;
    });
    body.append(...rows);
  }));
})();
