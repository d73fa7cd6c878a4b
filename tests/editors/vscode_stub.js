// Stands for VS Code: what the extension calls of it, and a drive through its commands.
// node vscode_stub.js FOLDER COMMAND SPEC, with this file's folder's `stubs` on NODE_PATH.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const vscode = require("vscode");
const { answers, asked, started } = require("vscode-languageclient/node");

const [folder, command, spec] = process.argv.slice(2);
const { activate, deactivate } = require(`${folder}/src.js`);

async function main() {
  vscode.settings["archdsl.path"] = command;
  vscode.settings["archdsl.preview.depth"] = 3;
  const context = { subscriptions: [] };
  await activate(context);
  assert.deepEqual(started, [{ command, args: ["lsp"], languages: ["arch", "arch-search"] }]);

  const document = vscode.document(spec);
  vscode.window.activeTextEditor = { document };
  await vscode.run("archdsl.source");
  assert.match(vscode.shown.at(-1).content, /^class Net\(nn\.Module\):/m);

  await vscode.run("archdsl.preview");
  const [panel] = vscode.panels;
  assert.match(panel.webview.html, /<title>net<\/title>[^]*acquireVsCodeApi[^]*<\/body>/);
  const selection = { active: { line: 3 } };
  vscode.fire("selection", { textEditor: { document, selection } });
  assert.deepEqual(panel.webview.posted, [{ paths: ["stem.conv1", "stem.bn1"] }]);
  await panel.webview.receive({ path: "head" });
  assert.equal(vscode.window.revealed.line, 4);

  vscode.window.activeTextEditor = { document, selection: { active: { line: 3, character: 2 } } };
  const uri = `file://${spec}`;
  answers["archdsl.server.knobs"] = [{ name: "width", value: "8", default: "8", domain: "", values: ["8"] }];
  for (const [typed, sent] of [["16", "16"], ["8", null]]) {
    vscode.typed = typed;
    await vscode.run("archdsl.knob");
    assert.deepEqual(asked.at(-1).slice(1), ["archdsl.server.setKnob", uri, "width", sent]);
  }
  answers["archdsl.server.draw"] = { name: "unit", svg: "<svg>unit</svg>" };
  await vscode.run("archdsl.block");
  assert.deepEqual(asked.at(-1), ["workspace/executeCommand", "archdsl.server.draw", uri, 3, 2]);
  assert.match(vscode.panels.at(-1).webview.html, /<svg>unit<\/svg>/);
  answers["archdsl.server.draw"] = null;
  await vscode.run("archdsl.block");
  assert.equal(vscode.messages.at(-1), "There is no block here.");

  document.isDirty = true; // from here by its text
  document.text = fs.readFileSync(spec, "utf8").replace("arch net", "arch other");
  await vscode.run("archdsl.source");
  assert.match(vscode.shown.at(-1).content, /^class Other\(nn\.Module\):/m);
  document.text = "arch net\ninput 3x8x8\nconvv(3)\n";
  await vscode.run("archdsl.source");
  assert.match(vscode.messages.at(-1), /error\[A101\]/);
  await deactivate();
  context.subscriptions.forEach((subscription) => subscription.dispose());
  assert.ok(panel.disposed);
}

main().then(() => console.log("all holds"), (error) => { console.error(error); process.exit(1); });
