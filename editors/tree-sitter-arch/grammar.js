// The .arch language. The rules have the names and the order of grammars/arch.lark and
// grammars/expressions.lark: a test holds the two against each other, tree by tree.
// `tree-sitter generate --abi=14` writes src/parser.c anew.

const separated = (rule, by = ',') => seq(rule, repeat(seq(by, rule)));
const listed = (rule) => seq(separated(rule), optional(','));
const parenthesised = (rule) => seq('(', optional(listed(rule)), ')');

module.exports = grammar({
  name: 'arch',

  // Numbers look ahead, and whether a line end ends a statement depends on what follows it.
  externals: ($) => [$._separator, $._gap, $.number, $.shape],
  extras: ($) => [/[ \t]/, /\r?\n/, $.comment, $._gap],
  word: ($) => $.identifier,
  // `dense(4) as i { ... }` counts its steps, `dense_unit(4) as x` keeps a tensor.
  conflicts: ($) => [[$.counted, $.call], [$.counted, $.name]],

  rules: {
    start: ($) => optional($._statements),
    _statements: ($) => separated($._statement, $._separator),
    body: ($) => seq('{', optional($._statements), '}'),

    _statement: ($) => choice(
      $.arch, $.input, $.default, $.let, $.fn, $.require, $.use, $.block, $.output, $.paper,
      $.variant, $.fix, $._flow, $.labelled,
    ),
    arch: ($) => seq('arch', $.identifier, optional(parenthesised($.knob))),
    input: ($) => seq('input', choice($._expr, separated($.incoming, ','))),
    incoming: ($) => seq($.identifier, optional($.arguments), ':', $._expr),
    default: ($) => seq('default', $.identifier, $.arguments),
    let: ($) => seq('let', $.target, '=', $._chain),
    fn: ($) => seq('fn', $.identifier, parenthesised($.parameter), '=', $._expr),
    require: ($) => seq('require', $._expr, optional(seq(',', $.string))),
    use: ($) => seq('use', $.string, optional(seq(':', separated($.import_name)))),
    block: ($) => seq('block', $.identifier, optional(parenthesised($.parameter)), $.body),
    output: ($) => seq('output', $.identifier, optional($.arguments), $.body),
    paper: ($) => seq('paper', $.string, repeat(seq(',', $.identifier, '=', $._expr))),
    variant: ($) => seq('variant', $.identifier, optional($.arguments), optional($._facts)),
    _facts: ($) => seq('{', optional(separated($._fact, $._separator)), '}'),
    _fact: ($) => choice($.paper, $.published),
    published: ($) => seq($.identifier, $.arguments),
    fix: ($) => seq('fix', separated($.identifier, '.'), '=', $._expr),

    labelled: ($) => seq($.identifier, ':', $._flow),
    _flow: ($) => choice($._step, $.kept),
    kept: ($) => seq($._step, 'as', $.identifier),
    _step: ($) => choice($.apply, $.if_, $.for_, $.repeat),
    apply: ($) => $._chain,
    if_: ($) => seq(
      'if', $._expr, $.body,
      repeat(seq('else', 'if', $._expr, $.body)),
      optional(seq('else', $.body)),
    ),
    for_: ($) => seq('for', $.target, 'in', $._expr, optional(seq('as', $.identifier)), $.body),
    repeat: ($) => seq('repeat', $._expr, optional(seq('as', $.identifier)), $.body),

    knob: ($) => seq($.identifier, '=', $._sum, optional(seq('in', $._domain))),
    parameter: ($) => seq($.identifier, optional(seq('=', $._chain))),
    import_name: ($) => seq($.identifier, optional(seq('as', $.identifier))),
    _domain: ($) => choice($.choices, $.interval),
    choices: ($) => seq('{', listed($._chain), '}'),
    interval: ($) => seq($._or, '..', $._or, optional(seq('step', $._or)), optional('log')),

    // ------------------------------------------------------------------- expressions

    _chain: ($) => choice($._link, $.chain),
    chain: ($) => seq($._link, repeat1(seq('->', $._link))),
    _link: ($) => choice($._expr, $.bodied, $.counted, $.sequence),
    bodied: ($) => seq($.identifier, optional($.arguments), optional($.identifier), $.body),
    counted: ($) => seq(
      $.identifier, optional($.arguments), optional($.identifier), 'as', $.identifier, $.body,
    ),
    sequence: ($) => $.body,

    _expr: ($) => choice($._span, $.ternary),
    ternary: ($) => seq($._span, 'if', $._span, 'else', $._expr),
    _span: ($) => choice($._or, $.range),
    range: ($) => seq($._or, '..', $._or, optional(seq('step', $._or))),
    _or: ($) => choice($._and, alias($._or_binary, $.binary)),
    _or_binary: ($) => seq($._or, 'or', $._and),
    _and: ($) => choice($._not, alias($._and_binary, $.binary)),
    _and_binary: ($) => seq($._and, 'and', $._not),
    _not: ($) => choice($._comparison, alias($._not_unary, $.unary)),
    _not_unary: ($) => seq('not', $._not),
    _comparison: ($) => choice($._sum, $.compare),
    compare: ($) => seq($._sum, repeat1(seq($.compare_op, $._compared))),
    compare_op: ($) => choice('==', '!=', '<=', '>=', '<', '>', 'in'),
    _compared: ($) => choice($._sum, alias($._compared_range, $.range)),
    _compared_range: ($) => prec.right(1, seq($._sum, '..', $._sum, optional(seq('step', $._sum)))),
    _sum: ($) => choice($._product, alias($._sum_binary, $.binary)),
    _sum_binary: ($) => seq($._sum, choice('+', '-'), $._product),
    _product: ($) => choice($._sign, alias($._product_binary, $.binary)),
    _product_binary: ($) => seq($._product, choice('*', '/', '//', '%'), $._sign),
    _sign: ($) => choice($._power, alias($._sign_unary, $.unary)),
    _sign_unary: ($) => seq('-', $._sign),
    _power: ($) => choice($._postfix, alias($._power_binary, $.binary)),
    _power_binary: ($) => seq($._postfix, '^', $._sign),
    _postfix: ($) => choice($._primary, $.field, $.index),
    field: ($) => seq($._postfix, '.', $.identifier),
    index: ($) => seq($._postfix, '[', $._expr, ']'),

    _primary: ($) => choice(
      $.number, $.shape, $.string, $.true, $.false, $.name, $.here, $.call, $.group, $.list,
      $.comprehension, $.match,
    ),
    true: ($) => 'true',
    false: ($) => 'false',
    name: ($) => $.identifier,
    here: ($) => seq('in', '.', $.identifier),
    call: ($) => seq($.identifier, $.arguments),
    group: ($) => seq('(', $._chain, ')'),
    list: ($) => choice(
      seq('(', $._chain, ',', optional(listed($._chain)), ')'),
      seq('[', optional(listed($._chain)), ']'),
    ),
    comprehension: ($) => seq('[', $._chain, repeat1($.clause), ']'),
    clause: ($) => seq('for', $.target, 'in', $._span, optional(seq('if', $._or))),
    match: ($) => seq(
      'match', $._expr, '{',
      $.arm, repeat(seq(choice(',', $._separator), $.arm)), optional(','),
      '}',
    ),
    arm: ($) => seq($.pattern, '=>', $._chain),
    pattern: ($) => separated($._span, '|'),
    target: ($) => choice(
      $.identifier,
      seq('(', $.identifier, repeat1(seq(',', $.identifier)), optional(','), ')'),
    ),

    arguments: ($) => parenthesised(choice($.keyword, $.positional)),
    keyword: ($) => seq($.identifier, '=', $._chain),
    positional: ($) => $._chain,

    identifier: ($) => /[A-Za-z_][A-Za-z0-9_]*/,
    string: ($) => /"([^"\\\r\n]|\\[^\r\n])*"/,
    comment: ($) => /#[^\r\n]*/,
  },
});
