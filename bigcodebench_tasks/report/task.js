// One task: its texts, unpacked on demand.

const read = new Promise((done) => document.addEventListener("DOMContentLoaded", done, { once: true }));
const unpacked = new Map();
// Number of unpacked blocks that are kept.
const KEPT = 12;

async function unpack(number) {
  if (!byId("block-" + number)) await read;
  const packed = Uint8Array.from(atob(byId("block-" + number).textContent), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function textsOf(row) {
  if (!unpacked.has(row.block)) {
    if (unpacked.size === KEPT) unpacked.delete(unpacked.keys().next().value);
    unpacked.set(row.block, unpack(row.block));
  }
  return unpacked.get(row.block).then((texts) => texts[row.id]);
}

// Titles of open parts, the same for all samples and tasks.
const unfolded = new Set(["Prompt", "Executed program", "Difference to the ground truth"]);

function part(title, ...contents) {
  const made = element("details", { class: "part", open: unfolded.has(title) }, element("summary", {}, element("h3", {}, title)), ...contents);
  made.addEventListener("toggle", () => (made.open ? unfolded.add(title) : unfolded.delete(title)));
  return made;
}

// Further tracebacks are folded.
const OPEN_TRACEBACKS = 3;

function failures(details) {
  const several = Object.entries(details);
  if (!several.length) return [];
  return [element("h3", {}, "Failures"), ...several.map(([test, text], number) =>
    element("details", { open: number < OPEN_TRACEBACKS }, element("summary", {}, test === "ALL" ? "the whole suite" : test), plain(text)))];
}

function sampleView(sample, texts) {
  const words = [sample.reason === sample.status || sample.status === "pass" ? "" : ": " + sample.reason,
    sample.seconds === null ? "" : `, ${sample.seconds.toFixed(2)} s`];
  // Tracebacks count the lines of the executed module: the program, a line break, the test suite.
  const firstOfTests = sample.program.split("\n").length + 1;
  return [
    element("p", { class: "status" }, element("span", { class: "verdict " + (sample.status === "pass" ? "pass" : "fail") },
      sample.status + words.join(""))),
    ...(sample.diagnosis ? [element("p", { class: "note" }, `Diagnosis: ${sample.diagnosis}`)] : []),
    ...failures(sample.details),
    part("Executed program", python(sample.program, 1)),
    part("Difference to the ground truth", difference(sample.program.slice(sample.solution), texts.reference)),
    ...(sample.raw === null ? [] : [part("Response before sanitizing", plain(sample.raw, "prose"))]),
    part("Test suite", element("p", { class: "quiet" }, "It follows the program: lines are numbered as in the tracebacks."),
      python(texts.test, firstOfTests)),
  ];
}

function header(id) {
  const move = (label, target) => element("button", { type: "button", disabled: !target, onclick: () => go(target) }, label);
  return element("header", {}, element("button", { type: "button", onclick: back }, "All tasks"), element("h2", {}, id),
    move("Previous", shown.task.previous), move("Next", shown.task.next));
}

function taskView(row, texts) {
  const sample = element("div");
  const showSample = (number) => {
    choices.forEach((choice, other) => choice.setAttribute("aria-pressed", String(other === number)));
    sample.replaceChildren(...sampleView(texts.samples[number], texts));
  };
  const choices = texts.samples.map((each, number) => element("button", { type: "button", onclick: () => showSample(number) },
    element("span", { class: "verdict " + (each.status === "pass" ? "pass" : "fail") }, `${number + 1}: ${each.status}`)));
  const failed = texts.samples.findIndex((each) => each.status !== "pass");
  showSample(Math.max(failed, 0));
  return [
    header(row.id),
    element("p", { class: "quiet" }, [evaluation().name, row.domains.join(", "), row.libraries.join(", ")].filter(Boolean).join(" · ")),
    ...(row.published === null ? [] : [element("p", { class: "quiet" },
      `${percent(row.published)}% of the published models solve it.`)]),
    ...(failed >= 0 && evaluation().truthFails.includes(row.id) ? [element("p", { class: "note" },
      "The ground truth fails on that machine too: a failure here is not the model's.")] : []),
    part("Prompt", evaluation().split === "complete" ? python(texts.prompt.trimEnd()) : plain(texts.prompt, "prose")),
    ...(choices.length > 1 ? [element("nav", { "aria-label": "Samples" }, ...choices)] : []),
    sample,
  ];
}

// Counts requests, so that of two tasks in a row only the later one is shown.
let asked = 0;

async function showTask(row) {
  const turn = ++asked;
  const rows = chosenRows();
  const place = rows.indexOf(row);
  const beside = (step) => (place < 0 ? undefined : rows[place + step]?.id);
  shown.task = { id: row.id, next: beside(1), previous: beside(-1) };
  let view;
  try {
    view = taskView(row, await textsOf(row));
  } catch (error) {
    view = [header(row.id), element("p", { class: "note" }, `The texts of this task cannot be unpacked: ${error}. Is the file complete, and the browser of 2024 or later?`)];
  }
  if (turn !== asked) return;
  byId("task").replaceChildren(...view);
  byId("overview").hidden = true;
  byId("task").hidden = false;
  byId("task").focus({ preventScroll: true });
  window.scrollTo(0, 0);
}
