"use strict";
// A click on a heading sorts its table by that column; a second one reverses the order.

// Numbers by the first number ("37 (21 to 55)"), texts by the alphabet, "-" (no value) at the end.
function order(left, right) {
  const numbers = [left, right].map((text) => (/^[+-]?\d/.test(text) ? Number.parseFloat(text) : NaN));
  if (numbers.every((number) => !Number.isNaN(number)) && numbers[0] !== numbers[1]) return numbers[0] - numbers[1];
  return left.localeCompare(right, "en", { numeric: true });
}

function sort(button) {
  const heading = button.parentElement;
  const table = heading.closest("table");
  const column = [...heading.parentElement.children].indexOf(heading);
  const down = heading.getAttribute("aria-sort") === "ascending";
  const text = (row) => row.children[column].textContent;
  const rows = [...table.tBodies[0].rows];
  const known = rows.filter((row) => text(row) !== "-").sort((a, b) => order(text(a), text(b)) * (down ? -1 : 1));
  table.tBodies[0].replaceChildren(...known, ...rows.filter((row) => text(row) === "-"));
  for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
}

for (const heading of document.querySelectorAll("thead th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  button.addEventListener("click", () => sort(button));
  heading.append(button);
}
