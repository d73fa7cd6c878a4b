; Colours, by the names that Neovim, Helix and Zed share.
(comment) @comment
(string) @string
[(number) (shape)] @number
[(true) (false)] @boolean

["arch" "input" "default" "let" "fn" "require" "use" "block" "output" "paper" "variant" "fix"] @keyword
["if" "else" "for" "in" "repeat" "as" "match" "step" "log"] @keyword
["and" "or" "not"] @keyword.operator
["->" "=>" ".." "=" "==" "!=" "<=" ">=" "<" ">" "+" "-" "*" "/" "//" "%" "^" "|"] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," ":" "."] @punctuation.delimiter

(arch (identifier) @type)
(block (identifier) @function)
(fn (identifier) @function)
(variant (identifier) @type)
(output (identifier) @label)
(labelled (identifier) @label)
(incoming (identifier) @label)
(knob (identifier) @variable.parameter)
(parameter (identifier) @variable.parameter)
(keyword (identifier) @variable.parameter)
(call (identifier) @function.call)
(bodied (identifier) @function.call)
(default (identifier) @function.call)
(here (identifier) @property)
(field (identifier) @property)
((bodied . (identifier) @keyword)
  (#any-of? @keyword "residual" "branch" "dense" "fractal" "choose" "shared"))
