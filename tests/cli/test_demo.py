"""Tests of jaxdigits.cli.demo."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxdigits import load_model
from jaxdigits.cli import main
from jaxdigits.cli.sources import KNOWN
from jaxdigits.data.datasets import Dataset

PICTURES = ["confusion_matrix.png", "digit.png", "mistakes.png", "training_curves.png"]


def run_in(folder, command):
    """Run a command as a user would, and see both of its outputs."""
    environment = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder where the demo was run once, and what it showed."""
    folder = tmp_path_factory.mktemp("home")
    return folder, run_in(folder, [sys.executable, "-m", "jaxdigits", "demo"])


def test_it_ends_well_and_nothing_but_its_own_words_is_on_the_screen(home):
    _, done = home
    assert done.returncode == 0
    assert done.stderr == ""  # no progress in a pipe, no warning of anybody
    assert "Warning" not in done.stdout


def test_it_tells_what_was_trained_and_how_well_it_reads(home):
    _, done = home
    names = r"model +cnn\nparameters +[\d,]+\ndevice +\w+\nepochs +\d+\nseconds +[\d.]+\n"
    assert re.search(names, done.stdout)
    accuracy = r"{} accuracy +(\d+)/{} = [\d.]+ %  \(95 % interval [\d.]+ to [\d.]+ %\)\n"
    assert re.search(accuracy.format("training", 1212), done.stdout)
    tested = re.search(accuracy.format("test", 450), done.stdout)
    assert int(tested[1]) >= 0.97 * 450
    assert re.search(r"test mean log loss +\d\.\d{4}\n", done.stdout)


def test_it_tells_the_commonest_confusions_in_words(home):
    _, done = home
    wrong = 450 - int(re.search(r"test accuracy +(\d+)/450", done.stdout)[1])
    confusions = re.findall(r"^  (\d) read as (\d): (\d+) times?$", done.stdout, flags=re.MULTILINE)
    assert len(confusions) <= 3
    assert bool(confusions) == bool(wrong)
    assert sum(int(count) for *_, count in confusions) <= wrong
    assert all(true != predicted for true, predicted, _ in confusions)


def test_it_leaves_the_model_and_its_pictures_in_the_folder_it_names(home):
    folder, done = home
    made = folder / "jaxdigits-demo"
    assert f"Saved in {made.resolve()}:" in done.stdout
    assert sorted(path.name for path in made.iterdir()) == sorted(
        [*PICTURES, "model.safetensors", "report.html", "test.npz"]
    )
    for name in PICTURES:
        with Image.open(made / name) as picture:
            picture.verify()
            assert min(picture.size) >= 200


def test_the_report_tells_the_accuracy_that_was_told(home):
    folder, done = home
    page = (folder / "jaxdigits-demo" / "report.html").read_text(encoding="utf-8")
    right = int(re.search(r"test accuracy +(\d+)/450", done.stdout)[1])
    assert f"{450 - right}<small>of 450 samples</small>" in page
    assert "report.html" in done.stdout


def test_the_saved_model_reads_digits(home):
    folder, _ = home
    assert load_model(folder / "jaxdigits-demo" / "model.safetensors").n_features_in_ == 64


def next_commands(shown):
    return [line.strip() for line in shown.partition("\nNext:\n")[2].splitlines()]


def test_it_suggests_three_commands(home):
    _, done = home
    assert len(next_commands(done.stdout)) == 3


@pytest.mark.skipif(os.name == "nt", reason="the test splits commands as a POSIX shell does")
@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_suggested_commands_work(home, index):
    folder, done = home
    again = run_in(folder, shlex.split(next_commands(done.stdout)[index]))
    assert again.returncode == 0, again.stderr
    assert again.stdout
    assert again.stderr == ""


def test_the_saved_digits_and_model_give_the_accuracy_that_was_told(home):
    folder, done = home
    told = re.search(r"test accuracy +(\d+/450 = .*)\n", done.stdout)[1]
    again = run_in(folder, shlex.split(next_commands(done.stdout)[1]))
    assert f"accuracy       {told}\n" in again.stdout


def test_mnist_is_trained_on_as_well(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (140, 28, 28)).astype(np.uint8), np.arange(140) % 10
    parts = {"train": Dataset(X[:100], y[:100]), "test": Dataset(X[100:], y[100:])}
    monkeypatch.setitem(KNOWN, "mnist", lambda: parts)
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--dataset", "mnist", "--model", "linear"]) == 0
    shown = capsys.readouterr().out
    assert "140 digits of 28x28 pixels: 90 to learn from, 10 to watch the learning, 40 held out" in shown
    with np.load("jaxdigits-demo/test.npz") as saved:
        np.testing.assert_array_equal(saved["X"], X[100:])


def test_model_seed_and_folder_can_be_chosen(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--model", "linear", "--seed", "3", "--output", "here/and there"]) == 0
    shown = capsys.readouterr().out
    assert "model               linear" in shown
    assert (tmp_path / "here" / "and there" / "model.safetensors").is_file()
    assert all('"here/and there/model.safetensors"' in command for command in next_commands(shown))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "forest"], "--model must be one of auto, linear, mlp, cnn"),
        (["--seed", "-1"], "--seed"),
        (["--seed", "many"], "got 'many'"),
        (["--output", "taken"], "--output must be a folder that can be written, got 'taken'"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    Path("taken").write_text("a file", encoding="utf-8")
    assert main(["demo", *arguments]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
