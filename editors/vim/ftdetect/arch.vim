autocmd BufRead,BufNewFile *.arch setfiletype arch
autocmd BufRead,BufNewFile *.search setfiletype archsearch
