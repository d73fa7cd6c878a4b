" Colours of .arch files.
if exists("b:current_syntax")
  finish
endif

syntax match archOperator "->\|=>\|\.\.\|[-+*/%^<>=!|]"
syntax match archCall "\<\h\w*\ze("
syntax match archLabel "\%(^\|[;{]\)\s*\zs\h\w*\ze\s*:"
syntax match archKnobHere "\<in\.\l\+"
syntax keyword archControl if else for in repeat as match and or not
syntax match archRange "\%([[:alnum:]_)\]]\s\+\)\@<=\%(step\|log\)\>\%(\s*[(:=]\)\@!"
syntax keyword archBoolean true false
syntax match archPattern "\<\%(residual\|branch\|dense\|fractal\|choose\|shared\)\>\%(\s*[:=]\)\@!"
syntax match archStatement "\%(^\|[;{]\)\s*\zs\%(input\|default\|let\|require\|use\|paper\|fix\)\>\%(\s*=\)\@!"
syntax match archStatement "\%(^\|[;{]\)\s*\zs\%(arch\|block\|fn\|variant\|output\)\>" nextgroup=archName skipwhite
syntax match archName "\h\w*" contained
syntax match archNumber "\<\d\+\%(\.\d\+\)\?\%([eE][+-]\?\d\+\)\?\%([KMGT]\>\|%\)\?"
syntax match archShape "\<\d\+\%(x\d\+\)\+\>"
syntax region archString start=+"+ skip=+\\.+ end=+"\|$+ oneline
syntax match archComment "#.*$"
syntax match archDoc "^\s*##.*$"

highlight default link archOperator Operator
highlight default link archCall Function
highlight default link archLabel Label
highlight default link archKnobHere Identifier
highlight default link archControl Keyword
highlight default link archRange Keyword
highlight default link archBoolean Boolean
highlight default link archPattern Type
highlight default link archStatement Statement
highlight default link archName Function
highlight default link archNumber Number
highlight default link archShape Number
highlight default link archString String
highlight default link archComment Comment
highlight default link archDoc SpecialComment

let b:current_syntax = "arch"
