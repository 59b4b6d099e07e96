// Tables of four rows and more sort by any column: each header cell becomes a button, which sorts
// upward, downward, and then as the page had it.
document.addEventListener("DOMContentLoaded", () => {
  const number = (text) => {
    const match = text.replace(/−/g, "-").replace(/,(?=\d{3})/g, "").match(/^[~+]?\s*(-?\d*\.?\d+)/);
    return match ? Number(match[1]) : NaN;
  };

  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
    // "Table 7.2" comes before "Table 7.10".
    return a.localeCompare(b, "en", { numeric: true });
  };

  const sorted = (rows, column, order) => {
    if (order === "none") return rows;
    const text = (row) => row.cells[column].textContent.trim();
    const direction = order === "ascending" ? 1 : -1;
    return [...rows].sort((a, b) => direction * compare(text(a), text(b)));
  };
  const next = { ascending: "descending", descending: "none" };

  for (const table of document.querySelectorAll(".bd-article table")) {
    const body = table.tBodies[0];
    const head = table.tHead?.rows[0];
    if (!head || table.tHead.rows.length > 1 || body.rows.length < 4) continue;
    if (table.querySelector("[colspan], [rowspan]")) continue;
    const rows = [...body.rows];
    [...head.cells].forEach((cell, column) => {
      // A header that is a link or empty stays as it is.
      if (!cell.textContent.trim() || cell.querySelector("a, button")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort-button";
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => {
        const order = next[cell.getAttribute("aria-sort")] ?? "ascending";
        for (const other of head.cells) other.removeAttribute("aria-sort");
        if (order !== "none") cell.setAttribute("aria-sort", order);
        body.append(...sorted(rows, column, order));
      });
    });
  }
});
