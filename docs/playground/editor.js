// The text with its colours; after each line what it makes, or what is wrong with it.
// A textarea, whose own letters are transparent, lies over what is shown.

const AT_MOST = 44; // the column at which hints of long lines begin

export class Editor {
  constructor(grammar, changed) {
    this.area = document.getElementById("text");
    this.shown = document.getElementById("shown");
    this.numbers = document.getElementById("numbers");
    this.grammar = grammar;
    this.hints = {};
    this.marks = {};
    this.area.addEventListener("input", () => {
      this.forget();
      this.show();
      changed();
    });
    this.area.addEventListener("keydown", (event) => this.key(event));
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.area.value = text;
    this.lines = undefined;
    this.forget();
    this.show();
  }

  // Hints stay while a line is edited; where lines come or go, they would stand after others.
  forget() {
    const count = this.text.split("\n").length;
    if (count !== this.lines) this.hints = {};
    this.lines = count;
    this.marks = {};
  }

  // `hints` by line, and the mistakes: {message, places: [{line, column, end_line, end_column}]}.
  tell(hints, mistakes) {
    this.hints = hints;
    this.marks = {};
    for (const { message, places } of mistakes) {
      if (!places.length) continue;
      const p = places[0];
      (this.marks[p.line] ??= []).push({
        start: p.column - 1,
        end: p.end_line === p.line ? Math.max(p.end_column - 1, p.column) : Infinity,
        message,
      });
    }
    this.show();
  }

  show() {
    const lines = this.text.split("\n");
    const hinted = lines.filter((line, i) => this.hints[i + 1]).map((line) => line.length);
    const column = Math.min(Math.max(0, ...hinted), AT_MOST) + 3;
    this.shown.replaceChildren(...lines.flatMap((line, i) => this.line(line, i + 1, column)));
    this.numbers.textContent = lines.map((line, i) => i + 1).join("\n");
  }

  line(line, number, column) {
    const made = [];
    const marks = this.marks[number] ?? [];
    const pieces = this.grammar.pieces(line);
    const edges = [0, line.length, ...pieces.flat().filter(Number.isInteger)];
    for (const mark of marks) edges.push(mark.start, Math.min(mark.end, line.length));
    const cuts = [...new Set(edges)].filter((c) => c <= line.length).sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i++) {
      const [start, end] = [cuts[i], cuts[i + 1]];
      const piece = pieces.find(([a, b]) => a <= start && end <= b);
      const wrong = marks.some((m) => m.start <= start && end <= m.end);
      made.push(span(line.slice(start, end), [piece?.[2].split(".")[0], wrong && "wrong"]));
    }
    const pad = " ".repeat(Math.max(column - line.length, 2));
    if (marks.length) made.push(pad, span(marks.map((m) => m.message).join("; "), ["said"]));
    else if (this.hints[number]) made.push(pad, span(this.hints[number], ["hint"]));
    made.push("\n");
    return made;
  }

  key(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const before = this.text.slice(0, this.area.selectionStart).split("\n").pop();
    const indent = /^ */.exec(before)[0] + (/[{([]\s*$/.test(before) ? "  " : "");
    document.execCommand("insertText", false, "\n" + indent); // keeps what can be undone
  }
}

function span(text, classes) {
  const made = document.createElement("span");
  made.className = classes.filter(Boolean).join(" ");
  made.textContent = text;
  return made;
}
