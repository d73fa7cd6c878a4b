// What the command `archdsl` says of a document: also of one that is not saved, by its text.
const { execFile } = require("node:child_process");
const { mkdtemp, readFile, rm } = require("node:fs/promises");
const os = require("node:os");
const path = require("node:path");
const vscode = require("vscode");

const LIMIT = 60_000; // milliseconds

// Standard output of `archdsl ...`. Rejects with what it says on standard error.
function archdsl(document, ...given) {
  const command = vscode.workspace.getConfiguration("archdsl").get("path");
  const saved = document.uri.scheme === "file" && !document.isDirty;
  const [name, ...others] = given;
  const arguments_ = [name, saved ? document.uri.fsPath : "-", ...others];
  const cwd = document.uri.scheme === "file" ? path.dirname(document.uri.fsPath) : undefined;
  const options = { cwd, timeout: LIMIT, maxBuffer: 1 << 26, env: { ...process.env, NO_COLOR: "1" } };
  return new Promise((resolve, reject) => {
    const process_ = execFile(command, arguments_, options, (error, output, complaint) => {
      if (error) reject(new Error(complaint.trim() || error.message));
      else resolve(output);
    });
    process_.stdin.on("error", () => {}); // it may not read it
    process_.stdin.end(saved ? "" : document.getText());
  });
}

// The text of a file that a command writes with `-o`.
async function written(document, ending, ...given) {
  const folder = await mkdtemp(path.join(os.tmpdir(), "archdsl-"));
  try {
    const file = path.join(folder, `spec.${ending}`);
    await archdsl(document, ...given, "-o", file);
    return await readFile(file, "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const compiled = (document) => written(document, "py", "compile");

const drawn = (document, depth) =>
  written(document, "html", "draw", "--depth", String(depth), "--once");

// Where each part of the network is made: [{line, paths}], lines from 1, of the document itself.
async function places(document) {
  const made = JSON.parse(await archdsl(document, "explain", "--json"));
  const own = ["-", "<stdin>", document.uri.fsPath, path.basename(document.uri.fsPath)];
  return made.filter((place) => own.includes(place.file)).map(({ line, paths }) => ({ line, paths }));
}

module.exports = { archdsl, compiled, drawn, places };
