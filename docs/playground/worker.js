// Python, and archdsl in it, in a thread of its own. A question is {id, text, settings, depth,
// knob}; its answers come one by one, and stop where a later question has come.
import { loadPyodide } from "./pyodide/pyodide.mjs";

let latest;
let busy = false;
const ready = start();

async function start() {
  const [python, packages, answers] = await Promise.all([
    loadPyodide({ indexURL: new URL("./pyodide/", import.meta.url).href }),
    fetch("packages.zip").then((r) => r.arrayBuffer()),
    fetch("answers.py").then((r) => r.text()),
  ]);
  python.unpackArchive(packages, "zip", { extractDir: "/lib/site" });
  python.runPython("import sys; sys.path.insert(0, '/lib/site')");
  python.runPython("import os; os.environ['XDG_CACHE_HOME'] = '/lib/site/cache'");
  python.runPython(answers);
  return python.globals.get("answer");
}

onmessage = async ({ data }) => {
  latest = data;
  if (busy) return;
  busy = true;
  try {
    const answer = await ready;
    while (latest) {
      const question = latest;
      latest = undefined;
      await all(question, (method, ...given) => JSON.parse(answer(method, JSON.stringify(given))));
    }
  } catch (error) {
    postMessage({ kind: "failed", answer: String(error) });
  }
  busy = false;
};

async function all(question, ask) {
  const facts = ask("read", question.text, question.settings);
  const say = (kind, answer) => postMessage({ id: question.id, kind, answer });
  say("read", facts);
  if (facts.mistakes.length) return say("done");
  const knobs = facts.knobs.filter((k) => k.domain).map((k) => k.name);
  const knob = knobs.includes(question.knob) ? question.knob : knobs[0];
  const steps = [
    ["drawing", question.depth],
    ["python"],
    ...(knob ? [["curve", knob]] : []),
    ["proof"],
  ];
  for (const [kind, ...given] of steps) {
    await new Promise((resume) => setTimeout(resume)); // lets a later question in
    if (latest) return;
    say(kind, ask(kind, ...given));
  }
  say("done");
}
