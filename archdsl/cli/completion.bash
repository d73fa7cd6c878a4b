# Offers names and files together. Bash splits `depth=18` into three words: they are joined again.
_archdsl_completion() {
    local IFS=$'\n' words=("${COMP_WORDS[0]}") place=0 i
    for ((i = 1; i <= COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} != "=" && ${COMP_WORDS[i - 1]} != "=" ]]; then
            ((place += 1))
        fi
        words[place]+=${COMP_WORDS[i]}
    done
    local begun=${COMP_WORDS[COMP_CWORD]#=}  # the text that bash replaces
    local before=${words[place]%"$begun"}

    local response completion paths=
    response=$(env COMP_WORDS="${words[*]}" COMP_CWORD=$place _ARCHDSL_COMPLETE=bash_complete "$1")
    COMPREPLY=()
    while read -r completion; do
        case $completion in
            plain,*) completion=${completion#plain,} && COMPREPLY+=("${completion#"$before"}") ;;
            file,*) paths=-f ;;
            dir,*) paths=-d ;;
        esac
    done <<<"$response"
    if [[ -n $paths && ${#COMPREPLY[@]} -eq 0 ]]; then
        if [[ $paths == -d ]]; then compopt -o dirnames; else compopt -o default; fi
    elif [[ -n $paths ]]; then
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$paths" -- "$begun")
        compopt -o filenames
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
}

complete -o nosort -F _archdsl_completion archdsl
