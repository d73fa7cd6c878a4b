setlocal commentstring=#\ %s comments=:##,:# shiftwidth=2 expandtab
setlocal makeprg=archdsl\ check\ %
setlocal errorformat=%Eerror[%m,%Z\ %#-->\ %f:%l:%c,%-G%.%#
