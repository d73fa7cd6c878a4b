" Colours of .search files.
if exists("b:current_syntax")
  finish
endif

syntax match archsearchOperator "->\|=>\|\.\.\|[-+*/%^<>=!|]"
syntax match archsearchCall "\<\h\w*\ze("
syntax keyword archsearchControl if else for in match and or not
syntax match archsearchRange "\%([[:alnum:]_)}\]%]\s\+\)\@<=\%(step\|log\|within\|by\|then\|table\)\>\%(\s*[(:=]\)\@!"
syntax keyword archsearchBoolean true false
syntax match archsearchStatement "\%(^\|;\)\s*\zs\%(vary\|hold\|tune\|explore\|maximize\|minimize\|seeds\|settle\|folds\|target\|trials\|timeout\)\>\%(\s*=\)\@!"
syntax match archsearchStatement "\%(^\|;\)\s*\zstrain\%(\s\+with\)\?\>\%(\s*=\)\@!"
syntax match archsearchStatement "\%(^\|;\)\s*\zs\%(search\|spec\|data\|sampler\|prune\|baseline\)\>" nextgroup=archsearchName skipwhite
syntax match archsearchName "\h\w*" contained
syntax match archsearchNumber "\<\d\+\%(\.\d\+\)\?\%([eE][+-]\?\d\+\)\?\%([KMGT]\>\|%\|\%(s\|min\|h\|d\)\>\)\?"
syntax region archsearchString start=+"+ skip=+\\.+ end=+"\|$+ oneline
syntax match archsearchComment "#.*$"

highlight default link archsearchOperator Operator
highlight default link archsearchCall Function
highlight default link archsearchControl Keyword
highlight default link archsearchRange Keyword
highlight default link archsearchBoolean Boolean
highlight default link archsearchStatement Statement
highlight default link archsearchName Function
highlight default link archsearchNumber Number
highlight default link archsearchString String
highlight default link archsearchComment Comment

let b:current_syntax = "archsearch"
