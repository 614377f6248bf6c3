// Highlighted Python source, and the line-by-line difference of two texts.

const TOKEN = new RegExp([
  /(?<comment>#[^\n]*)/,
  /(?<string>(?<!\w)[rbfutRBFUT]{0,2}(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?))/,
  /(?<word>[A-Za-z_]\w*)/,
  /(?<number>\b\d[\w.]*)/,
].map((part) => part.source).join("|"), "g");
const KEYWORDS = new Set(("and as assert async await break class continue def del elif else except finally for from global if "
  + "import in is lambda nonlocal not or pass raise return try while with yield").split(" "));
const CONSTANTS = new Set(["None", "True", "False"]);

// Lines of [class, text]; a string over several lines is cut at each.
function highlighted(source) {
  const lines = [[]];
  const add = (kind, text) => text.split("\n").forEach((part, number) => {
    if (number) lines.push([]);
    if (part) lines.at(-1).push([kind, part]);
  });
  let end = 0;
  for (const match of source.matchAll(TOKEN)) {
    add("", source.slice(end, match.index));
    const { comment, string, word } = match.groups;
    const kind = comment ? "comment" : string ? "string" : !word ? "constant"
      : KEYWORDS.has(word) ? "keyword" : CONSTANTS.has(word) ? "constant" : "";
    add(kind, match[0]);
    end = match.index + match[0].length;
  }
  add("", source.slice(end));
  return lines;
}
const spans = (line) => line.map(([kind, text]) => (kind ? element("span", { class: kind }, text) : text));

const plain = (text, kind = "") => element("pre", { tabindex: "0", class: kind }, text);

// Python, with line numbers from `first`, if given. They are no text, so that a copy is the program alone.
function python(source, first = null) {
  const made = element("pre", { tabindex: "0", class: first === null ? "" : "numbered" }, element("code", {},
    ...highlighted(source).flatMap((line, number) => [number ? "\n" : "", element("span", { class: "line" }, ...spans(line))])));
  if (first !== null) made.style.counterReset = `line ${first - 1}`;
  return made;
}

// Longest common subsequence of lines, as pairs of indices [left, right]; null where one side has none.
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
  return sideBySide(pairs);
}

// Puts removed lines beside the added lines that follow them.
function sideBySide(pairs) {
  const rows = [];
  let removed = [];
  let added = [];
  const flush = () => {
    for (let i = 0; i < Math.max(removed.length, added.length); i++) rows.push([removed[i] ?? null, added[i] ?? null, false]);
    removed = [];
    added = [];
  };
  for (const [left, right] of pairs) {
    if (right === null) removed.push(left);
    else if (left === null) added.push(right);
    else {
      flush();
      rows.push([left, right, true]);
    }
  }
  flush();
  return rows;
}

// Above this many lines the difference would be slow.
const LONGEST_DIFFERENCE = 2000;

function difference(solution, reference) {
  const texts = [solution, reference].map((text) => text.trimEnd().split("\n"));
  if (Math.max(...texts.map((lines) => lines.length)) > LONGEST_DIFFERENCE) {
    return element("p", { class: "quiet" }, `More than ${LONGEST_DIFFERENCE} lines: no difference is shown.`);
  }
  const lines = [solution, reference].map(highlighted);
  const cell = (side, number, kind) => (number === null ? element("code", { class: "none" })
    : element("code", { class: kind }, ...spans(lines[side][number])));
  return element("div", { class: "difference", tabindex: "0", role: "region", "aria-label": "Difference" },
    element("div", { class: "head" }, element("span", {}, "Solution"), element("span", {}, "Ground truth")),
    ...aligned(...texts).map(([left, right, same]) => element("div", { class: same ? "same" : "" },
      cell(0, left, same ? "" : "gone"), cell(1, right, same ? "" : "new"))));
}
