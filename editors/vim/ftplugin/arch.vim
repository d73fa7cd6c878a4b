" `gq` formats, `:make` checks and fills the list of mistakes.
setlocal commentstring=#\ %s comments=:##,:# shiftwidth=2 expandtab
setlocal formatprg=archdsl\ fmt\ -
setlocal makeprg=archdsl\ check\ %
setlocal errorformat=%Eerror[A%n]:\ %m,%Wwarning[A%n]:\ %m,%Z\ %#-->\ %f:%l:%c,%-G%.%#
