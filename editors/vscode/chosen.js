// A knob set for what the hints show, and the drawing of the block at the cursor: asked of the
// language server.
const vscode = require("vscode");

const ask = (client, command, ...given) =>
  client.sendRequest("workspace/executeCommand", { command: `archdsl.server.${command}`, arguments: given });

// Asks for a knob and a value; its default takes it back.
async function setKnob(client, document) {
  const uri = client.code2ProtocolConverter.asUri(document.uri);
  const knobs = await ask(client, "knobs", uri);
  if (!knobs.length) throw new Error("This spec has no knobs.");
  const items = knobs.map((knob) => ({
    label: knob.name,
    description: `${knob.value}${knob.domain ? `, in ${knob.domain}` : ""}`,
    detail: knob.about,
    knob,
  }));
  const picked = await vscode.window.showQuickPick(items, { placeHolder: "The knob to set for the hints" });
  if (!picked) return;
  const { name, value, values, default: usual } = picked.knob;
  const prompt = `${name}, ${picked.knob.domain || "any value"}; ${usual} is its default (such as ${values.slice(0, 5).join(", ")})`;
  const given = await vscode.window.showInputBox({ prompt, value });
  if (given === undefined) return;
  await ask(client, "setKnob", uri, name, given === usual ? null : given);
}

// Opens the drawing of the block that the cursor is in beside the text.
async function drawBlock(client, document) {
  const { line, character } = vscode.window.activeTextEditor.selection.active;
  const uri = client.code2ProtocolConverter.asUri(document.uri);
  const found = await ask(client, "draw", uri, line, character);
  if (!found) throw new Error("There is no block here.");
  const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
  const panel = vscode.window.createWebviewPanel("archdsl.block", found.name, column, { localResourceRoots: [] });
  panel.webview.html = `<!doctype html><title>${found.name}</title><body style="background: white">${found.svg}</body>`;
}

module.exports = { drawBlock, setKnob };
