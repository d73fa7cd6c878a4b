const started = [];
const asked = [];
const answers = {}; // of the server, by the names of its commands

class LanguageClient {
  constructor(id, name, server, { documentSelector }) {
    this.given = { ...server, languages: documentSelector.map((s) => s.language) };
  }
  async start() {
    started.push(this.given);
  }
  async stop() {}
  code2ProtocolConverter = { asUri: (uri) => `file://${uri.path}` };
  async sendRequest(method, { command, arguments: given }) {
    asked.push([method, command, ...given]);
    return answers[command];
  }
}

module.exports = { LanguageClient, answers, asked, started };
