// The address names the open task, so that links, Back and Forward work.

function go(id) {
  location.hash = link(id);
}
function back() {
  history.pushState(null, "", location.pathname + location.search);
  follow();
}

// Evaluation and row in the address; no row for the overview, or for an unknown name.
function named() {
  let text = "";
  try {
    text = decodeURIComponent(location.hash.slice(1));
  } catch { /* an address cut in the middle of a character */ }
  const [, number, id] = text.match(/^(?:(\d+):)?([^]*)$/);
  const target = Number(number || 0);
  return { target, row: evaluations[target]?.rows.find((row) => row.id === id) };
}

// The scroll position of the overview, and the last open task.
const left = { row: null, y: 0 };

function follow() {
  const { target, row } = named();
  if (row) {
    if (!byId("overview").hidden) left.y = window.scrollY;
    left.row = row;
    if (target !== shown.evaluation) {
      shown.evaluation = target;
      showOverview();
    }
    showTask(row);
    return;
  }
  asked++;
  shown.task = null;
  byId("task").hidden = true;
  byId("overview").hidden = false;
  window.scrollTo(0, left.y);
  left.row?.element?.querySelector("a").focus();
}

window.addEventListener("hashchange", follow);
document.addEventListener("keydown", (event) => {
  if (!shown.task || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT)$/.test(event.target.tagName)) return;
  if (event.key === "Escape") back();
  if (event.key === "j" && shown.task.next) go(shown.task.next);
  if (event.key === "k" && shown.task.previous) go(shown.task.previous);
});

showOverview();
follow();
