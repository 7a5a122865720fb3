"""Tests of jaxdigits.cli.info."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxdigits import __version__
from jaxdigits.cli import main


def told(capsys, *arguments):
    assert main(["info", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_data_set_is_told_by_counts_shape_type_range_and_classes(npz, digits, capsys):
    assert main(["info", str(npz)]) == 0
    shown = capsys.readouterr().out
    for words in ("360 images of 8 x 8", "uint8", "0 to 16", "light on a dark ground", "10 classes"):
        assert words in shown
    part = told(capsys, npz)["parts"][0]
    assert (part["n_samples"], part["sample_shape"], part["dtype"]) == (360, [8, 8], "uint8")
    assert part["classes"] == {str(label): count for label, count in enumerate(np.bincount(digits[1]).tolist())}


@pytest.mark.usefixtures("folder")
def test_every_split_is_told(digits, capsys):
    X, y = digits
    np.savez("both.npz", x_train=X[:50], y_train=y[:50], x_test=X[50:80], y_test=y[50:80])
    assert [(part["split"], part["n_samples"]) for part in told(capsys, "both.npz")["parts"]] == [
        ("train", 50),
        ("test", 30),
    ]
    assert main(["info", "both.npz"]) == 0
    assert "class  train  test\n" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_dark_ink_and_missing_labels_are_told(digits, capsys):
    np.savez("dark.npz", X=16 - digits[0])
    part = told(capsys, "dark.npz")["parts"][0]
    assert (part["ink"], part["classes"]) == ("dark", None)


@pytest.mark.usefixtures("folder")
def test_rows_that_are_no_pictures_have_no_ink_and_no_sheet(capsys):
    np.savez("rows.npz", X=np.array([[-1.5, 2.5]]), y=["a"])
    assert main(["info", "rows.npz"]) == 0
    shown = capsys.readouterr().out
    assert "ink" not in shown
    assert "1 class\n" in shown
    assert main(["info", "rows.npz", "--picture", "sheet.png"]) == 2
    assert "--picture has nothing to draw" in capsys.readouterr().err


def test_known_data_sets_are_told_by_name_unless_a_file_has_it(folder, digits, capsys):
    assert told(capsys, "digits")["parts"][0]["n_samples"] == 1797
    (folder / "digits").mkdir()
    np.savez("digits/some.npz", X=digits[0][:3])
    assert main(["info", "digits"]) == 2
    assert "digits" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_sheet_of_samples_is_drawn(npz, capsys, ending):
    assert main(["info", str(npz), "--picture", f"sheet.{ending}"]) == 0
    capsys.readouterr()
    if ending == "png":
        with Image.open("sheet.png") as picture:
            picture.verify()
            assert min(picture.size) >= 300
    else:
        with open(f"sheet.{ending}", "rb") as file:
            assert file.read(5) == {"svg": b"<?xml", "pdf": b"%PDF-"}[ending]


def test_a_model_is_told_by_layers_shapes_parameters_and_record(model_file, capsys):
    assert main(["info", str(model_file)]) == 0
    shown = capsys.readouterr().out
    for words in ("images of 8 x 8, 0 to 16", "parameters  650", "Dense 10", "3 epochs on cpu, kept epoch 2"):
        assert words in shown
    assert "loss 0.5000, accuracy 0.9000\n" in shown
    facts = told(capsys, model_file)
    assert facts["n_parameters"] == 650
    assert [layer["name"] for layer in facts["layers"]] == ["Flatten", "Dense 10"]
    assert facts["training"]["versions"] == {"jax": "0.0"}


@pytest.mark.usefixtures("packaged")
@pytest.mark.parametrize("name", ["small", "accurate"])
def test_a_packaged_model_is_told_with_its_card(folder, capsys, name):
    assert main(["info", name]) == 0
    shown = capsys.readouterr().out
    assert f"model       {name} (" in shown
    assert "name        tiny\ndata        scikit-learn's digits\nseeds       0, 1\naccuracies  mnist 0.5\n" in shown
    facts = told(capsys, name)
    assert facts["card"]["accuracies"] == {"mnist": 0.5}
    assert facts["classes"] == list(range(-1, 10))
    (folder / name).touch()
    assert main(["info", name]) == 2
    assert capsys.readouterr().err.startswith("jaxdigits: cannot read model file")


def test_a_model_of_plain_rows(row_model_file, capsys):
    assert main(["info", str(row_model_file)]) == 0
    assert "rows of 64 numbers\n" in capsys.readouterr().out


def test_a_model_needs_no_ending(folder, model_file, capsys):
    (folder / "mine").write_bytes(model_file.read_bytes())
    assert told(capsys, "mine")["n_features"] == 64


def test_neither_a_model_nor_a_data_set_starts_jax(npz, model_file):
    code = (
        "import sys; from jaxdigits.cli import main; "
        "status = main(['info', sys.argv[1]]) + main(['info', sys.argv[2]]); "
        "heavy = {'jax', 'flax', 'optax', 'sklearn', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(npz), str(model_file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_system_is_told_by_versions_and_devices(capsys):
    facts = told(capsys, "--system")
    assert facts["jaxdigits"] == __version__
    assert facts["versions"]["jax"]
    assert facts["devices"][0]["platform"]
    assert facts["compiled_programs"]["is_hit"]
    assert main(["info", "--system"]) == 0
    shown = capsys.readouterr().out
    assert f"jaxdigits  {__version__}\n" in shown
    assert "a program came back; " in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "a data set, a model file, or --system"),
        (["digits", "--system"], "one of them"),
        (["--system", "--picture", "a.png"], "--picture draws the samples of a data set"),
        (["missing.csv"], "missing.csv: no such file or folder"),
        (["missing.safetensors"], "cannot read model file 'missing.safetensors'"),
        (["model.pkl"], "a pickle or joblib file"),
        (["picture.png"], "picture.png: file of no known format"),
        (["empty.csv"], "empty.csv: the file is empty"),
        (["digits", "--picture", "no/a.png"], "a folder that exists"),
    ],
)
def test_mistakes_are_one_line(folder, fails, arguments, words):
    (folder / "model.pkl").write_bytes(pickle.dumps({}))
    (folder / "empty.csv").touch()
    Image.new("L", (8, 8)).save("picture.png")
    assert words in fails("info", *arguments)
