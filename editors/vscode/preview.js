// The drawing beside the text. The part that the cursor's line makes is marked in it; a click on a
// part goes to the line that makes it.
const vscode = require("vscode");
const { drawn, places } = require("./run");

const PAUSE = 400; // milliseconds without a change before it is drawn again

// Runs in the page, in a scope of its own beside the page's script: finds the part of a path, or the
// closed block that it is in.
const FOLLOW = `{
  const vscode = acquireVsCodeApi();
  const item = (path) => document.querySelector('[role=treeitem][data-path="' + CSS.escape(path) + '"]');
  addEventListener("message", ({ data: { paths } }) => {
    document.querySelectorAll(".hit").forEach((e) => e.classList.remove("hit"));
    const found = new Set();
    for (let path of paths) {
      while (path && !item(path)) path = path.split(".").slice(0, -1).join(".");
      if (path) found.add(item(path));
    }
    found.forEach((e) => e.classList.add("hit"));
    [...found][0]?.scrollIntoView({ block: "center", behavior: "smooth" });
  });
  document.addEventListener("click", (event) => {
    const path = event.target.closest?.("[role=treeitem]")?.dataset.path;
    if (path) vscode.postMessage({ path });
  });
}`;

class Preview {
  constructor() {
    this.subscriptions = [
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.later(document)),
      vscode.workspace.onDidSaveTextDocument((document) => this.later(document)),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.follow(textEditor)),
    ];
  }

  dispose() {
    this.panel?.dispose();
    this.subscriptions.forEach((subscription) => subscription.dispose());
  }

  async open(document) {
    this.document = document;
    this.made = [];
    if (!this.panel) {
      const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
      const options = { enableScripts: true, localResourceRoots: [], retainContextWhenHidden: true };
      this.panel = vscode.window.createWebviewPanel("archdsl.preview", "Drawing", column, options);
      this.panel.onDidDispose(() => (this.panel = undefined));
      this.panel.webview.onDidReceiveMessage(({ path }) => this.goTo(path));
    }
    await this.draw();
  }

  later(document) {
    if (!this.panel || document !== this.document) return;
    clearTimeout(this.timer);
    // A text with mistakes leaves the last drawing as it is: the mistakes show in the text.
    this.timer = setTimeout(() => this.draw().catch(() => {}), PAUSE);
  }

  async draw() {
    const { document } = this;
    const depth = vscode.workspace.getConfiguration("archdsl").get("preview.depth");
    const [page, made] = await Promise.all([drawn(document, depth), places(document)]);
    if (!this.panel || document !== this.document) return;
    this.made = made;
    this.panel.title = `Drawing: ${document.uri.path.split("/").pop()}`;
    this.panel.webview.html = page.replace("</body>", `<script>${FOLLOW}</script></body>`);
  }

  follow(editor) {
    if (!this.panel || editor.document !== this.document) return;
    const line = editor.selection.active.line + 1;
    const paths = this.made.filter((place) => place.line === line).flatMap((place) => place.paths);
    if (paths.length) this.panel.webview.postMessage({ paths });
  }

  async goTo(path) {
    const inside = (other) => other === path || other.startsWith(`${path}.`);
    const place = this.made.find(({ paths }) => paths.some(inside));
    if (!place) return;
    const editor = await vscode.window.showTextDocument(this.document, vscode.ViewColumn.One);
    const start = new vscode.Position(place.line - 1, 0);
    editor.selection = new vscode.Selection(start, start);
    editor.revealRange(new vscode.Range(start, start), vscode.TextEditorRevealType.InCenter);
  }
}

module.exports = { Preview };
