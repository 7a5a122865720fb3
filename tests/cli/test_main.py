"""Tests of jaxdigits.cli: finding a command, and what becomes of its end."""

import os
import subprocess
import sys
import types
import warnings
from importlib.metadata import entry_points

import pytest

from jaxdigits import __version__
from jaxdigits.cli import COMMANDS, main
from jaxdigits.errors import DivergenceError, InputError


@pytest.fixture
def command(monkeypatch):
    """Install a command `probe` whose run does what a test says."""

    def install(run):
        module = types.ModuleType("probe_command")
        module.add_arguments = lambda parser: parser.add_argument("--size", type=int, default=1)
        module.run = run
        monkeypatch.setitem(sys.modules, "probe_command", module)
        monkeypatch.setitem(COMMANDS, "probe", ("probe_command", "try something"))

    return install


def raising(error):
    """Return the run of a command that fails."""

    def run(_args):
        raise error

    return run


def run_python(*arguments, **options):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120, **options)


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, (_, summary) in COMMANDS.items():
        assert name in shown
        assert summary.split()[0] in shown


def test_no_command_at_all_shows_the_help(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("usage: jaxdigits")


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"jaxdigits {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS), ["--version"], ["dmeo"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys; from jaxdigits.cli import main; main(sys.argv[1:]); "
        "heavy = {'jax', 'flax', 'optax', 'numpy', 'scipy', 'sklearn', 'matplotlib', 'rich', 'PIL'}; "
        "sys.exit(f'imported {heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)"
    )
    done = run_python("-c", code, *arguments)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name, capsys):
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: jaxdigits {name}")


def test_a_command_gets_its_arguments_and_its_status_is_returned(command):
    command(lambda args: args.size)
    assert main(["probe", "--size", "7"]) == 7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prob"], "Did you mean probe?"),
        (["zebra"], f"expected one of: {', '.join(COMMANDS)}, probe."),
        (["probe", "--size", "big"], "--size"),
        (["probe", "--colour"], "--colour"),
        (["probe", "more"], "more"),
        (["--colour"], "--colour"),
    ],
)
def test_a_mistake_in_the_arguments_is_one_line_and_status_2(command, capsys, arguments, words):
    command(lambda _args: 0)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("jaxdigits: ")
    assert words in captured.err


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (InputError("size must be\n >= 1, got 0."), 2, "jaxdigits: size must be >= 1, got 0."),
        (DivergenceError("the loss is NaN."), 1, "jaxdigits: the loss is NaN."),
        (
            KeyError("kernel"),
            1,
            "jaxdigits: failed with KeyError: 'kernel' (set JAXDIGITS_TRACEBACK=1 to see where)",
        ),
        (KeyboardInterrupt(), 130, "jaxdigits: interrupted"),
    ],
)
def test_every_end_has_its_status_and_one_line(command, capsys, monkeypatch, error, status, line):
    monkeypatch.delenv("JAXDIGITS_TRACEBACK", raising=False)
    command(raising(error))
    assert main(["probe"]) == status
    assert capsys.readouterr().err == f"{line}\n"


def test_the_traceback_is_shown_on_request(command, capsys, monkeypatch):
    monkeypatch.setenv("JAXDIGITS_TRACEBACK", "1")
    command(raising(KeyError("kernel")))
    assert main(["probe"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert shown.endswith("jaxdigits: failed with KeyError: 'kernel'\n")


def test_warnings_stay_off_the_screen(command, capsys, monkeypatch):
    monkeypatch.setattr(sys, "warnoptions", [])

    def run(_args):
        warnings.warn("a library's remark", stacklevel=1)
        return 0

    command(run)
    assert main(["probe"]) == 0
    assert capsys.readouterr().err == ""


def test_warnings_are_given_to_whoever_asks_for_them(command, monkeypatch):
    monkeypatch.setattr(sys, "warnoptions", ["error"])

    def run(_args):
        warnings.warn("a library's remark", stacklevel=1)
        return 0

    command(run)
    assert main(["probe"]) == 1


def test_standard_error_that_is_closed_changes_no_status(command, monkeypatch):
    command(raising(InputError("no")))
    closed = open(os.devnull, "w")  # noqa: SIM115
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    assert main(["probe"]) == 2


def test_a_reader_that_goes_away_is_no_reason_to_complain():
    # Unbuffered, Python notices at once, and argparse keeps it to itself.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "jaxdigits", "--help"],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 141


def test_the_package_is_a_program():
    done = run_python("-m", "jaxdigits", "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"jaxdigits {__version__}\n", "")


@pytest.mark.parametrize(("arguments", "status"), [(["--version"], 0), (["dmeo"], 2)])
def test_the_process_ends_with_the_status_of_its_command_and_searches_no_objects_at_its_end(arguments, status):
    code = (
        "import atexit, gc; from jaxdigits.__main__ import run; "
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000)); run()"
    )
    done = run_python("-c", code, *arguments)
    assert done.returncode == status
    assert done.stdout.endswith("True\n")


def test_the_installed_command_is_the_process():
    (command,) = {script.value for script in entry_points(group="console_scripts", name="jaxdigits")}
    assert command == "jaxdigits.__main__:run"
