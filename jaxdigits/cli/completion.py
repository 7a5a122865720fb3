"""`jaxdigits completion`: the script by which a shell completes commands, options and files."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["SHELLS", "add_arguments", "run"]

PROGRAM = "jaxdigits"


@dataclass(frozen=True)
class _Option:
    """One option of a command."""

    spellings: tuple[str, ...]  # "-o", "--output"
    help: str
    takes_value: bool
    choices: tuple[str, ...]  # the only values, or
    words: tuple[str, ...]  # values beside names of files


@dataclass(frozen=True)
class _Command:
    """One command."""

    name: str
    help: str
    options: tuple[_Option, ...]
    words: tuple[str, ...]  # that may stand where an argument does, beside names of files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli import completion
    >>> parser = argparse.ArgumentParser()
    >>> completion.add_arguments(parser)
    >>> parser.parse_args(["fish"]).shell
    'fish'
    """
    parser.add_argument(
        "shell", choices=tuple(SHELLS), help="your shell; the first lines of its script say how to use it"
    )


def run(args: argparse.Namespace) -> int:
    """Write the script, made from the commands' own parsers.

    Parameters
    ----------
    args : argparse.Namespace
        `shell`, as `add_arguments` declares it.

    Returns
    -------
    status : int
        0.

    Examples
    --------
    >>> from jaxdigits.cli import main
    >>> main(["completion", "fish"])
    # ...
    0
    """
    print(SHELLS[args.shell](list(_list_commands())))
    return 0


def _list_commands() -> Iterator[_Command]:
    from jaxdigits.cli import COMMANDS, make_parser
    from jaxdigits.cli.sources import KNOWN

    # argparse has no public way to list what a parser takes.
    parsers = next(action.choices for action in make_parser(COMMANDS)._actions if isinstance(action.choices, dict))
    for name, parser in parsers.items():
        options: list[_Option] = []
        words: list[str] = []
        for action in parser._actions:
            choices = tuple(map(str, action.choices or ()))
            if action.option_strings:
                takes_value = action.nargs != 0
                suggested = () if choices else _words_of(action.metavar)
                options.append(
                    _Option(tuple(action.option_strings), action.help or "", takes_value, choices, suggested)
                )
            else:
                words += choices or (KNOWN if action.dest == "data" else ())
        yield _Command(name, COMMANDS[name][1], tuple(options), tuple(words))


def _words_of(metavar: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Take what stands in small letters in FILE|small|accurate, which can be typed as it is."""
    return tuple(word for word in metavar.split("|") if word.islower()) if isinstance(metavar, str) else ()


def _write_bash(commands: list[_Command]) -> str:
    cases, values = [], []
    for command in commands:
        words = [spelling for option in command.options for spelling in option.spellings]
        cases.append(f'    {command.name}) words="{" ".join([*words, *command.words])}" ;;')
        for option in command.options:
            known = option.choices or option.words
            files = ' $(compgen -f -- "$current")' if option.words else ""
            reply = f'COMPREPLY=($(compgen -W "{" ".join(known)}" -- "$current"){files}); return'
            values += [f"    {command.name}:{each}) {reply} ;;" for each in option.spellings if known]
    names = " ".join(command.name for command in commands)
    return "\n".join(
        [
            f"# Completion of {PROGRAM} for bash. For this shell alone:",
            f'#   eval "$({PROGRAM} completion bash)"',
            "# or for all: put that line into ~/.bashrc.",
            f"_{PROGRAM}() {{",
            '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" words',
            "  if ((COMP_CWORD == 1)); then",
            f'    COMPREPLY=($(compgen -W "{names} --help --version" -- "$current")); return',
            "  fi",
            '  case "${COMP_WORDS[1]}:$previous" in',
            *values,
            "  esac",
            '  case "${COMP_WORDS[1]}" in',
            *cases,
            "  esac",
            '  [[ $current == -* ]] || COMPREPLY=($(compgen -f -- "$current"))',
            '  COMPREPLY+=($(compgen -W "$words" -- "$current"))',
            "}",
            f"complete -o filenames -F _{PROGRAM} {PROGRAM}",
        ]
    )


def _write_zsh(commands: list[_Command]) -> str:
    cases = []
    for command in commands:
        specs = []
        for option in command.options:
            value = f":value:({' '.join(option.choices)})" if option.choices else f":value:{_files(option.words)}"
            group = f"({' '.join(option.spellings)})" if len(option.spellings) > 1 else ""
            text = f"[{_plain(option.help)}]{value if option.takes_value else ''}"
            specs += [shlex.quote(f"{group}{spelling}{text}") for spelling in option.spellings]
        cases += [
            f"    {command.name})",
            f"      _arguments {' '.join(specs)} {shlex.quote(f'*:argument:{_files(command.words)}')} ;;",
        ]
    listed = " ".join(shlex.quote(f"{command.name}:{_plain(command.help)}") for command in commands)
    return "\n".join(
        [
            f"#compdef {PROGRAM}",
            f"# Completion of {PROGRAM} for zsh. After compinit, for this shell alone:",
            f'#   eval "$({PROGRAM} completion zsh)"',
            f"# or for all: {PROGRAM} completion zsh > a folder of $fpath/_{PROGRAM}",
            f"_{PROGRAM}() {{",
            "  if ((CURRENT == 2)); then",
            f"    local -a commands=({listed})",
            "    _describe command commands; return",
            "  fi",
            "  local name=$words[2]",
            "  shift words; ((CURRENT--))",
            "  case $name in",
            *cases,
            "  esac",
            "}",
            # Read from a folder of $fpath, the file is itself the function that was called.
            f'if [[ "$funcstack[1]" == _{PROGRAM} ]]; then _{PROGRAM} "$@"; else compdef _{PROGRAM} {PROGRAM}; fi',
        ]
    )


def _files(words: tuple[str, ...]) -> str:
    """Spell zsh's action that offers files, and words beside them."""
    return f'{{_alternative "words:word:({" ".join(words)})" "files:file:_files"}}' if words else "_files"


def _write_fish(commands: list[_Command]) -> str:
    lines = [
        f"# Completion of {PROGRAM} for fish. For this shell alone:",
        f"#   {PROGRAM} completion fish | source",
        f"# or for all: {PROGRAM} completion fish > ~/.config/fish/completions/{PROGRAM}.fish",
    ]
    for command in commands:
        lines.append(f"complete -c {PROGRAM} -n __fish_use_subcommand -f -a {command.name} -d {_fish(command.help)}")
        inside = f'complete -c {PROGRAM} -n "__fish_seen_subcommand_from {command.name}"'
        if command.words:
            lines.append(f"{inside} -a {_fish(' '.join(command.words))}")
        for option in command.options:
            spelled = " ".join(
                f"-l {spelling[2:]}" if spelling.startswith("--") else f"-s {spelling[1:]}"
                for spelling in option.spellings
            )
            value = f" -x -a {_fish(' '.join(option.choices))}" if option.choices else " -r" * option.takes_value
            value += f" -a {_fish(' '.join(option.words))}" if option.words else ""
            lines.append(f"{inside} {spelled}{value} -d {_fish(option.help)}")
    return "\n".join(lines)


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _plain(text: str) -> str:
    """Take out what zsh's descriptions give a meaning to."""
    return text.replace("[", "(").replace("]", ")").replace(":", ",")


SHELLS: dict[str, Callable[[list[_Command]], str]] = {"bash": _write_bash, "zsh": _write_zsh, "fish": _write_fish}
"""Shell -> what writes its script."""
