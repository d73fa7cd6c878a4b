// The extension: the language server, a preview of the drawing, and the PyTorch source.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { drawBlock, setKnob } = require("./chosen");
const { Preview } = require("./preview");
const { compiled } = require("./run");

const LANGUAGES = ["arch", "arch-search"];
let client;
let preview;

async function activate(context) {
  preview = new Preview();
  const register = vscode.commands.registerCommand;
  context.subscriptions.push(
    preview,
    register("archdsl.preview", () => withSpec((document) => preview.open(document))),
    register("archdsl.source", () => withSpec(showSource)),
    register("archdsl.block", () => withServer(drawBlock)),
    register("archdsl.knob", () => withServer(setKnob)),
    register("archdsl.restart", restart),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("archdsl.path")) restart();
    }),
  );
  await start();
}

async function deactivate() {
  await client?.stop();
  client = undefined;
}

async function start() {
  const command = vscode.workspace.getConfiguration("archdsl").get("path");
  const documentSelector = LANGUAGES.map((language) => ({ language }));
  client = new LanguageClient("archdsl", "archdsl", { command, args: ["lsp"] }, { documentSelector });
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    const advice = "pip install 'archdsl[lsp]', or set archdsl.path";
    vscode.window.showWarningMessage(`\`${command} lsp\` cannot be started (${advice}): ${error.message}`);
  }
}

async function restart() {
  await deactivate();
  await start();
}

async function withSpec(run) {
  const document = vscode.window.activeTextEditor?.document;
  if (document?.languageId !== "arch") {
    vscode.window.showInformationMessage("Open a .arch file first.");
    return;
  }
  try {
    await run(document);
  } catch (error) {
    vscode.window.showErrorMessage(error.message);
  }
}

async function withServer(run) {
  await withSpec((document) => {
    if (!client) throw new Error("The language server is not running.");
    return run(client, document);
  });
}

async function showSource(document) {
  const content = await compiled(document);
  const shown = await vscode.workspace.openTextDocument({ language: "python", content });
  await vscode.window.showTextDocument(shown, vscode.ViewColumn.Beside, true);
}

module.exports = { activate, deactivate };
