"use strict";
// What one sees without this script is whole. It sorts, filters and opens trials, tells what marks
// stand for, and, where the page is served, follows the search. Listeners are the document's, as
// a live page changes its contents.
const $ = (id) => document.getElementById(id);
const root = document.documentElement;
const state = { column: -1, down: false, text: "", by: {}, only: null, open: new Set() };
let data = read();
root.classList.add("js");

function read() { return JSON.parse($("data").textContent); }

// ------------------------------------------------------------------------------- the table

const body = () => document.querySelector(".trials tbody");
const rows = () => [...body().rows].filter((row) => !row.classList.contains("more"));
const key = (row) => row.id.slice(2);
const value = (row) => {
  const text = row.cells[state.column].dataset.v;
  return text === undefined ? null : +text;
};

function arrange() {
  if (!body()) return;
  document.querySelectorAll(".trials thead th").forEach((th, i) => {
    th.setAttribute("aria-sort", i !== state.column ? "none" : state.down ? "descending" : "ascending");
  });
  document.querySelectorAll("tr.more").forEach((row) => row.remove());
  let order = rows();
  if (state.column >= 0)
    order = order.map((row) => [value(row), row]).sort(([a], [b]) =>  // what has no value is last
      a === null || b === null ? (a === null) - (b === null) : state.down ? b - a : a - b).map((x) => x[1]);
  const parts = state.text.toLowerCase().split(",").map((part) => part.trim()).filter(Boolean);
  let count = 0;
  for (const row of order) {
    const [, stage, budget] = key(row).match(/^([ebs])(\d+)/);
    const known = { state: row.dataset.state, stage, budget };
    const text = " " + [...row.cells].map((cell) => cell.textContent.toLowerCase()).join(" ");
    row.hidden = !parts.every((part) => text.includes(" " + part))
      || Object.entries(state.by).some(([name, wanted]) => wanted && known[name] !== wanted)
      || (state.only !== null && !state.only.has(key(row)));
    count += !row.hidden;
  }
  body().append(...order);
  for (const row of order) {
    const opened = state.open.has(key(row)) && !row.hidden;
    row.querySelector(".open").setAttribute("aria-expanded", String(opened));
    if (opened) row.after(more(row));
  }
  const all = order.length + (order.length === 1 ? " trial" : " trials");
  $("count").textContent = count === order.length ? all : count + " of " + all;
  $("all").hidden = count === order.length && state.only === null;
}

function put(parent, tag, text, style) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (style) made.className = style;
  parent.append(made);
  return made;
}

function more(row) {
  const made = document.createElement("tr"), trial = data.trials[key(row)];
  made.className = "more";
  made.id = "m-" + key(row);
  row.querySelector(".open").setAttribute("aria-controls", made.id);
  const cell = put(made, "td");
  cell.colSpan = row.cells.length;
  const inside = put(cell, "div", "", "inside"), list = put(inside, "dl", "", "facts");
  for (const [name, text] of trial.about) { put(list, "dt", name); put(list, "dd", text); }
  const net = data.nets[trial.hash], text = (numbers) => numbers.map((n) => data.lines[n]).join("\n");
  if (!net) {
    put(inside, "p", trial.hash ? "Its drawing is not in this report." : "Its network was not decided yet.", "faint");
    return made;
  }
  const both = put(inside, "div", "", "both"), drawing = put(both, "div", "", "drawing");
  drawing.innerHTML = text(net.drawing);  // written by archdsl.pictures.svg, which escapes all texts
  drawing.tabIndex = 0;
  const spec = put(both, "pre", text(net.spec));
  spec.tabIndex = 0;
  spec.setAttribute("aria-label", "the frozen spec");
  return made;
}

function show(keys) {
  if (keys.length > 1) state.only = new Set(keys);
  else if (!state.only || !state.only.has(keys[0])) clear();
  if (keys.length === 1) state.open.add(keys[0]);
  arrange();
  const row = $("t-" + keys[0]);
  if (!row) return;
  row.scrollIntoView({ block: "center" });
  row.querySelector(".open").focus({ preventScroll: true });
}

function clear() {
  Object.assign(state, { text: "", by: {}, only: null });
  $("filter").value = "";
  document.querySelectorAll(".tools select").forEach((select) => { select.value = ""; });
}

// ------------------------------------------------------------------------------- the charts

let now = null;
function tell(mark, x, y) {
  if (now) now.classList.remove("now");
  now = mark;
  const tip = $("tip");
  tip.hidden = !mark;
  if (!mark) return;
  mark.classList.add("now");
  tip.textContent = mark.dataset.note;
  const box = mark.getBoundingClientRect();
  if (x === undefined) [x, y] = [box.left + box.width / 2, box.top];
  const left = Math.min(Math.max(x - tip.offsetWidth / 2, 6), innerWidth - tip.offsetWidth - 6);
  tip.style.left = left + "px";
  tip.style.top = (y - tip.offsetHeight - 12 > 0 ? y - tip.offsetHeight - 12 : y + 18) + "px";
}
const mark = (event) => event.target.closest && event.target.closest(".chart [data-note]");
const trials = (it) => (it && it.dataset.t ? it.dataset.t.split(" ") : []);

function walk(event) {
  const chart = event.target.closest && event.target.closest("svg.chart");
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  if (!chart) return;
  const marks = [...chart.querySelectorAll("[data-note]")], at = marks.indexOf(now);
  if (event.key in steps && marks.length) {
    event.preventDefault();
    const from = at < 0 && steps[event.key] < 0 ? 0 : at;
    tell(marks[(from + steps[event.key] + marks.length) % marks.length]);
  } else if (event.key === "Enter" && at >= 0 && trials(now).length) {
    event.preventDefault();
    const keys = trials(now);
    tell(null);
    show(keys);
  }
}

// ------------------------------------------------------------------------------- events

document.addEventListener("click", (event) => {
  const it = event.target.closest("button, a[data-open], .chart [data-t]");
  if (!it) return;
  if (it.id === "dark") {
    const dark = root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    root.dataset.theme = dark === "dark" ? "light" : "dark";
  } else if (it.id === "all") {
    clear();
    arrange();
  } else if (it.matches(".open")) {
    const k = key(it.closest("tr"));
    if (!state.open.delete(k)) state.open.add(k);
    arrange();
    it.focus();
  } else if (it.matches(".trials th button")) {
    const column = it.parentNode.cellIndex;
    state.down = state.column === column ? !state.down : false;
    state.column = column;
    arrange();
  } else if (it.dataset.open) {
    event.preventDefault();
    show([it.dataset.open]);
  } else if (it.dataset.t) {
    tell(null);
    show(trials(it));
  }
});
document.addEventListener("input", (event) => {
  if (event.target.id === "filter") state.text = event.target.value;
  else if (event.target.id.startsWith("by-")) state.by[event.target.id.slice(3)] = event.target.value;
  else return;
  arrange();
});
document.addEventListener("mouseover", (event) => tell(mark(event), event.clientX, event.clientY));
document.addEventListener("focusout", (event) => { if (event.target.closest("svg.chart")) tell(null); });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") tell(null);
  if (event.key === "/" && !event.target.matches("input, select") && $("filter")) {
    event.preventDefault();
    $("filter").focus();
  }
  walk(event);
});
addEventListener("scroll", () => tell(null), { passive: true });
const called = location.hash.match(/^#t-([ebs]\d+-\d+)$/);
if (called && data.trials[called[1]]) show([called[1]]); else arrange();

// ------------------------------------------------------------------------------- live

const PAUSE = 2000;
let tag = null;
async function look() {
  try {
    const answer = await fetch("/", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    const time = new Date().toLocaleTimeString();
    if (answer.status === 200) {
      if (tag !== null) renew(await answer.text());
      tag = answer.headers.get("ETag");
    }
    if (answer.status === 200 || answer.status === 304)
      $("live").textContent = "Live: this page follows the search. Last look at " + time + ".";
    else $("live").textContent = "The study cannot be read at the moment: " + (await answer.text());
  } catch {
    $("live").textContent = "The server has ended: this page stands still.";
  }
  setTimeout(look, PAUSE);
}

function renew(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const focused = document.activeElement && document.activeElement.id, scroll = [scrollX, scrollY];
  const opened = [...document.querySelectorAll("main details")].map((d) => d.open);
  const picked = [...document.querySelectorAll(".tools select")].map((s) => [s.id, s.value]);
  tell(null);
  for (const tag of ["header", "main"]) document.querySelector(tag).replaceWith(fresh.querySelector(tag));
  $("data").textContent = fresh.getElementById("data").textContent;
  data = read();
  document.querySelectorAll("main details").forEach((d, i) => { d.open = Boolean(opened[i]); });
  for (const [id, value] of picked) if ($(id)) $(id).value = value;
  if ($("filter")) $("filter").value = state.text;
  arrange();
  if (focused && $(focused)) $(focused).focus({ preventScroll: true });
  scrollTo(...scroll);
}
if (data.live) look();
