// The rank among published models, and the tasks on which they and this model differ most.

const MEASURES = { complete: "Complete", instruct: "Instruct", mean: "Mean of both splits" };

function placement(current, each) {
  const neighbours = [
    ...[...each.above].reverse().map(([name, score]) => [name, score, ""]),
    [current.model, each.score.rate, "this model"],
    ...each.below.map(([name, score]) => [name, score, ""]),
  ];
  const ranks = [`rank ${each.rank} (${each.best} to ${each.worst} within its interval) among ${each.among}`];
  if (each.like_rank !== null) ranks.push(`${each.like_rank} among ${each.like_among} of similar size (${each.size}B by its name)`);
  return [
    element("h3", {}, MEASURES[each.measure]),
    element("p", {}, ranks.join("; ")),
    element("table", { class: "neighbours" }, element("tbody", {}, ...neighbours.map(([name, score, note]) =>
      element("tr", { class: note ? "now" : "" }, element("td", {}, name), element("td", { class: "number" }, percent(score)))))),
  ];
}

function surprise(title, explanation, tasks) {
  return [
    element("h3", {}, `${title}: ${count(tasks.length, "task")}`),
    element("p", { class: "quiet" }, explanation),
    ...(tasks.length ? [element("p", { class: "tasks" }, ...tasks.flatMap(([id, rate], number) =>
      [number ? ", " : "", element("a", { href: link(id) }, id.split("/").pop()), `\u00a0(${percent(rate)})`]))] : []),
  ];
}

function showPublished() {
  const current = evaluation();
  const known = current.published;
  byId("overview").classList.toggle("unknown", !known);
  byId("published").hidden = !known;
  if (!known) return;
  const notes = [`The average published model scores ${percent(known.expected)} on these tasks.`];
  if (known.differences.length) notes.unshift(`Settings are not known to be the leaderboard's: ${known.differences.join("; ")}.`);
  if (known.unstable) notes.push(`${known.unstable.said}.`);
  byId("placement").replaceChildren(
    ...known.placements.flatMap((each) => placement(current, each)),
    ...notes.map((note) => element("p", { class: "quiet" }, note)),
    element("p", { class: "quiet" }, `Published scores: the leaderboard on ${known.asOf}. Solve rates: ${known.models} models on ${known.ratesOf}.`));
  byId("surprises").replaceChildren(
    ...surprise("Not solved, but solved by nearly all published models",
      `At least ${Math.round(100 * known.easy)}% of them solve it. Check these first: they point to extraction, truncation or the environment rather than to skill.`, known.failed),
    ...surprise("Solved, but by hardly any published model",
      `At most ${Math.round(100 * known.rare)}% of them solve it.`, known.solved));
}
