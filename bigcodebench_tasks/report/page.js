"use strict";
// Model output is hostile: every text of it goes into the page as a text node, never as HTML.
(() => {
  const evaluations = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const blocks = new Map();
  let current = 0;
  let sorting = { by: "number", down: false };
  let openTask = null;

  function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key === "class") made.className = value;
      else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }
  const percent = (share) => (100 * share).toFixed(1);
  const evaluation = () => evaluations[current];
  const link = (number, id) => "#" + (number ? number + ":" : "") + id;

  // -- overview -----------------------------------------------------------------------------------------

  function card(title, value, notes, now) {
    return element("div", { class: now ? "card now" : "card" },
      element("p", { class: "quiet" }, title), element("p", { class: "value" }, value),
      ...notes.map((note) => element("p", { class: "quiet" }, note)));
  }

  function cards() {
    const mates = evaluations.filter((one) => one.model === evaluation().model && one.subset === evaluation().subset);
    const made = mates.map((one) => card(one.name, percent(one.score), [
      `pass@1, ${percent(one.low)} to ${percent(one.high)}`,
      `${one.tasks} tasks` + (one.samples > one.tasks ? `, ${one.samples} samples` : "")], one === evaluation()));
    if (mates.length === 2) {
      made.push(card("Mean of both", percent((mates[0].score + mates[1].score) / 2), ["by which the leaderboard ranks"], false));
    }
    byId("cards").replaceChildren(...made);
  }

  function rateBars(target, entries, total) {
    target.replaceChildren(...entries.flatMap((entry) => {
      const fill = element("i", { class: entry.kind || "" });
      fill.style.width = percent(entry.rate) + "%";
      const track = element("div", { class: "track", role: "img", "aria-label": `${entry.name}: ${entry.label}` }, fill);
      if (entry.high !== undefined) {
        const whisker = element("b");
        whisker.style.left = percent(entry.low) + "%";
        whisker.style.width = percent(entry.high - entry.low) + "%";
        track.append(whisker);
      }
      return [element("span", {}, entry.name), track, element("span", { class: "figures" }, entry.figures,
        element("span", { class: "interval" }, entry.interval || ""))];
    }));
  }

  function withFigures(entry) {
    const interval = `, ${percent(entry.low)} to ${percent(entry.high)}`;
    const figures = `${percent(entry.rate)} of ${entry.tasks}`;
    return { ...entry, figures, interval, label: figures + interval };
  }

  function showOverview() {
    const one = evaluation();
    byId("model").textContent = one.model;
    byId("switch").hidden = evaluations.length < 2;
    byId("switch").replaceChildren(...evaluations.map((other, number) => element("button", {
      type: "button", "aria-pressed": String(number === current), onclick: () => choose(number),
    }, new Set(evaluations.map((each) => each.model)).size > 1 ? `${other.model}: ${other.name}` : other.name)));
    cards();
    byId("facts").replaceChildren(...one.facts.map(([label, value]) =>
      element("div", {}, element("dt", {}, label), element("dd", {}, value))));
    rateBars(byId("domains"), one.domains.map(withFigures));
    rateBars(byId("libraries"), one.libraries.map(withFigures));
    rateBars(byId("reasons"), one.reasons.map(([name, number]) => {
      const figures = `${number}, ${percent(number / one.samples)}%`;
      const kind = name === "pass" || name === "passed" ? "" : "fail";
      return { name, kind, rate: number / one.samples, figures, label: figures };
    }));
    for (const several of document.querySelectorAll(".pictures")) {
      several.hidden = Number(several.dataset.evaluation) !== current;
    }
    fillFilters();
    fillTable();
  }

  function choose(number) {
    const open = openTask?.id;
    current = number;
    showOverview();
    if (open && evaluation().rows.some((row) => row.id === open)) go(open);
    else if (open) back();
  }

  // -- table of tasks -----------------------------------------------------------------------------------

  const filters = byId("filters");

  function fillFilters() {
    const values = { status: "statuses", reason: "reasons", domain: "domains", library: "libraries" };
    for (const [name, column] of Object.entries(values)) {
      const select = filters.elements[name];
      const before = select.value;
      const found = [...new Set(evaluation().rows.flatMap((row) => row[column]))].sort();
      select.replaceChildren(element("option", { value: "" }, "all"), ...found.map((value) => element("option", { value }, value)));
      select.value = found.includes(before) ? before : "";
    }
  }

  const sortKeys = {
    number: (row) => Number(row.id.split("/").pop()),
    rate: (row) => row.passed / row.samples,
    reason: (row) => row.reasons.join(", "),
    seconds: (row) => row.seconds ?? -1,
  };

  function chosenRows() {
    const wanted = Object.fromEntries(new FormData(filters));
    const text = wanted.text.trim().toLowerCase();
    const key = sortKeys[sorting.by];
    const compare = (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
    return evaluation().rows
      .filter((row) => (!text || [row.id, ...row.libraries].some((value) => value.toLowerCase().includes(text)))
        && (!wanted.status || row.statuses.includes(wanted.status))
        && (!wanted.reason || row.reasons.includes(wanted.reason))
        && (!wanted.domain || row.domains.includes(wanted.domain))
        && (!wanted.library || row.libraries.includes(wanted.library)))
      .sort((a, b) => (sorting.down ? compare(b, a) : compare(a, b)));
  }

  function verdict(row) {
    const kind = row.passed === row.samples ? "pass" : row.passed ? "some" : "fail";
    const text = row.samples > 1 ? `${row.passed} of ${row.samples}` : row.statuses.join(", ");
    return element("span", { class: "verdict " + kind }, text + (row.truthFails ? " (ground truth fails too)" : ""));
  }

  function fillTable() {
    const rows = chosenRows();
    byId("shown").textContent = `${rows.length} of ${evaluation().rows.length} tasks`;
    byId("tasks").tBodies[0].replaceChildren(...rows.map((row) => element("tr", {},
      element("td", {}, element("a", { href: link(current, row.id) }, row.id)),
      element("td", {}, verdict(row)),
      element("td", { class: "wide" }, row.reasons.join(", ")),
      element("td", { class: "wide" }, row.domains.join(", ")),
      element("td", { class: "wide" }, row.libraries.join(", ")),
      element("td", { class: "number" }, row.seconds === null ? "" : row.seconds.toFixed(2)))));
    for (const button of byId("tasks").querySelectorAll("[data-sort]")) {
      const sorted = button.dataset.sort === sorting.by;
      button.parentElement.setAttribute("aria-sort", sorted ? (sorting.down ? "descending" : "ascending") : "none");
    }
  }

  filters.addEventListener("input", fillTable);
  filters.addEventListener("change", fillTable);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(fillTable));
  byId("tasks").addEventListener("click", (event) => {
    const by = event.target.dataset.sort;
    if (by) {
      sorting = { by, down: sorting.by === by && !sorting.down };
      fillTable();
    }
  });

  // -- one task -----------------------------------------------------------------------------------------

  async function unpack(number) {
    if (!blocks.has(number)) {
      const packed = Uint8Array.from(atob(byId("block-" + number).textContent), (char) => char.charCodeAt(0));
      const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
      blocks.set(number, JSON.parse(await new Response(stream).text()));
    }
    return blocks.get(number);
  }

  const TOKEN = new RegExp([
    /(?<comment>#[^\n]*)/,
    /(?<string>(?<!\w)[rbfuRBFU]{0,2}(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))/,
    /(?<word>[A-Za-z_]\w*)/,
    /(?<number>\b\d[\w.]*)/,
  ].map((part) => part.source).join("|"), "g");
  const KEYWORDS = new Set(("and as assert async await break class continue def del elif else except finally for from global if "
    + "import in is lambda nonlocal not or pass raise return try while with yield").split(" "));
  const CONSTANTS = new Set(["None", "True", "False"]);

  // Lines of [class, text]; a string over several lines is cut at each.
  function highlighted(code) {
    const lines = [[]];
    const add = (kind, text) => text.split("\n").forEach((part, number) => {
      if (number) lines.push([]);
      if (part) lines.at(-1).push([kind, part]);
    });
    let end = 0;
    for (const match of code.matchAll(TOKEN)) {
      add("", code.slice(end, match.index));
      const { comment, string, word } = match.groups;
      const kind = comment ? "comment" : string ? "string" : !word ? "constant"
        : KEYWORDS.has(word) ? "keyword" : CONSTANTS.has(word) ? "constant" : "";
      add(kind, match[0]);
      end = match.index + match[0].length;
    }
    add("", code.slice(end));
    return lines;
  }
  const spans = (line) => line.map(([kind, text]) => (kind ? element("span", { class: kind }, text) : text));
  const code = (text) => element("pre", { tabindex: "0" }, element("code", {},
    ...highlighted(text).flatMap((line, number) => [number ? "\n" : "", ...spans(line)])));

  // Longest common subsequence of lines, as pairs [left, right]; null where one side has none.
  function aligned(left, right) {
    const lengths = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
    for (let i = left.length - 1; i >= 0; i--) {
      for (let j = right.length - 1; j >= 0; j--) {
        lengths[i][j] = left[i] === right[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
      }
    }
    const pairs = [];
    let i = 0;
    let j = 0;
    while (i < left.length || j < right.length) {
      if (i < left.length && j < right.length && left[i] === right[j]) pairs.push([i++, j++]);
      else if (j === right.length || (i < left.length && lengths[i + 1][j] >= lengths[i][j + 1])) pairs.push([i++, null]);
      else pairs.push([null, j++]);
    }
    return pairs;
  }

  const DIFF_LIMIT = 3000;
  function difference(solution, reference) {
    const texts = [solution, reference].map((text) => text.replace(/\s+$/, "").split("\n").slice(0, DIFF_LIMIT));
    const lines = [solution, reference].map(highlighted);
    const cell = (side, number, kind) => (number === null ? element("code", { class: "none" })
      : element("code", { class: kind }, ...spans(lines[side][number] || [])));
    return element("div", { class: "diff", tabindex: "0", role: "region", "aria-label": "Difference" },
      element("div", { class: "head" }, element("span", {}, "solution"), element("span", {}, "canonical solution")),
      ...aligned(...texts).map(([left, right]) => {
        const same = left !== null && right !== null;
        return element("div", { class: same ? "same" : "" },
          cell(0, left, same ? "" : "gone"), cell(1, right, same ? "" : "new"));
      }));
  }

  function folded(title, content, open = false) {
    return element("details", { open }, element("summary", {}, title), content);
  }

  function sampleView(sample, reference) {
    const failures = Object.entries(sample.details);
    const seconds = sample.seconds === null ? "" : `, ${sample.seconds.toFixed(2)} s`;
    return [
      element("p", {}, element("span", { class: "verdict " + sample.status },
        sample.status + (sample.reason === sample.status ? "" : ": " + sample.reason) + seconds)),
      ...(failures.length ? [element("h3", {}, "What failed")] : []),
      ...failures.map(([test, text], number) => folded(test, element("pre", { tabindex: "0" }, text), number < 3)),
      element("h3", {}, "Executed program"),
      code(sample.program),
      element("h3", {}, "Beside the canonical solution"),
      difference(sample.program.slice(sample.solution), reference),
      sample.raw === null ? null : folded("Answer of the model, before sanitizing", element("pre", { tabindex: "0" }, sample.raw)),
    ].filter((part) => part !== null);
  }

  async function showTask(id) {
    const rows = chosenRows();
    const row = evaluation().rows.find((each) => each.id === id);
    const texts = (await unpack(row.block))[id];
    const place = rows.findIndex((each) => each.id === id);
    const beside = (step) => (place < 0 ? undefined : rows[place + step]);
    openTask = { id, next: beside(1)?.id, previous: beside(-1)?.id };
    const move = (label, target) => element("button", { type: "button", disabled: !target, onclick: () => go(target) }, label);
    const sample = element("div");
    const choices = texts.samples.map((each, number) => element("button", {
      type: "button", onclick: () => showSample(number),
    }, `${number + 1}: ${each.status}`));
    const showSample = (number) => {
      choices.forEach((choice, other) => choice.setAttribute("aria-pressed", String(other === number)));
      sample.replaceChildren(...sampleView(texts.samples[number], texts.reference));
    };
    byId("task").replaceChildren(
      element("header", {}, element("button", { type: "button", onclick: back }, "All tasks"), element("h2", {}, id),
        move("Previous", openTask.previous), move("Next", openTask.next)),
      element("p", { class: "quiet" }, [evaluation().name, row.domains.join(", "), row.libraries.join(", ")].filter(Boolean).join(" · ")),
      ...(row.truthFails ? [element("p", { class: "note" },
        "The canonical solution fails on that machine too: this failure is not the model's.")] : []),
      element("h3", {}, "Prompt"), element("pre", { tabindex: "0" }, texts.prompt),
      ...(texts.samples.length > 1 ? [element("h3", {}, "Samples"), element("nav", { "aria-label": "Samples" }, ...choices)] : []),
      sample,
      folded("Test suite", code(texts.test)),
    );
    const failed = texts.samples.findIndex((each) => each.status !== "pass");
    showSample(Math.max(failed, 0));
    byId("overview").hidden = true;
    byId("task").hidden = false;
    byId("task").focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  function go(id) {
    location.hash = link(current, id);
  }
  function back() {
    history.pushState(null, "", location.pathname + location.search);
    follow();
  }

  let before = { id: null, y: 0 };
  function follow() {
    const [, number, id] = decodeURIComponent(location.hash.slice(1)).match(/^(?:(\d+):)?(.*)$/);
    const target = Number(number || 0);
    if (id && evaluations[target]?.rows.some((row) => row.id === id)) {
      if (!byId("overview").hidden) before = { id, y: window.scrollY };
      if (target !== current) {
        openTask = null;
        choose(target);
      }
      showTask(id);
      return;
    }
    openTask = null;
    byId("task").hidden = true;
    byId("overview").hidden = false;
    window.scrollTo(0, before.y);
    [...byId("tasks").querySelectorAll("a")].find((each) => each.textContent === before.id)?.focus({ preventScroll: true });
  }

  window.addEventListener("hashchange", follow);
  window.addEventListener("popstate", follow);
  document.addEventListener("keydown", (event) => {
    if (!openTask || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT)$/.test(event.target.tagName)) return;
    if (event.key === "Escape") back();
    if (event.key === "j" && openTask.next) go(openTask.next);
    if (event.key === "k" && openTask.previous) go(openTask.previous);
  });

  showOverview();
  follow();
})();
