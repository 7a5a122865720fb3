"""Tests of jaxdigits.cli.train."""

import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxdigits import lite, load_model
from jaxdigits.cli import main

QUICK = ["--model", "linear", "--epochs", "2"]


@pytest.mark.usefixtures("tables")
def test_a_table_becomes_a_model_and_its_accuracy_is_told_on_what_was_held_out(capsys):
    assert main(["train", "train.csv", "-o", "model.safetensors", *QUICK]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert re.search(r"model +linear\nparameters +650\ndevice +\w+\nepochs +2\n", captured.out)
    assert re.search(r"training accuracy +\d+/144 = ", captured.out)
    assert re.search(r"holdout accuracy +\d+/16 = ", captured.out)
    assert "Saved model.safetensors" in captured.out
    assert lite.load_model("model.safetensors").image_shape_ == (8, 8)


@pytest.mark.usefixtures("tables")
def test_the_same_seed_gives_the_same_file_of_weights(capsys):
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        assert main(["train", "train.csv", "-o", f"{name}.safetensors", "--seed", seed, *QUICK]) == 0
    capsys.readouterr()
    a, b, c = (load_model(f"{name}.safetensors").params_["layers.1.kernel"] for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.usefixtures("tables")
def test_any_parameter_can_be_set(capsys):
    settings = ["--set", "optimizer=sgd", "--set", "learning_rate=0.03", "--set", "hidden_sizes=7,5"]
    assert main(["train", "train.csv", "-o", "m.safetensors", "--model", "mlp", "--epochs", "1", *settings]) == 0
    capsys.readouterr()
    model = load_model("m.safetensors")
    assert (model.recipe_["optimizer"], model.recipe_["learning_rate"]) == ("sgd", 0.03)
    assert model.hidden_sizes == (7, 5)


@pytest.mark.usefixtures("tables")
def test_a_parameter_that_means_nothing_is_told_and_changes_nothing(capsys):
    assert main(["train", "train.csv", "-o", "m.safetensors", *QUICK, "--set", "channels=4,4"]) == 0
    note = capsys.readouterr().err
    assert note.startswith("jaxdigits: note: channels means nothing for model='linear'")
    assert note.count("\n") == 1


@pytest.mark.usefixtures("folder")
def test_a_test_set_that_comes_along_is_what_is_tested_on(digits, capsys):
    X, y = digits
    np.savez("both.npz", x_train=X[:100], y_train=y[:100], x_test=X[100:130], y_test=y[100:130])
    assert main(["train", "both.npz", "-o", "m.safetensors", *QUICK]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"training accuracy +\d+/100 ", shown)
    assert re.search(r"test accuracy +\d+/30 ", shown)
    assert "holdout" not in shown


@pytest.mark.parametrize(("share", "n"), [("0", 160), ("0.5", 80)])
@pytest.mark.usefixtures("tables")
def test_the_share_held_out_can_be_chosen(capsys, share, n):
    assert main(["train", "train.csv", "-o", "m.safetensors", *QUICK, "--holdout", share]) == 0
    shown = capsys.readouterr().out
    assert re.search(rf"training accuracy +\d+/{n} ", shown)
    assert ("holdout accuracy" in shown) == (n < 160)


def test_dark_ink_is_turned_light_and_pictures_are_read_as_they_were_learned(folder, save_picture, capsys):
    for index in range(100):
        label = save_picture(f"set/{index}.png", index, scale=1)
        (folder / f"set/{index}.png").rename(folder / f"set/{label}_{index}.png")
    assert main(["train", "set", "-o", "m.safetensors", "--model", "linear", "--epochs", "60", "--holdout", "0"]) == 0
    assert "dark on light paper, turned light on dark" in capsys.readouterr().out
    assert main(["evaluate", "set", "--model", "m.safetensors"]) == 0
    assert int(re.search(r"accuracy +(\d+)/100", capsys.readouterr().out)[1]) > 90


@pytest.mark.usefixtures("tables")
def test_the_training_curves_are_drawn(capsys):
    assert main(["train", "train.csv", "-o", "m.safetensors", *QUICK, "--picture", "curves.png"]) == 0
    assert "Saved curves.png" in capsys.readouterr().out
    with Image.open("curves.png") as picture:
        picture.verify()


@pytest.mark.usefixtures("tables")
def test_a_report_is_written_of_what_was_held_out(capsys):
    assert main(["train", "train.csv", "-o", "m.safetensors", *QUICK, "--report", "report.html"]) == 0
    shown = capsys.readouterr().out
    assert "Saved report.html" in shown
    wrong = 16 - int(re.search(r"holdout accuracy +(\d+)/16", shown)[1])
    with open("report.html", encoding="utf-8") as page:
        assert f"{wrong}<small>of 16 samples</small>" in page.read()


def test_a_report_of_dark_ink_shows_what_the_model_was_given(folder, save_picture, capsys):
    for index in range(40):
        label = save_picture(f"set/{index}.png", index, scale=1)
        (folder / f"set/{index}.png").rename(folder / f"set/{label}_{index}.png")
    arguments = ["train", "set", "-o", "m.safetensors", "--model", "linear", "--epochs", "60", "--holdout", "0.5"]
    assert main([*arguments, "--report", "report.html"]) == 0
    told = re.search(r"holdout accuracy +(\d+)/20 ", capsys.readouterr().out)
    assert f"{20 - int(told[1])}<small>of 20 samples</small>" in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("tables")
def test_a_table_may_come_by_a_pipe_and_nothing_but_the_report_is_shown():
    with open("train.csv", "rb") as table:
        done = subprocess.run(
            [sys.executable, "-m", "jaxdigits", "train", "-", "-o", "m.safetensors", *QUICK],
            stdin=table,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("model ")
    assert lite.load_model("m.safetensors").n_features_in_ == 64


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train.csv"], "-o/--output"),
        (["train.csv", "-o", "train.csv"], "must not overwrite"),
        (["train.csv", "-o", "no/m.safetensors"], "a folder that exists"),
        (["train.csv", "-o", "m.safetensors", "--picture", "m.gif"], "ends in .png"),
        (["train.csv", "-o", "m.safetensors", "--report", "m.pdf"], "ends in .html"),
        (["train.csv", "-o", "m.safetensors", "--report", "no/m.html"], "a folder that exists"),
        (["train.csv", "-o", "m.safetensors", "--report", "m.html", "--holdout", "0"], "--report needs samples"),
        (["test.csv", "-o", "m.safetensors"], "test.csv has no labels to learn from"),
        (["missing.csv", "-o", "m.safetensors"], "missing.csv: no such file"),
        (["mnits", "-o", "m.safetensors"], "use one of digits, mnist"),
        (["train.csv", "-o", "m.safetensors", "--model", "forest"], "must be one of auto, linear, mlp, cnn"),
        (
            ["train.csv", "-o", "m.safetensors", "--recipe", "soup"],
            "--recipe must be one of fast, accurate, got 'soup'",
        ),
        (["train.csv", "-o", "m.safetensors", "--set", "learning_rat=1"], "Did you mean learning_rate?"),
        (["train.csv", "-o", "m.safetensors", "--set", "learning_rate=-1"], "'learning_rate' parameter"),
        (["train.csv", "-o", "m.safetensors", "--set", "hidden_sizes=0,"], "hidden_sizes must hold ints >= 1"),
        (["train.csv", "-o", "m.safetensors", "--epochs", "none"], "got 'none'"),
        (["train.csv", "-o", "m.safetensors", "--holdout", "1"], "got '1'"),
        (["train.csv", "-o", "m.safetensors", "--holdout", "0.01"], "--holdout must leave a sample"),
        (["odd.npz", "-o", "m.safetensors"], "expected (8, 8)"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_file(tables, fails, arguments, words):
    X = np.zeros((20, 8, 8), np.uint8)
    np.savez("odd.npz", x_train=X, y_train=np.arange(20) % 2, x_test=X[:, 1:], y_test=np.arange(20) % 2)
    before = sorted(path.name for path in tables.iterdir())
    assert words in fails("train", *arguments)
    assert sorted(path.name for path in tables.iterdir()) == before


def test_a_run_that_diverges_is_our_failure_and_leaves_no_file(tables, capsys):
    settings = ["--set", "optimizer=sgd", "--set", "learning_rate=1e30", "--model", "mlp", "--epochs", "3"]
    assert main(["train", "train.csv", "-o", "m.safetensors", *settings]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "the loss was not finite" in captured.err
    assert not (tables / "m.safetensors").exists()
