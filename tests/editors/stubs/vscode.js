const fs = require("node:fs");

const commands = {};
const listeners = {};
const on = (kind) => (listener) => {
  listeners[kind] = listener;
  return { dispose() {} };
};
const stub = (module.exports = {
  settings: {},
  shown: [],
  panels: [],
  messages: [],
  run: (name) => commands[name](),
  fire: (kind, event) => listeners[kind](event),
  document: (path) => ({
    languageId: "arch",
    isDirty: false,
    uri: { scheme: "file", fsPath: path, path },
    text: fs.readFileSync(path, "utf8"),
    getText() {
      return this.text;
    },
  }),
  ViewColumn: { One: 1, Beside: -2 },
  TextEditorRevealType: { InCenter: 2 },
  Position: class {
    constructor(line) {
      this.line = line;
    }
  },
  Selection: class {},
  Range: class {
    constructor(start) {
      this.line = start.line;
    }
  },
  commands: {
    registerCommand(name, run) {
      commands[name] = run;
      return { dispose() {} };
    },
  },
  workspace: {
    getConfiguration: (section) => ({ get: (name) => stub.settings[`${section}.${name}`] }),
    onDidChangeConfiguration: on("configuration"),
    onDidChangeTextDocument: on("change"),
    onDidSaveTextDocument: on("save"),
    openTextDocument: async (given) => given,
  },
  window: {
    onDidChangeTextEditorSelection: on("selection"),
    async showTextDocument(document) {
      stub.shown.push(document);
      return { revealRange: (range) => (stub.window.revealed = range) };
    },
    showWarningMessage: (text) => stub.messages.push(text),
    showInformationMessage: (text) => stub.messages.push(text),
    showErrorMessage: (text) => stub.messages.push(text),
    showQuickPick: async (items) => items[0],
    showInputBox: async () => stub.typed,
    createWebviewPanel() {
      const webview = { posted: [], postMessage: (m) => webview.posted.push(m) };
      webview.onDidReceiveMessage = (receive) => (webview.receive = receive);
      const panel = { webview, onDidDispose() {}, dispose: () => (panel.disposed = true) };
      stub.panels.push(panel);
      return panel;
    },
  },
});
