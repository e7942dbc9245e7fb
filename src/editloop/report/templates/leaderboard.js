/* Sorting: a click on a heading sorts by it, a second click turns the order round. */

const table = byId("board");
const valueOf = (row, place) => {
  const text = row.children[place].dataset.value;
  const number = Number(text);
  return text === "" ? null : Number.isNaN(number) ? text.toLowerCase() : number;
};

function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return a < b ? -1 : a > b ? 1 : 0;
}

function draw(place, down) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [valueOf(row, place), row]);
  rows.sort(([a], [b]) => (a === null || b === null ? compare(a, b) : down ? compare(b, a) : compare(a, b)));
  body.append(...rows.map(([, row]) => row));
  [...table.tHead.rows[0].cells].forEach((cell, at) => {
    if (at === place) cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
}

[...table.tHead.rows[0].cells].forEach((cell, place) => {
  cell.querySelector("button").addEventListener("click", () => {
    const sorted = cell.getAttribute("aria-sort");
    draw(place, sorted ? sorted === "ascending" : place > 1);
  });
});
