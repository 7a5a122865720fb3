"""Tests of jaxdigits.cli.kaggle."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from jaxdigits import lite
from jaxdigits.cli import main

QUICK = ["--model", "linear", "--epochs", "20"]


def read_submission(path):
    header, *lines = Path(path).read_text(encoding="utf-8").splitlines()
    assert header == "ImageId,Label"
    return [tuple(map(int, line.split(","))) for line in lines]


@pytest.mark.usefixtures("tables")
def test_a_submission_has_a_numbered_row_for_each_of_the_test_set(digits, capsys):
    assert main(["kaggle", "train.csv", "test.csv", "-o", "submission.csv", *QUICK]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"holdout accuracy +\d+/16 = ", shown)
    assert "Saved submission.csv: 20 rows, one for each of test.csv." in shown
    numbers, labels = zip(*read_submission("submission.csv"), strict=True)
    assert numbers == tuple(range(1, 21))
    assert np.mean(np.array(labels) == digits[1][160:180]) > 0.6


@pytest.mark.usefixtures("tables")
def test_a_saved_model_predicts_without_training(model_file, digits, capsys):
    assert main(["kaggle", "test.csv", "--model", str(model_file), "-o", "submission.csv"]) == 0
    assert "training" not in capsys.readouterr().out
    labels = [label for _, label in read_submission("submission.csv")]
    assert labels == lite.load_model(model_file).predict(digits[0][160:180]).tolist()


@pytest.mark.usefixtures("tables")
def test_packed_tables_are_counted_too(model_file, capsys):
    Path("test.csv.gz").write_bytes(gzip.compress(Path("test.csv").read_bytes() + b"\n\n"))
    assert main(["kaggle", "test.csv.gz", "--model", str(model_file), "-o", "submission.csv"]) == 0
    capsys.readouterr()
    assert len(read_submission("submission.csv")) == 20


@pytest.mark.usefixtures("tables")
def test_rows_that_got_lost_are_our_failure(model_file, monkeypatch, capsys):
    monkeypatch.setattr(lite.LiteModel, "predict", lambda *_: np.zeros(19, int))
    assert main(["kaggle", "test.csv", "--model", str(model_file), "-o", "submission.csv"]) == 1
    assert "test.csv has 20 rows but 19 predictions were made" in capsys.readouterr().err
    assert not Path("submission.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train.csv", "-o", "s.csv"], "kaggle takes train.csv and test.csv, got 1 file"),
        (["train.csv", "test.csv"], "-o/--output"),
        (["test.csv", "train.csv", "-o", "s.csv"], "test.csv has no column 'label'"),
        (["train.csv", "train.csv", "-o", "s.csv"], "train.csv has a column of labels"),
        (["train.csv", "narrow.csv", "-o", "s.csv"], "narrow.csv has 16 columns of pixels, expected 64"),
        (["train.csv", "test.csv", "-o", "test.csv"], "must not overwrite"),
        (["train.csv", "test.csv", "-o", "s.csv", "--model", "forest"], "--model must be one of"),
        (["train.csv", "test.csv", "-o", "s.csv", "--model", "no.safetensors"], "kaggle takes test.csv alone"),
        (["test.csv", "-o", "s.csv", "--model", "no.safetensors"], "cannot read model file 'no.safetensors'"),
        (["-", "test.csv", "-o", "s.csv"], "kaggle reads files"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_file(tables, fails, arguments, words):
    np.savetxt("narrow.csv", np.ones((2, 16)), fmt="%d", delimiter=",")
    before = sorted(path.name for path in tables.iterdir())
    assert words in fails("kaggle", *arguments, "--epochs", "1")
    assert sorted(path.name for path in tables.iterdir()) == before


def test_training_options_beside_a_model_file_are_refused(tables, fails, model_file):
    arguments = ["test.csv", "-o", "s.csv", "--model", str(model_file)]
    assert "--epochs must not come with a model file" in fails("kaggle", *arguments, "--epochs", "2")
    assert not (tables / "s.csv").exists()
