// What a regular expression cannot say: numbers, which look at what follows them, and which line
// ends end a statement. As archdsl/syntax/lines.py: none before `->`, `else`, `and`, `or`, `}` and
// the end of the text; a `;` is a line end that may stand anywhere.

#include <stdbool.h>
#include <string.h>
#include <wctype.h>

#include "tree_sitter/parser.h"

enum { SEPARATOR, GAP, NUMBER, SHAPE };

void *tree_sitter_arch_external_scanner_create(void) { return NULL; }
void tree_sitter_arch_external_scanner_destroy(void *payload) { (void)payload; }
unsigned tree_sitter_arch_external_scanner_serialize(void *payload, char *buffer) {
  (void)payload, (void)buffer;
  return 0;
}
void tree_sitter_arch_external_scanner_deserialize(void *payload, const char *buffer, unsigned n) {
  (void)payload, (void)buffer, (void)n;
}

static void advance(TSLexer *lexer) { lexer->advance(lexer, false); }

static bool is_digit(int32_t c) { return c >= '0' && c <= '9'; }

static bool is_word(int32_t c) { return c == '_' || iswalnum((wint_t)c); }

static bool digits(TSLexer *lexer) {
  if (!is_digit(lexer->lookahead)) return false;
  while (is_digit(lexer->lookahead)) advance(lexer);
  return true;
}

// `64`, `0.5`, `1e-4`, `10M`, `15%` (but in `5 %3` the sign is an operator), and `3x224x224`.
static bool number(TSLexer *lexer) {
  lexer->result_symbol = NUMBER;
  digits(lexer);
  lexer->mark_end(lexer);
  if (lexer->lookahead == 'x') {
    bool whole = true;
    while (whole && lexer->lookahead == 'x') {
      advance(lexer);
      whole = digits(lexer);
    }
    if (whole && !is_word(lexer->lookahead)) {
      lexer->mark_end(lexer);
      lexer->result_symbol = SHAPE;
    }
    return true;
  }
  if (lexer->lookahead == '.') {
    advance(lexer);
    if (!digits(lexer)) return true;
    lexer->mark_end(lexer);
  }
  if (lexer->lookahead == 'e' || lexer->lookahead == 'E') {
    advance(lexer);
    if (lexer->lookahead == '+' || lexer->lookahead == '-') advance(lexer);
    if (!digits(lexer)) return true;
    lexer->mark_end(lexer);
  }
  int32_t unit = lexer->lookahead;
  if (unit == '%' || (unit && unit < 128 && strchr("KMGT", unit))) {
    advance(lexer);
    if (!is_word(lexer->lookahead) && !(unit == '%' && lexer->lookahead == '(')) {
      lexer->mark_end(lexer);
    }
  }
  return true;
}

// Whether what stands here carries the statement on from the line before.
static bool carries_on(TSLexer *lexer) {
  if (lexer->eof(lexer) || lexer->lookahead == '}') return true;
  if (lexer->lookahead == '-') {
    advance(lexer);
    return lexer->lookahead == '>';
  }
  char word[6] = {0};
  for (int i = 0; is_word(lexer->lookahead); i++) {
    if (i == 5 || lexer->lookahead > 127) return false;
    word[i] = (char)lexer->lookahead;
    advance(lexer);
  }
  return !strcmp(word, "else") || !strcmp(word, "and") || !strcmp(word, "or");
}

// A run of line ends, `;` and comments; where no statement can end, as in brackets, `;` is none of
// it. The token ends before the first comment, which is one of its own.
static bool gap(TSLexer *lexer, bool may_separate) {
  bool before_comment = true;
  for (;;) {
    int32_t c = lexer->lookahead;
    if (c == '\n' || (c == ';' && may_separate) || c == ' ' || c == '\t' || c == '\r') {
      advance(lexer);
      if (c == '\r' && lexer->lookahead != '\n') return false;
      if (before_comment && (c == '\n' || c == ';')) lexer->mark_end(lexer);
    } else if (c == '#') {
      before_comment = false;
      while (!lexer->eof(lexer) && lexer->lookahead != '\n' && lexer->lookahead != '\r') {
        advance(lexer);
      }
    } else {
      break;
    }
  }
  lexer->result_symbol = may_separate && !carries_on(lexer) ? SEPARATOR : GAP;
  return true;
}

bool tree_sitter_arch_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
  (void)payload;
  while (lexer->lookahead == ' ' || lexer->lookahead == '\t') lexer->advance(lexer, true);
  int32_t c = lexer->lookahead;
  if (c == '\n' || (c == ';' && valid[SEPARATOR]) || c == '\r') return gap(lexer, valid[SEPARATOR]);
  if (is_digit(c) && valid[NUMBER]) return number(lexer);
  return false;
}
