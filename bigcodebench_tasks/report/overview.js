// Scores, pass rates and verdicts of an evaluation.

function track(rate, low, high, kind = "") {
  const fill = element("i", { class: kind });
  fill.style.width = percent(rate) + "%";
  const made = element("div", { class: "track", "aria-hidden": "true" }, fill);
  if (low !== undefined) {
    const whisker = element("b");
    whisker.style.left = percent(low) + "%";
    whisker.style.width = percent(high - low) + "%";
    made.append(whisker);
  }
  return made;
}

function card(title, { rate, low, high }, notes, now) {
  return element("div", { class: now ? "card now" : "card" },
    element("p", { class: "quiet" }, title),
    element("p", { class: "value" }, percent(rate), element("small", {}, "%")),
    track(rate, low, high),
    ...[`95% interval ${percent(low)} to ${percent(high)}`, ...notes].map((note) => element("p", { class: "quiet" }, note)));
}

function cards() {
  const mates = evaluations.filter((mate) => mate.model === evaluation().model && mate.subset === evaluation().subset);
  const made = mates.map((mate) => {
    const each = mate.fewest === mate.most ? count(mate.most, "sample") : `${mate.fewest} to ${mate.most} samples`;
    return card(`${mate.name}: pass@1`, mate.score, [`${count(mate.score.tasks, "task")}, ${each} each`], mates.length > 1 && mate === evaluation());
  });
  if (evaluation().mean) made.push(card("Mean of both splits", evaluation().mean, ["the leaderboard ranks by it"], false));
  byId("cards").replaceChildren(...made);
}

// A table with a bar in each row. Entries: name, filter (of the table of tasks; null for none), bar, cells.
function barTable(headings, entries) {
  const heading = (text, number) => element("th", { scope: "col", class: number ? "number" : "" }, text);
  return element("table", { class: "bars" },
    element("thead", {}, element("tr", {}, heading(headings[0]), element("td"), ...headings.slice(1).map((text) => heading(text, true)))),
    element("tbody", {}, ...entries.map((entry) => element("tr", {},
      element("th", { scope: "row" }, entry.filter === null ? entry.name
        : element("button", { type: "button", class: "name", title: "show these tasks", onclick: () => chooseBy(entry.filter, entry.name) }, entry.name)),
      element("td", { class: "bar" }, entry.bar),
      ...entry.cells.map((text) => element("td", { class: "number" }, text))))));
}

const rates = (heading, filter, entries) => barTable([heading, "pass@1", "95%", "tasks"], entries.map((entry) => ({
  name: entry.name, filter, bar: track(entry.rate, entry.low, entry.high),
  cells: [percent(entry.rate), `${percent(entry.low)} to ${percent(entry.high)}`, entry.tasks.toLocaleString("en")],
})));

function switches() {
  const models = [...new Set(evaluations.map((each) => each.model))];
  byId("switch").hidden = evaluations.length < 2;
  byId("switch").replaceChildren(...models.map((model) => element("div", { role: "group", "aria-label": model },
    models.length > 1 ? element("span", { class: "quiet" }, model) : null,
    ...evaluations.map((each, number) => (each.model !== model ? null : element("button", {
      type: "button", "aria-pressed": String(number === shown.evaluation), onclick: () => choose(number),
    }, each.name))))));
}

function truthNote(current) {
  byId("truth").hidden = !current.truthFails.length;
  byId("truth").replaceChildren(
    "The ground truth of these tasks failed on that machine too, so their failures are not the model's: ",
    ...current.truthFails.flatMap((id, number) => [number ? ", " : "", element("a", { href: link(id) }, id)]));
}

function showOverview() {
  const current = evaluation();
  byId("model").textContent = current.model;
  switches();
  cards();
  byId("facts").replaceChildren(...current.facts.map(([label, value]) =>
    element("div", {}, element("dt", {}, label), element("dd", {}, value))));
  truthNote(current);
  showPublished();
  byId("domains").replaceChildren(rates("Domain", "domain", current.domains));
  const half = Math.ceil(current.libraries.length / 2);
  byId("libraries").replaceChildren(...[current.libraries.slice(0, half), current.libraries.slice(half)]
    .filter((entries) => entries.length).map((entries) => rates("Library", "library", entries)));
  byId("reasons").replaceChildren(barTable(["Reason", "share", "samples"], current.reasons.map(({ name, passed, samples }) => ({
    name, filter: passed ? null : "reason", bar: track(samples / current.samples, undefined, undefined, passed ? "" : "fail"),
    cells: [percent(samples / current.samples), samples.toLocaleString("en")],
  }))));
  byId("diagnoses").hidden = !current.diagnoses.length;
  byId("diagnoses").replaceChildren(barTable(["Responses, before any verdict", "share", "samples"], current.diagnoses.map(({ name, samples }) => ({
    name, filter: "diagnosis", bar: track(samples / current.samples, undefined, undefined, "fail"),
    cells: [percent(samples / current.samples), samples.toLocaleString("en")],
  }))));
  for (const several of document.querySelectorAll("[data-evaluation]")) {
    several.hidden = Number(several.dataset.evaluation) !== shown.evaluation;
  }
  fillFilters();
  fillTable();
}

// Show another evaluation, with the open task if it has it.
function choose(number) {
  const open = shown.task?.id;
  shown.evaluation = number;
  showOverview();
  if (open && evaluation().rows.some((row) => row.id === open)) go(open);
  else if (open) back();
}
