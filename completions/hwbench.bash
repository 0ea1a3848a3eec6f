# What bash completes after hwbench: as `hwbench --show-completion` prints it. Packages put it where the shell looks.
_hwbench_completion() {
    local IFS=$'
'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \
                   COMP_CWORD=$COMP_CWORD \
                   _HWBENCH_COMPLETE=complete_bash $1 ) )
    return 0
}

complete -o default -F _hwbench_completion hwbench
