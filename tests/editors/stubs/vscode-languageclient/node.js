const started = [];

class LanguageClient {
  constructor(id, name, server, { documentSelector }) {
    this.given = { ...server, languages: documentSelector.map((s) => s.language) };
  }
  async start() {
    started.push(this.given);
  }
  async stop() {}
}

module.exports = { LanguageClient, started };
