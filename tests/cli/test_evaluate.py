"""Tests of jaxdigits.cli.evaluate."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

from jaxdigits import lite
from jaxdigits.cli import main


@pytest.fixture
def expected(model_file, digits):
    """Return what the model makes of all digits: probabilities and predictions."""
    model = lite.load_model(model_file)
    return model.predict_proba(digits[0]), model.predict(digits[0])


def test_the_report_tells_accuracy_loss_classes_and_confusions(npz, model_file, digits, expected, capsys):
    assert main(["evaluate", str(npz), "--model", str(model_file)]) == 0
    shown = capsys.readouterr().out
    k = int((expected[1] == digits[1]).sum())
    assert re.search(rf"accuracy +{k}/360 = [\d.]+ %  \(95 % interval [\d.]+ to [\d.]+ %\)", shown)
    assert f"mean log loss  {log_loss(digits[1], expected[0]):.4f}" in shown
    assert len(re.findall(r"^\d +\d+ +[\d.]+ % +[\d.]+ % +[\d.]+ %$", shown, flags=re.MULTILINE)) == 10
    wrong = re.findall(r"^  (\d) read as (\d): (\d+) times?$", shown, flags=re.MULTILINE)
    assert 1 <= len(wrong) <= 3


def test_json_agrees_with_scikit_learn(npz, model_file, digits, expected, capsys):
    assert main(["evaluate", str(npz), "--model", str(model_file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    y, (probabilities, predictions) = digits[1], expected
    assert told["accuracy"] == pytest.approx(accuracy_score(y, predictions))
    assert told["accuracy_interval_95"][0] < told["accuracy"] < told["accuracy_interval_95"][1]
    assert told["mean_log_loss"] == pytest.approx(log_loss(y, probabilities))
    assert told["confusion_matrix"] == confusion_matrix(y, predictions).tolist()
    precision, recall, f1, support = precision_recall_fscore_support(y, predictions)
    assert [each["label"] for each in told["classes"]] == list(range(10))
    np.testing.assert_allclose([each["precision"] for each in told["classes"]], precision)
    np.testing.assert_allclose([each["recall"] for each in told["classes"]], recall)
    np.testing.assert_allclose([each["f1"] for each in told["classes"]], f1)
    assert [each["n_samples"] for each in told["classes"]] == support.tolist()


@pytest.mark.usefixtures("folder")
def test_a_class_that_never_comes_has_no_rates(model_file, digits, capsys):
    X, y = digits
    np.savez("few.npz", X=X[y < 3], y=y[y < 3])
    assert main(["evaluate", "few.npz", "--model", str(model_file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"][9]["recall"] is None
    assert main(["evaluate", "few.npz", "--model", str(model_file)]) == 0
    assert re.search(r"^9 +0 +-", capsys.readouterr().out, flags=re.MULTILINE)


def test_the_confusion_matrix_is_drawn(npz, model_file, capsys):
    assert main(["evaluate", str(npz), "--model", str(model_file), "--picture", "matrix.png"]) == 0
    with Image.open("matrix.png") as picture:
        picture.verify()
        assert min(picture.size) >= 300
    capsys.readouterr()


@pytest.mark.usefixtures("folder")
def test_the_test_set_is_read_unless_the_other_is_asked_for(model_file, digits, capsys):
    X, y = digits
    np.savez("both.npz", x_train=X[:50], y_train=y[:50], x_test=X[50:80], y_test=y[50:80])
    for arguments, n in (([], 30), (["--split", "train"], 50)):
        assert main(["evaluate", "both.npz", "--model", str(model_file), "--json", *arguments]) == 0
        assert json.loads(capsys.readouterr().out)["n_samples"] == n


def test_pictures_of_any_size_are_brought_to_the_model(folder, model_file, save_picture, capsys):
    for index in range(20):
        label = int(save_picture(f"set/{index}.png", index, scale=5 + index))
        (folder / f"set/{index}.png").rename(folder / f"set/{label}_{index}.png")
    assert main(["evaluate", "set", "--model", str(model_file)]) == 0
    shown = capsys.readouterr().out
    assert "pictures brought to 8 x 8, ink light, 0 to 16" in shown
    # The model never saw pictures brought in, but rows as they are stored.
    assert re.search(r"accuracy +1\d/20", shown)


def test_without_a_model_the_packaged_one_is_asked(packaged, folder, save_page, capsys):
    for index in range(20):
        [[label]] = save_page(f"set/{index}.png", [index])
        (folder / f"set/{index}.png").rename(folder / f"set/{label}_{index}.png")
    assert main(["evaluate", "set"]) == 0
    shown = capsys.readouterr().out
    assert "model          small\n" in shown
    assert re.search(r"accuracy +(19|20)/20", shown)
    assert main(["evaluate", "set", "--json", "--model", "accurate"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["model"], len(told["classes"]), len(told["confusion_matrix"])) == ("accurate", 10, 10)
    assert packaged == ["small", "accurate"]


@pytest.mark.usefixtures("folder")
def test_dark_ink_in_an_array_is_turned_light_and_that_is_told(model_file, digits, expected, capsys):
    np.savez("dark.npz", X=16 - digits[0], y=digits[1])
    assert main(["evaluate", "dark.npz", "--model", str(model_file)]) == 0
    shown = capsys.readouterr().out
    assert "dark ink turned light" in shown
    assert f"accuracy       {int((expected[1] == digits[1]).sum())}/360" in shown


@pytest.mark.usefixtures("folder")
def test_another_range_is_told(model_file, digits, capsys):
    np.savez("unit.npz", X=digits[0] / 16, y=digits[1])
    assert main(["evaluate", "unit.npz", "--model", str(model_file)]) == 0
    note = capsys.readouterr().err
    assert note.startswith("jaxdigits: note: unit.npz lies in 0 to 1, but the model was fitted on pixels from 0 to 16")
    assert note.count("\n") == 1


def test_standard_input(npz, model_file, pipe, capsys):
    pipe(npz.read_bytes())
    assert main(["evaluate", "-", "--model", str(model_file)]) == 0
    assert capsys.readouterr().out.startswith("data           standard input, 360 samples")


def test_it_does_not_start_jax(npz, model_file):
    code = (
        "import sys; from jaxdigits.cli import main; status = main(sys.argv[1:]); "
        "heavy = {'jax', 'flax', 'optax', 'sklearn', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    arguments = ["evaluate", str(npz), "--model", str(model_file)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("folder")
def test_labels_that_the_model_does_not_know_are_named(model_file, digits, fails):
    np.savez("letters.npz", X=digits[0][:2], y=[3, 41])
    message = fails("evaluate", "letters.npz", "--model", model_file)
    assert "letters.npz" in message
    assert "got 41" in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digits.npz", "--model", "large"], "or small or accurate, got 'large'"),
        (["test.csv", "--model", "MODEL"], "test.csv (test set) has no labels to compare with"),
        (["digits.npz", "--model", "train.csv"], "cannot read model file 'train.csv'"),
        (["digits.npz", "--model", "MODEL", "--picture", "a.xyz"], "ends in .png or .svg or .pdf"),
        (["digits.npz", "--model", "MODEL", "--picture", "no/a.png"], "a folder that exists"),
        (["broken.csv", "--model", "MODEL"], "row 2, column 2"),
        (["digits", "--split", "test", "--model", "MODEL"], "digits has no test set"),
        (["set", "--model", "MODEL"], "no label in its name"),
    ],
)
@pytest.mark.usefixtures("npz")
def test_mistakes_are_one_line(tables, model_file, save_picture, fails, arguments, words):
    (tables / "broken.csv").write_text("label," + ",".join(f"p{i}" for i in range(64)) + "\n1,x" + ",0" * 63 + "\n")
    save_picture("set/7_1.png")
    save_picture("set/nameless.png")
    assert words in fails("evaluate", *(str(model_file) if each == "MODEL" else each for each in arguments))
