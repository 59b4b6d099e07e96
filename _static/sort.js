// Tables of four rows and more sort by any column: each header cell becomes a button.
document.addEventListener("DOMContentLoaded", () => {
  const number = (text) => {
    const match = text.replace(/−/g, "-").replace(/,(?=\d{3})/g, "").match(/^[~+]?\s*(-?\d*\.?\d+)/);
    return match ? Number(match[1]) : NaN;
  };

  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
    return a.localeCompare(b);
  };

  const sort = (table, column, direction) => {
    const body = table.tBodies[0];
    const text = (row) => row.cells[column].textContent.trim();
    const rows = [...body.rows].sort((a, b) => direction * compare(text(a), text(b)));
    body.append(...rows);
  };

  for (const table of document.querySelectorAll(".bd-article table")) {
    const body = table.tBodies[0];
    const head = table.tHead?.rows[0];
    if (!head || table.tHead.rows.length > 1 || body.rows.length < 4) continue;
    if (table.querySelector("[colspan], [rowspan]")) continue;
    [...head.cells].forEach((cell, column) => {
      // A header that is a link or empty stays as it is.
      if (!cell.textContent.trim() || cell.querySelector("a, button")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort-button";
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => {
        const ascending = cell.getAttribute("aria-sort") !== "ascending";
        for (const other of head.cells) other.removeAttribute("aria-sort");
        cell.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sort(table, column, ascending ? 1 : -1);
      });
    });
  }
});
