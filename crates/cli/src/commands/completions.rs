//! `eigenscope completions`: what makes a shell complete commands, options, pipelines and tasks.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::{Arguments, Complete, Completions, ProjectArguments};
use crate::completion::candidates;
use crate::exit;

/// Asks the program. Readline replaces only what follows the last `=` or `:` of a word, which task ids may hold.
const BASH: &str = r#"_eigenscope() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} words word typed kept before= quote= start place
    read -a words <<<"$line"
    case $line in *[[:blank:]]) words+=("") ;; esac
    typed=${words[${#words[@]} - 1]}
    kept=${typed%"${typed##*[=:]}"}
    for ((place = 0; place < ${#line}; place++)); do
        case $quote${line:place:1} in
        \' | \") quote=${line:place:1} start=$((place + 1)) ;;
        \'\' | \"\") quote= ;;
        esac
    done
    if [[ -n $quote ]]; then # Inside quotes, all that they hold is replaced.
        kept= before=${line:start} typed=${typed#"$quote"}
        before=${before%"$typed"}
    fi
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$before${word#"$kept"}")
    done < <("$1" __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _eigenscope eigenscope
"#;

/// Asks the program, and completes files where it knows nothing.
const ZSH: &str = r#"#compdef eigenscope
_eigenscope() {
    local -a found
    found=("${(@f)$("${words[1]}" __complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n ${found[1]} ]]; then compadd -- "${found[@]}"; else _files; fi
}
compdef _eigenscope eigenscope
"#;

/// Asks the program, beside the files that fish offers.
const FISH: &str = "complete -c eigenscope -a '(set -l words (commandline -opc) (commandline -ct); \
                    $words[1] __complete -- $words[2..-1] 2>/dev/null)'\n";

pub(crate) fn run(command: &Completions) -> Result<u8> {
    let script = match command.shell {
        Shell::Bash => BASH.to_owned(),
        Shell::Zsh => ZSH.to_owned(),
        Shell::Fish => FISH.to_owned(),
        shell => {
            let mut script = Vec::new();
            let mut program = Arguments::command();
            let name = program.get_name().to_owned();
            clap_complete::generate(shell, &mut program, name, &mut script);
            String::from_utf8(script)?
        }
    };
    super::print(&script)?;
    Ok(exit::OK)
}

/// `eigenscope __complete -- WORDS`: what the scripts ask.
pub(crate) fn complete(project: &ProjectArguments, command: &Complete) -> Result<u8> {
    let words = candidates(project, &command.words);
    super::print(
        &words
            .iter()
            .map(|word| format!("{word}\n"))
            .collect::<String>(),
    )?;
    Ok(exit::OK)
}
