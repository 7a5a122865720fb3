"""Tests of jaxdigits.cli.predict."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxdigits import lite
from jaxdigits.cli import main


@pytest.mark.usefixtures("folder")
def test_a_picture_gets_a_line_with_its_digit_and_how_sure_that_is(model_file, save_picture, capsys):
    label = save_picture("a.png")
    assert main(["predict", "a.png", "--model", str(model_file)]) == 0
    name, digit, confidence, percent = capsys.readouterr().out.split()
    assert (name, int(digit), percent) == ("a.png", label, "%")
    assert 10 < float(confidence.lstrip(">")) <= 100


@pytest.mark.usefixtures("folder")
def test_a_picture_reads_as_the_samples_it_was_made_from(model_file, save_picture, digits, capsys):
    for index in range(20):
        save_picture(f"{index:02}.png", index)
    assert main(["predict", *(f"{index:02}.png" for index in range(20)), "--model", str(model_file), "--json"]) == 0
    read = [json.loads(line)["confidence"] for line in capsys.readouterr().out.splitlines()]
    expected = lite.load_model(model_file).predict_proba(digits[0][:20]).max(axis=1)
    # Not exactly: ink is stretched to the strongest level, which not every sample has.
    np.testing.assert_allclose(read, expected, atol=0.1)


@pytest.mark.usefixtures("folder")
def test_json_is_one_object_a_line_with_every_probability(model_file, save_picture, capsys):
    labels = [save_picture("a.png", 0), save_picture("b.png", 1)]
    assert main(["predict", "a.png", "b.png", "--model", str(model_file), "--json"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["file"] for each in objects] == ["a.png", "b.png"]
    assert [each["digit"] for each in objects] == labels
    for each in objects:
        assert each["confidence"] == max(each["probabilities"].values())
        assert sum(each["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_a_folder_is_read_whole_into_a_csv_and_nothing_is_shown(folder, model_file, save_picture, capsys):
    labels = {f"pictures/{index}.png": save_picture(f"pictures/{index}.png", index) for index in range(3)}
    assert main(["predict", "pictures", "--model", str(model_file), "-o", "out.csv"]) == 0
    assert capsys.readouterr() == ("", "")
    with open("out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"].replace("\\", "/"): int(row["digit"]) for row in rows} == labels
    assert all(0 < float(row["confidence"]) <= 1 for row in rows)
    assert sorted(path.name for path in folder.iterdir()) == ["out.csv", "pictures"]


@pytest.mark.usefixtures("tables")
def test_every_row_of_a_table_is_read(model_file, digits, capsys):
    assert main(["predict", "test.csv", "--model", str(model_file)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == [f"test.csv:{row}" for row in range(1, 21)]
    assert np.mean([int(line[1]) for line in lines] == digits[1][160:180]) > 0.9


@pytest.mark.parametrize("kind", ["png", "csv", "npz"])
def test_standard_input_may_hold_a_picture_a_table_or_an_archive(
    folder, model_file, save_picture, digits, pipe, capsys, kind
):
    label = save_picture("a.png", 4)
    if kind == "csv":
        np.savetxt("a.csv", digits[0][4:5].reshape(1, -1), fmt="%d", delimiter=",")
    if kind == "npz":
        np.savez("a.npz", X=digits[0][4:5])
    pipe((folder / f"a.{kind}").read_bytes())
    assert main(["predict", "-", "--model", str(model_file), "--json"]) == 0
    read = json.loads(capsys.readouterr().out)
    assert (read["file"], read["digit"]) == ("-" if kind == "png" else "-:1", label)


@pytest.mark.usefixtures("folder")
def test_it_starts_neither_jax_nor_scikit_learn(model_file, save_picture):
    save_picture("a.png")
    code = (
        "import sys; from jaxdigits.cli import main; status = main(sys.argv[1:]); "
        "heavy = {'jax', 'flax', 'optax', 'sklearn', 'matplotlib', 'scipy'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    arguments = ["predict", "a.png", "--model", str(model_file)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a.png  ")


def test_one_picture_that_cannot_be_read_leaves_no_output_at_all(folder, model_file, save_picture, fails):
    save_picture("good.png")
    (folder / "bad.png").write_bytes(b"no picture")
    message = fails("predict", "good.png", "bad.png", "--model", model_file, "-o", "out.csv")
    assert "bad.png: not an image" in message
    assert not (folder / "out.csv").exists()
    assert "bad.png: not an image" in fails("predict", "good.png", "bad.png", "--model", model_file)


@pytest.mark.usefixtures("folder")
def test_a_model_is_needed(save_picture, fails):
    save_picture("a.png")
    assert "--model is missing" in fails("predict", "a.png")
    assert "cannot read model file 'a.png'" in fails("predict", "a.png", "--model", "a.png")


def test_what_is_read_is_never_overwritten(folder, model_file, save_picture, fails):
    save_picture("a.png")
    before = (folder / "a.png").read_bytes()
    assert "must not overwrite" in fails("predict", "a.png", "--model", model_file, "-o", "a.png")
    (folder / "link.csv").symlink_to("a.png")
    assert "must not overwrite" in fails("predict", "a.png", "--model", model_file, "-o", "link.csv")
    assert "must not overwrite" in fails("predict", "a.png", "--model", model_file, "-o", model_file)
    assert (folder / "a.png").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.png"], "missing.png: no such file or folder"),
        (["-"], "standard input is empty"),
        (["-", "-"], "must be given once"),
        (["a.png", "--json", "-o", "out.csv"], "got both"),
        (["empty"], "empty: folder without a data set"),
        (["rows.npz"], "rows.npz holds rows of 5 numbers, but the model reads rows of 64 numbers"),
        (["large.npz"], "large.npz holds images of 9 x 9, but the model reads images of 8 x 8"),
    ],
)
def test_mistakes_are_one_line(folder, model_file, save_picture, pipe, fails, arguments, words):
    save_picture("a.png")
    (folder / "empty").mkdir()
    np.savez("rows.npz", X=np.zeros((2, 5)))
    np.savez("large.npz", X=np.zeros((2, 9, 9)))
    pipe(b"")
    assert words in fails("predict", *arguments, "--model", model_file)


@pytest.mark.usefixtures("folder")
def test_a_model_of_plain_rows_reads_no_pictures(row_model_file, save_picture, fails):
    save_picture("a.png")
    assert "numbers that are no pixels" in fails("predict", "a.png", "--model", row_model_file)


@pytest.mark.usefixtures("folder")
def test_text_on_standard_input_that_is_no_table_is_told_as_such(model_file, pipe, fails):
    pipe(b"hello\nworld\n")
    message = fails("predict", "-", "--model", model_file)
    assert message.startswith("jaxdigits: standard input: ")
    assert "tmp" not in message


@pytest.mark.usefixtures("folder")
def test_a_picture_of_one_level_gets_an_answer_that_is_not_sure(model_file, capsys):
    Image.new("L", (30, 40), 200).save("blank.png")
    assert main(["predict", "blank.png", "--model", str(model_file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["confidence"] < 0.9
