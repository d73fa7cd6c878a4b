setlocal commentstring=#\ %s comments=:##,:# shiftwidth=2 expandtab
setlocal makeprg=archdsl\ check\ %
setlocal errorformat=%Eerror[A%n]:\ %m,%Wwarning[A%n]:\ %m,%Z\ %#-->\ %f:%l:%c,%-G%.%#
