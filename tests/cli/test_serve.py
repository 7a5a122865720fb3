"""Tests of jaxdigits.cli.serve."""

import threading
import urllib.request

import pytest

from jaxdigits.cli import main, serve
from jaxdigits.serve import server


@pytest.fixture
def visit(monkeypatch):
    """Have the server asked one thing once it runs, and then stopped; the list tells what it answered."""
    answered = []
    make = server.make_server

    def make_server(app, opened, *, on_start):
        def start():
            on_start()
            port = opened.getsockname()[1]

            def ask():
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60) as response:
                        answered.append(response.status)
                finally:
                    made.should_exit = True

            threading.Thread(target=ask).start()

        made = make(app, opened, on_start=start)
        return made

    monkeypatch.setattr(server, "make_server", make_server)
    return answered


@pytest.mark.usefixtures("packaged")
def test_it_says_where_it_is_answers_and_ends_well(visit, capsys):
    assert main(["serve", "--port", "0"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Reading digits at http://127.0.0.1:")
    assert shown.out.endswith(" with the model small. Ctrl-C stops.\n")
    assert (shown.out.count("\n"), shown.err, visit) == (1, "", [200])


@pytest.mark.usefixtures("packaged")
def test_it_says_so_if_others_can_reach_it(visit, capsys):
    assert main(["serve", "--port", "0", "--host", "0.0.0.0"]) == 0
    assert "everyone on this network" in capsys.readouterr().err
    assert visit == [200]


def test_a_model_of_ones_own_is_served(visit, model_file, capsys):
    assert main(["serve", "--port", "0", "--model", str(model_file)]) == 0
    assert f"with the model {model_file}." in capsys.readouterr().out
    assert visit == [200]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "port must be an int from 0 to 65535, got 70000"),
        (["--port", "x"], "--port"),
        (["--host", "no.such.host.invalid"], "host must be a name or an address"),
        (["--port", "0", "--model", "missing.safetensors"], "missing.safetensors"),
        (["--port", "0", "--model", "ROWS"], "rows of 64 numbers"),
    ],
)
def test_mistakes_are_one_line(fails, row_model_file, arguments, words):
    assert words in fails("serve", *(row_model_file if each == "ROWS" else each for each in arguments))


def test_what_is_missing_is_named_with_the_way_to_get_it(fails, monkeypatch):
    monkeypatch.setattr(serve, "find_spec", lambda name: None if name == "uvicorn" else name)
    line = fails("serve")
    assert "serve needs uvicorn, not installed" in line
    assert "[serve]" in line
