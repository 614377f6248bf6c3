// The table of tasks: search, filters, order.

const filters = byId("filters");
const tableBody = byId("tasks").tBodies[0];

// Ranges of published solve rates; the outer two are those of the surprises.
function band(rate) {
  const { rare, easy } = evaluation().published;
  if (rate <= rare) return `0 to ${100 * rare}%`;
  if (rate >= easy) return `${100 * easy} to 100%`;
  return rate < 0.5 ? `${100 * rare} to 50%` : `50 to ${100 * easy}%`;
}
const COLUMNS = {
  verdict: (row) => row.verdicts,
  reason: (row) => row.reasons.map(([reason]) => reason),
  diagnosis: (row) => row.diagnoses,
  domain: (row) => row.domains,
  library: (row) => row.libraries,
  published: (row) => (row.published === null ? [] : [band(row.published)]),
};
const SORT_KEYS = {
  number: (row) => Number(row.id.split("/").pop()),
  rate: (row) => row.passed / row.samples,
  reason: (row) => row.reasons.map(([reason]) => reason).join(),
  published: (row) => row.published ?? -1,
  seconds: (row) => row.seconds ?? -1,
};

function fillFilters() {
  for (const [name, values] of Object.entries(COLUMNS)) {
    const select = filters.elements[name];
    const before = select.value;
    const there = [...new Set(evaluation().rows.flatMap(values))].sort();
    select.replaceChildren(element("option", { value: "" }, "all"), ...there.map((value) => element("option", { value }, value)));
    select.value = there.includes(before) ? before : "";
    select.closest("label").hidden = !there.length; // nothing to choose by
  }
}

function chosenRows() {
  const wanted = Object.fromEntries(new FormData(filters));
  const text = wanted.text.trim().toLowerCase();
  const key = SORT_KEYS[shown.sortedBy];
  const compare = (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
  return evaluation().rows
    .filter((row) => (!text || [row.id, ...row.libraries].some((value) => value.toLowerCase().includes(text)))
      && Object.entries(COLUMNS).every(([name, values]) => !wanted[name] || values(row).includes(wanted[name])))
    .sort((a, b) => (shown.down ? compare(b, a) : compare(a, b)));
}

function verdict(row) {
  const kind = row.passed === row.samples ? "pass" : row.passed ? "some" : "fail";
  return element("span", { class: "verdict " + kind }, row.samples > 1 ? `${row.passed} of ${row.samples}` : row.verdicts.join());
}

// Made once for each task: a search only moves rows.
function rowElement(row) {
  const fails = row.passed < row.samples && evaluation().truthFails.includes(row.id);
  row.element ??= element("tr", {},
    element("td", {}, element("a", { href: link(row.id) }, row.id)),
    element("td", {}, verdict(row), fails ? element("span", { class: "mark" }, "ground truth fails too") : null),
    element("td", { class: "wide" }, row.reasons.map(([reason, n]) => (row.samples > 1 ? `${reason}\u00a0${n}` : reason)).join(", ")),
    element("td", { class: "wide" }, row.domains.join(", ")),
    element("td", { class: "wide" }, row.libraries.join(", ")),
    element("td", { class: "number published wide" }, row.published === null ? "" : percent(row.published)),
    element("td", { class: "number" }, row.seconds === null ? "" : row.seconds.toFixed(2)));
  return row.element;
}

function fillTable() {
  const rows = chosenRows();
  byId("shown").textContent = `${rows.length.toLocaleString("en")} of ${count(evaluation().rows.length, "task")}`;
  tableBody.replaceChildren(...rows.map(rowElement));
  for (const button of byId("tasks").querySelectorAll("[data-sort]")) {
    const sorted = button.dataset.sort === shown.sortedBy;
    button.parentElement.setAttribute("aria-sort", sorted ? (shown.down ? "descending" : "ascending") : "none");
  }
}

// Show only the tasks with this value.
function chooseBy(filter, value) {
  filters.reset();
  filters.elements[filter].value = value;
  fillTable();
  byId("tasks-title").scrollIntoView();
  filters.elements[filter].focus({ preventScroll: true });
}

filters.addEventListener("input", fillTable);
filters.addEventListener("change", fillTable); // automation sends only this one
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("reset", () => setTimeout(fillTable));
byId("tasks").tHead.addEventListener("click", (event) => {
  const by = event.target.dataset.sort;
  if (!by) return;
  shown.down = shown.sortedBy === by && !shown.down;
  shown.sortedBy = by;
  fillTable();
});
// A click anywhere in a row opens its task, unless it selects text.
tableBody.addEventListener("click", (event) => {
  const target = event.target.closest("tr").querySelector("a");
  if (event.target !== target && getSelection().isCollapsed) target.click();
});
tableBody.addEventListener("keydown", (event) => {
  const beside = { ArrowDown: "nextElementSibling", j: "nextElementSibling", ArrowUp: "previousElementSibling", k: "previousElementSibling" };
  if (!beside[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.target.closest("tr")[beside[event.key]]?.querySelector("a").focus();
});
