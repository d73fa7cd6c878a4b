// The page: asks the worker what the text is, and shows its answers.
import { chart, table } from "./charts.js";
import { Grammar } from "./colours.js";
import { Editor } from "./editor.js";
import { read, written } from "./link.js";

const $ = (id) => document.getElementById(id);
const PAUSE = 150; // milliseconds without a key before the text is read

const worker = new Worker("worker.js", { type: "module" });
const [grammar, examples] = await Promise.all(
  ["arch.tmLanguage.json", "examples.json"].map((name) => fetch(name).then((r) => r.json())),
);
const editor = new Editor(new Grammar(grammar), () => later());
let settings = {};
let asked = 0;
let timer;

// -------------------------------------------------------------------- asking

function later() {
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE);
}

async function ask() {
  clearTimeout(timer);
  const question = { id: ++asked, text: editor.text, settings, depth: $("depth").valueAsNumber || 2 };
  worker.postMessage({ ...question, knob: $("knob").value });
  if (ready) state("…");
  history.replaceState(null, "", await written({ text: editor.text, settings }));
}

function open({ text, settings: given }) {
  settings = { ...given };
  $("knob").replaceChildren();
  editor.text = text;
  ask();
}

// ------------------------------------------------------------------- answers

let ready = false;
const state = (text) => ($("state").textContent = text);

const shows = {
  read({ mistakes, lines, knobs, figures }) {
    ready = true;
    editor.tell(lines, mistakes);
    told(mistakes);
    proved({ said: "" });
    stale(mistakes.length > 0);
    if (mistakes.length && !knobs.length) return;
    knobFields(knobs);
    $("figures").replaceChildren(...figures.flatMap(([name, text]) => [tag("dt", name), tag("dd", text)]));
  },
  drawing: (svg) => ($("picture").innerHTML = svg), // made by archdsl, which escapes what it writes
  python: (source) => ($("source").textContent = source),
  curve({ knob, rows }) {
    $("charts").replaceChildren(...["params", "macs"].map((cost) => chart(rows, cost, knob)));
    $("points").replaceChildren(...table(rows, knob));
  },
  proof(answer) {
    proved(answer);
    told(answer.mistakes);
  },
  done: () => state("Ready"),
  failed: (text) => state(text),
};

worker.onmessage = ({ data }) => {
  if (data.id === undefined || data.id === asked) shows[data.kind](data.answer);
};
worker.onerror = (event) => state(`Python cannot be loaded: ${event.message ?? "see the console"}`);

function tag(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function told(mistakes) {
  $("mistakes").replaceChildren(...mistakes.map((m) => tag("pre", m.text)));
}

function proved({ said, holds }) {
  $("proof").textContent = said;
  $("proof").className = said && holds !== undefined ? (holds ? "holds" : "fails") : "";
}

function stale(is) {
  for (const id of ["figures", "picture", "source", "charts", "points"]) $(id).classList.toggle("stale", is);
}

function knobFields(knobs) {
  const same = [...$("knobs").elements].map((e) => e.name).join() === knobs.map((k) => k.name).join();
  if (!same) $("knobs").replaceChildren(...knobs.map(knobField));
  const before = $("knob").value;
  const choices = knobs.filter((k) => k.domain).map((k) => new Option(k.name));
  $("knob").replaceChildren(...choices);
  if (choices.some((o) => o.value === before)) $("knob").value = before;
  if (!choices.length) for (const id of ["charts", "points"]) $(id).replaceChildren();
}

function knobField(knob) {
  const label = tag("label", `${knob.name} `);
  const field = document.createElement(knob.all ? "select" : "input");
  const choices = knob.all ? field : document.createElement("datalist");
  choices.append(...knob.values.map((value) => new Option(value)));
  if (!knob.all) {
    choices.id = `values-of-${knob.name}`;
    field.setAttribute("list", choices.id);
    label.append(choices);
  }
  field.name = knob.name;
  field.value = knob.value;
  label.title = [knob.domain && `in ${knob.domain}`, knob.about].filter(Boolean).join("\n");
  field.addEventListener("change", () => {
    if (field.value === knob.default) delete settings[knob.name];
    else settings[knob.name] = field.value;
    ask();
  });
  label.append(field);
  return label;
}

// ------------------------------------------------------------------ controls

$("knobs").addEventListener("submit", (event) => event.preventDefault());
$("depth").addEventListener("change", ask);
$("knob").addEventListener("change", ask);
$("examples").append(...Object.keys(examples).map((name) => new Option(name)));
$("examples").addEventListener("change", () => open({ text: examples[$("examples").value] }));
$("copy").addEventListener("click", () => navigator.clipboard.writeText($("source").textContent));
$("share").addEventListener("click", async () => {
  await navigator.clipboard.writeText(location.href);
  state("The link is copied");
});

const tabs = [...document.querySelectorAll("[role=tab]")];
function choose(tab) {
  for (const other of tabs) {
    other.setAttribute("aria-selected", String(other === tab));
    other.tabIndex = other === tab ? 0 : -1;
    $(other.getAttribute("aria-controls")).hidden = other !== tab;
  }
}
tabs.forEach((tab, i) => {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    const next = tabs[(i + move + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  });
});
choose(tabs[0]);

addEventListener("hashchange", async () => {
  const given = await read(location.hash);
  if (given && given.text !== editor.text) open(given);
});
const first = Object.values(examples)[0];
const cut = location.hash.startsWith("#spec=") ? "# The spec of this link cannot be read; part of it may be missing.\n" : "";
open((await read(location.hash)) ?? { text: cut + first });
