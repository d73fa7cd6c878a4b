"use strict";
// The page's data: figures (closed and open templates), notes, and how much is open at first. A
// template is evaluated as archdsl.pictures.views does it; see archdsl.pictures.lengths.
const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const BASELINE = 0.36;
const opened = new Set();
const svg = document.querySelector("#drawing svg");
const about = document.getElementById("about");
const found = document.getElementById("found");
const search = document.getElementById("search");
let zoom = 1, current = "", hits = [], hit = -1;

// ------------------------------------------------------------------------------- evaluation

function run(code, sizes) {
  const results = [];
  const value = (x) => (Array.isArray(x) ? results[x[0]] : x);
  for (const [op, ...args] of code) {
    const v = args.map(value);
    if (op === "size") results.push(sizes[v[0]][v[1]]);
    else if (op === "sum") results.push(v[0] + v[1]);
    else if (op === "times") results.push(v[0] * v[1]);
    else results.push(Math.max(...v));
  }
  return results;
}

function view(id, path, level) {
  const figure = data.figures[id];
  const open = path === "" || opened.has(path);
  const template = open ? figure.open : figure.closed;
  const prefix = path === "" ? "" : path + ".";
  const children = open
    ? figure.children.map(([name, child]) => view(child, prefix + name, level + 1)) : [];
  const results = run(template.code, children.map((c) => c.size));
  const value = (x) => (Array.isArray(x) ? results[x[0]] : x);
  return { figure, path, prefix, level, open, template, children, value, size: template.size.map(value) };
}

// ----------------------------------------------------------------------------------- shapes

function element(tag, attributes, parent, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, v] of Object.entries(attributes)) made.setAttribute(key, v);
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}
const round = (n) => Math.round(n * 10) / 10;
const at = (p) => round(p[0]) + " " + round(p[1]);

function toward(a, b, way) {
  const whole = Math.hypot(b[0] - a[0], b[1] - a[1]);
  const share = whole ? way / whole : 0;
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];
}

function line(points, curved) {
  if (curved)
    return "M" + at(points[0]) + " L" + at(points[1]) + " C" + points.slice(2, 5).map(at).join(" ")
      + " L" + at(points[5]);
  let path = "M" + at(points[0]);
  for (let i = 1; i + 1 < points.length; i++) {
    const [a, b, c] = [points[i - 1], points[i], points[i + 1]];
    const before = Math.min(7, Math.hypot(b[0] - a[0], b[1] - a[1]) / 2);
    const after = Math.min(7, Math.hypot(c[0] - b[0], c[1] - b[1]) / 2);
    if (before && after) path += " L" + at(toward(b, a, before)) + " Q" + at(b) + " " + at(toward(b, c, after));
  }
  return path + " L" + at(points[points.length - 1]);
}

function head(points) {
  const tip = points[points.length - 1];
  const before = [...points].reverse().find((p) => p[0] !== tip[0] || p[1] !== tip[1]);
  if (!before) return "";
  const whole = Math.hypot(tip[0] - before[0], tip[1] - before[1]);
  const dx = (tip[0] - before[0]) / whole, dy = (tip[1] - before[1]) / whole;
  const x = tip[0] - dx * 6, y = tip[1] - dy * 6;
  return "M" + at(tip) + " L" + at([x - dy * 3.2, y + dx * 3.2]) + " L" + at([x + dy * 3.2, y - dx * 3.2]) + "Z";
}

const colour = (role) => "var(--" + role + ")";
const draw = {
  box(parent, [x, y, width, height, fill], extra) {
    const made = element("rect", {
      x: round(x), y: round(y), width: round(width), height: round(height),
      rx: extra.radius === undefined ? 3 : extra.radius, class: "body",
    }, parent);
    made.style.fill = colour(fill);
    made.style.stroke = colour(extra.line || "edge");
    if (extra.dashed) made.setAttribute("stroke-dasharray", "4 3");
  },
  words(parent, [x, y, text], extra) {
    const size = extra.size || 11;
    const place = extra.upright
      ? { transform: `translate(${round(x + size * BASELINE)} ${round(y)}) rotate(-90)` }
      : { x: round(x), y: round(y + size * BASELINE) };
    const anchor = extra.anchor || "start";
    const made = element("text", { ...place, "font-size": size, "text-anchor": anchor }, parent, text);
    if (extra.bold) made.setAttribute("font-weight", "bold");
    made.style.fill = colour(extra.colour || "ink");
  },
  disc(parent, [x, y, r], extra) {
    const made = element("circle", { cx: round(x), cy: round(y), r, class: "body" }, parent);
    made.style.fill = colour(extra.fill || "join");
    made.style.stroke = colour(extra.line || "edge");
    if (!extra.sign) return;
    const k = r * 0.707;
    const [across, down] = [[-r, 0, r, 0], [0, -r, 0, r]];
    const signs = { "+": [across, down], "-": [across], "*": [[-k, -k, k, k], [-k, k, k, -k]] };
    const strokes = signs[extra.sign];
    const d = strokes.map((s) => "M" + at([x + s[0], y + s[1]]) + " L" + at([x + s[2], y + s[3]])).join(" ");
    element("path", { d, fill: "none", "stroke-width": 1.4 }, parent).style.stroke = colour("edge");
  },
  wire(parent, [points], extra) {
    const role = colour(extra.colour || "wire");
    const made = element("path", {
      d: line(points, extra.curved), fill: "none", "stroke-width": extra.stroke || 1.2,
    }, parent);
    made.style.stroke = role;
    if (extra.dashed) made.setAttribute("stroke-dasharray", "4 3");
    if (extra.arrow) element("path", { d: head(points) }, parent).style.fill = role;
  },
};

function paint(it, x, y, parent) {
  it.template.shapes.forEach((shape, place) => {
    const kind = shape[0], extra = shape[shape.length - 1];
    let values = shape.slice(1, -1);
    if (kind === "wire") values = [values[0].map((p) => [x + it.value(p[0]), y + it.value(p[1])])];
    else values = values.map((v, i) => (i < 4 && typeof v !== "string" ? it.value(v) : v));
    if (kind !== "wire") { values[0] += x; values[1] += y; }
    let into = parent;
    if (extra.about !== undefined) {
      const note = data.notes[extra.about];
      const itself = it.path !== "" && (place === 0 && it.open || extra.opens);
      into = item(parent, itself ? it.path : it.prefix + note.name, note, it.level + (itself ? 0 : 1));
      if (itself) into.setAttribute("aria-expanded", String(it.open));
    }
    draw[kind](into, values, extra);
  });
  for (const [sx, sy, number] of it.template.slots)
    paint(it.children[number], x + it.value(sx), y + it.value(sy), parent);
}

function item(parent, path, note, level) {
  const made = element("g", { role: "treeitem", tabindex: -1, "aria-level": Math.max(level, 1) }, parent);
  made.setAttribute("aria-label", [path, note.what, note.shapes].filter(Boolean).join(", "));
  made.dataset.path = path;
  made.note = note;
  if (hits.length && hits.some((h) => h.path === path)) made.classList.add("hit");
  return made;
}

// ------------------------------------------------------------------------------- the picture

const MARGIN = 16;
function render() {
  const whole = view(0, "", 0);
  svg.replaceChildren();
  const group = element("g", {}, svg);
  paint(whole, 0, 0, group);
  const box = group.getBBox();
  const width = box.width + 2 * MARGIN, height = box.height + 2 * MARGIN;
  svg.setAttribute("viewBox", [box.x - MARGIN, box.y - MARGIN, width, height].map(round).join(" "));
  svg.setAttribute("width", round(width * zoom));
  svg.setAttribute("height", round(height * zoom));
  const items = all();
  const now = items.find((i) => i.dataset.path === current) || items[0];
  if (now) now.setAttribute("tabindex", 0);
}
const all = () => [...svg.querySelectorAll('[role="treeitem"]')];
const at_path = (path) => all().find((i) => i.dataset.path === path);

function toggle(path, keep) {
  const before = at_path(path);
  const top = before ? before.getBoundingClientRect().top : 0;
  if (opened.has(path)) for (const p of [...opened]) { if (p === path || p.startsWith(path + ".")) opened.delete(p); }
  else opened.add(path);
  current = path;
  render();
  const after = at_path(path);
  if (!after) return;
  window.scrollBy(0, after.getBoundingClientRect().top - top);
  if (keep) choose(after);
}

function choose(item) {
  for (const other of all()) other.setAttribute("tabindex", other === item ? 0 : -1);
  current = item.dataset.path;
  item.focus({ preventScroll: true });
  const box = item.getBoundingClientRect();
  if (box.top < 60 || box.bottom > innerHeight || box.left < 0 || box.right > innerWidth)
    item.scrollIntoView({ block: box.height < innerHeight - 80 ? "center" : "start", inline: "nearest" });
  show(item);
}

function show(item) {
  const note = item.note, path = item.dataset.path;
  about.replaceChildren();
  const put = (tag, text, into) => {
    const made = document.createElement(tag);
    made.textContent = text;
    (into || about).appendChild(made);
    return made;
  };
  put("h2", path);
  if (note.what) put("code", note.what);
  const list = put("dl", "");
  const row = (name, text) => { put("dt", name, list); put("dd", text, list); };
  row("shape", note.shapes);
  if (note.repeat > 1) row("repeated", "x " + note.repeat);
  const each = note.repeat > 1 ? " each" : "";
  const share = (n, all) => " (" + (100 * n / all).toPrecision(2) + " % of all)";
  const once = note.in_all ? 1 : note.repeat;
  const count = (n) => n.toLocaleString("en");
  if (note.params) row("parameters", count(note.params) + (note.in_all ? " in all" : each) + share(once * note.params, data.params));
  if (note.macs) row("MACs", count(note.macs) + each + (data.macs ? share(note.repeat * note.macs, data.macs) : ""));
  if (note.shares) row("weights", note.shares);
  if (note.place) { row("written", note.place); put("pre", note.source); }
}

// -------------------------------------------------------------------------------- all levels

function walk(visit, id = 0, path = "", level = 0) {
  const figure = data.figures[id], prefix = path === "" ? "" : path + ".";
  const said = new Set();
  for (const shape of figure.open.shapes) {
    const number = shape[shape.length - 1].about;
    if (number === undefined) continue;
    const note = data.notes[number];
    if (path !== "" && number === figure.note) continue;
    if (!said.has(note.name)) visit(prefix + note.name, note, level + 1, null);
    said.add(note.name);
  }
  for (const [name, child] of figure.children) {
    visit(prefix + name, data.notes[data.figures[child].note], level + 1, child);
    walk(visit, child, prefix + name, level + 1);
  }
}

function levels(change) {
  const depths = [0];
  for (const p of opened) depths.push(depth_of[p] || 0);
  const most = Math.max(...depths) + change;
  opened.clear();
  walk((path, note, level, child) => { if (child !== null && level <= most) opened.add(path); });
  render();
}
const depth_of = {};
walk((path, note, level) => { depth_of[path] = level; });

// ------------------------------------------------------------------------------------ search

function look() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  hits = [];
  hit = -1;
  if (words.length)
    walk((path, note) => {
      const said = [path, note.drawn, note.what, note.shapes, note.source];
      const text = said.join(" ").toLowerCase();
      if (words.every((w) => text.includes(w))) hits.push({ path, note });
    });
  found.replaceChildren();
  hits.slice(0, 60).forEach((h, i) => {
    const entry = document.createElement("li"), button = document.createElement("button");
    button.textContent = h.path;
    button.addEventListener("click", () => go(i));
    entry.appendChild(button);
    found.appendChild(entry);
  });
  const count = hits.length === 1 ? "1 match" : hits.length + " matches";
  document.getElementById("count").textContent = words.length ? count : "";
  render();
}

function go(number, keep) {
  hit = (number + hits.length) % hits.length;
  const path = hits[hit].path;
  for (const other of Object.keys(depth_of)) if (path.startsWith(other + ".")) opened.add(other);
  render();
  found.querySelectorAll("button").forEach((b, i) => {
    if (i === hit) b.setAttribute("aria-current", "true"); else b.removeAttribute("aria-current");
  });
  const item = at_path(path);
  if (item) choose(item);
  if (keep) search.focus({ preventScroll: true });
}

// ------------------------------------------------------------------------------------ events

const of = (event) => event.target.closest && event.target.closest('[role="treeitem"]');
svg.addEventListener("click", (event) => {
  const item = of(event);
  if (!item) return;
  if (item.hasAttribute("aria-expanded")) toggle(item.dataset.path, true); else choose(item);
});
svg.addEventListener("mouseover", (event) => { const item = of(event); if (item) show(item); });
svg.addEventListener("focusin", (event) => { const item = of(event); if (item) show(item); });
svg.addEventListener("keydown", (event) => {
  const item = of(event);
  if (!item) return;
  const items = all(), place = items.indexOf(item), path = item.dataset.path;
  const expanded = item.getAttribute("aria-expanded");
  const to = (i) => { if (items[i]) choose(items[i]); };
  const keys = {
    ArrowDown: () => to(place + 1),
    ArrowUp: () => to(place - 1),
    Home: () => to(0),
    End: () => to(items.length - 1),
    ArrowRight: () => (expanded === "false" ? toggle(path, true) : to(place + 1)),
    ArrowLeft: () => {
      if (expanded === "true") toggle(path, true);
      else {
        const around = at_path(path.slice(0, path.lastIndexOf(".")));
        if (around) choose(around);
      }
    },
    Enter: () => { if (expanded !== null) toggle(path, true); },
    " ": () => { if (expanded !== null) toggle(path, true); },
  };
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});
search.addEventListener("input", look);
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && hits.length) { event.preventDefault(); go(hit + (event.shiftKey ? -1 : 1), true); }
  if (event.key === "Escape") { search.value = ""; look(); }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
});
const scale = (factor) => { zoom = factor ? Math.min(4, Math.max(0.2, zoom * factor)) : 1; render(); };
const buttons = {
  more: () => levels(1), less: () => levels(-1), larger: () => scale(1.25), smaller: () => scale(0.8),
  dark: () => {
    const root = document.documentElement;
    const now = root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
  },
};
for (const [id, act] of Object.entries(buttons)) document.getElementById(id).addEventListener("click", act);

for (const path of data.opened) opened.add(path);
render();
