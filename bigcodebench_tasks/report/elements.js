"use strict";
// Model output is hostile: all of it enters the page as text nodes, never as HTML.

const byId = (id) => document.getElementById(id);
const evaluations = JSON.parse(byId("data").textContent);

// The state: the evaluation, the order of the table, and the open task, {id, next, previous}.
const shown = { evaluation: 0, sortedBy: "number", down: false, task: null };
const evaluation = () => evaluations[shown.evaluation];

// A new element. Properties are attributes, except "class" and event handlers ("onclick", ...).
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
const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

// The link of a task, "#BigCodeBench/17"; for a second evaluation "#1:BigCodeBench/17".
function link(id) {
  const readable = encodeURIComponent(id).replaceAll("%2F", "/");
  return "#" + (shown.evaluation ? shown.evaluation + ":" : "") + readable;
}
