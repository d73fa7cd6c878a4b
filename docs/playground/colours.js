// Colours a line by a TextMate grammar, as far as the one of .arch files goes.

export class Grammar {
  constructor(grammar) {
    this.rules = this.flatten(grammar.patterns, grammar.repository);
  }

  flatten(patterns, repository) {
    return patterns.flatMap((p) => {
      if (p.include) return this.flatten([repository[p.include.slice(1)]], repository);
      if (p.match) return [{ ...p, find: new RegExp(p.match, "dg") }];
      if (p.begin) {
        const ends = this.flatten(p.patterns ?? [], repository);
        return [{ ...p, find: new RegExp(p.begin, "dg"), stop: new RegExp(p.end, "g"), ends }];
      }
      return this.flatten(p.patterns, repository);
    });
  }

  // The pieces of a line: [start, end, scope], in order, none within another.
  pieces(line) {
    const found = [];
    let at = 0;
    while (at < line.length) {
      const [rule, match] = first(this.rules, line, at);
      if (!match) break;
      const start = match.index;
      let end = start + match[0].length;
      if (rule.stop) {
        end = this.end(rule, line, end);
        found.push([start, end, rule.name]);
      } else if (rule.captures) {
        for (const [group, { name }] of Object.entries(rule.captures)) {
          const range = match.indices[group];
          if (range) found.push([...range, name]);
        }
      } else {
        found.push([start, end, rule.name]);
      }
      at = Math.max(end, at + 1);
    }
    return found;
  }

  end(rule, line, at) {
    for (;;) {
      rule.stop.lastIndex = at;
      const stop = rule.stop.exec(line);
      const [, inner] = first(rule.ends, line, at);
      if (!stop) return line.length;
      if (!inner || inner.index >= stop.index) return stop.index + stop[0].length;
      at = inner.index + inner[0].length;
    }
  }
}

// The rule that matches first, and of those the one that stands first.
function first(rules, line, at) {
  let best = [undefined, undefined];
  for (const rule of rules) {
    rule.find.lastIndex = at;
    const match = rule.find.exec(line);
    if (match && match[0] && (!best[1] || match.index < best[1].index)) best = [rule, match];
  }
  return best;
}
