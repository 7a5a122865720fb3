"""Tests of jaxdigits.cli.completion."""

import shutil
import subprocess

import pytest

from jaxdigits.cli import COMMANDS, main
from jaxdigits.cli.completion import SHELLS


def script_of(shell, capsys):
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def needs(shell):
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"needs the shell {shell}")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_its_options_are_in_the_script(shell, capsys):
    script = script_of(shell, capsys)
    for name in COMMANDS:
        assert name in script
    assert ("-l holdout " if shell == "fish" else "--holdout") in script
    assert "small accurate" in script


def complete_in_bash(script, *words):
    """Press the tabulator behind the words."""
    code = (
        f"{script}\nCOMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        '_jaxdigits; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@needs("bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ev"], ["evaluate"]),
        (["train", "--epo"], ["--epochs"]),
        (["demo", "--dataset", ""], ["digits", "mnist"]),
        (["evaluate", "--split", "te"], ["test"]),
        (["info", "mn"], ["mnist"]),
        (["predict", "pic"], ["picture.png"]),
        (["predict", "--model", "s"], ["small"]),
        (["read", "--model", "pic"], ["picture.png"]),
        (["kaggle", "--model", "s"], []),
    ],
)
def test_bash_completes(folder, capsys, words, expected):
    (folder / "picture.png").touch()
    assert complete_in_bash(script_of("bash", capsys), "jaxdigits", *words) == expected


@needs("fish")
@pytest.mark.usefixtures("folder")
def test_fish_completes(capsys):
    code = script_of("fish", capsys) + "\ncomplete -C 'jaxdigits train --epo'"
    done = subprocess.run(["fish", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("--epochs\t")


@needs("zsh")
@pytest.mark.usefixtures("folder")
def test_zsh_can_read_its_script(capsys):
    code = "autoload -U compinit; compinit -u -D\n" + script_of("zsh", capsys) + "\nprint $_comps[jaxdigits]"
    done = subprocess.run(["zsh", "-f", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("_jaxdigits\n", "")


def test_a_shell_that_is_not_known_is_a_mistake(fails):
    message = fails("completion", "tcsh")
    assert all(shell in message for shell in SHELLS)
