// Curves of what a network costs over the values of a knob.

const NAMES = { params: "parameters", macs: "MACs" };
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 190, 62, 20, 26, 34];

export function human(count) {
  const units = ["", "K", "M", "G", "T", "P"];
  let unit = 0;
  while (Math.abs(count) >= 999.95 && unit < units.length - 1) [count, unit] = [count / 1000, unit + 1];
  return (unit ? count.toPrecision(3) : count) + units[unit];
}

function element(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

// Numbers stand where they lie; other values side by side.
function places(rows) {
  const numbers = rows.map((row) => Number(row.value));
  const values = numbers.every(Number.isFinite) ? numbers : rows.map((row, i) => i);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = WIDTH - LEFT - RIGHT;
  return values.map((v) => LEFT + (high > low ? (v - low) / (high - low) : 0.5) * room);
}

export function chart(rows, cost, knob) {
  const made = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  made.append(element("title", {}, `${NAMES[cost]} over ${knob}`));
  made.append(element("text", { x: LEFT, y: 14 }, `${NAMES[cost]} over ${knob}`));
  const most = Math.max(1, ...rows.map((row) => row[cost] ?? 0));
  const x = places(rows);
  const y = (value) => TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM);
  for (const share of [0, 0.5, 1]) {
    const level = y(share * most);
    made.append(element("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: level, y2: level, class: "axis" }));
    const label = { x: LEFT - 6, y: level + 4, "text-anchor": "end" };
    made.append(element("text", label, human(share * most)));
  }
  const there = rows.map((row, i) => [x[i], row[cost], row]).filter(([, value]) => value !== undefined);
  const points = there.map(([at, value]) => `${at},${y(value)}`).join(" ");
  made.append(element("polyline", { points, class: "curve" }));
  for (const [at, value, row] of there) {
    const dot = element("circle", { cx: at, cy: y(value), r: 3 });
    dot.append(element("title", {}, `${knob} = ${row.value}: ${value.toLocaleString("en")}`));
    made.append(dot);
  }
  let last = -Infinity;
  rows.forEach((row, i) => {
    const room = 7 * row.value.length + 8;
    if (x[i] - last < room) return;
    last = x[i];
    made.append(element("text", { x: x[i], y: HEIGHT - 12, "text-anchor": "middle" }, row.value));
  });
  return made;
}

export function table(rows, knob) {
  const cells = rows.map((row) =>
    row.error
      ? [row.value, row.error]
      : [row.value, row.params.toLocaleString("en"), row.macs.toLocaleString("en"), row.depth],
  );
  return [[knob, "parameters", "MACs", "depth"], ...cells].map((row, i) => {
    const line = document.createElement("tr");
    row.forEach((text) => {
      const cell = document.createElement(i ? "td" : "th");
      cell.textContent = text;
      if (row.length === 2 && text === row[1]) cell.colSpan = 3;
      line.append(cell);
    });
    return line;
  });
}
