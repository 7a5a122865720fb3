"""A small model and small data sets for the commands."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from jaxdigits import recognize
from jaxdigits.bundle import Bundle, encode_labels
from jaxdigits.cli import compilation
from jaxdigits.data.images import canonical_digits
from jaxdigits.lite import LiteModel
from jaxdigits.persistence import read_bundle, write_bundle


@pytest.fixture(autouse=True)
def compiled_folder(tmp_path_factory, monkeypatch):
    """Keep compiled programs out of the user's cache, in a folder that all tests of a process share."""
    folder = tmp_path_factory.getbasetemp() / "compiled"
    monkeypatch.setattr(compilation, "cache_folder", lambda: folder)
    return folder


def fit_linear(X, y, *, image_shape=(8, 8), pixel_range=(0.0, 16.0), classes=range(10)):
    """Make the bundle of a linear classifier by least squares, which takes no training."""
    rows = np.c_[X.reshape(len(X), -1) / pixel_range[1], np.ones(len(X))]
    weights = np.linalg.lstsq(rows, 10.0 * np.eye(10)[y], rcond=None)[0].astype(np.float32)
    n_features = rows.shape[1] - 1
    return Bundle(
        {
            "input_shape": list(image_shape or (n_features,)),
            "n_classes": 10,
            "layers": [*([{"kind": "Flatten"}] if image_shape else []), {"kind": "Dense", "features": 10}],
        },
        {
            "input.offset": np.zeros(1, np.float32),
            "input.scale": np.full(1, 1 / pixel_range[1], np.float32),
            f"layers.{int(bool(image_shape))}.kernel": weights[:-1],
            f"layers.{int(bool(image_shape))}.bias": weights[-1],
        },
        {
            "classes": encode_labels(np.array(list(classes))),
            "n_features": n_features,
            "image_shape": image_shape and list(image_shape),
            "pixel_range": list(pixel_range) if image_shape else None,
            "n_epochs": 3,
            "best_epoch": 2,
            "device": "cpu",
            "history": [{"epoch": 1, "loss": 0.5, "accuracy": 0.9, "validation_loss": None}],
            "recipe": {"optimizer": "adamw"},
            "versions": {"jax": "0.0"},
        },
    )


def draw_digit(image, *, scale=10):
    """Draw an 8x8 digit smoothly enlarged, dark on white, with a margin: an array of (12 scale, 12 scale), uint8."""
    ink = Image.fromarray(np.pad(np.rint(image * (255 / 16)).astype(np.uint8), 2))
    return 255 - np.asarray(ink.resize((12 * scale, 12 * scale), Image.Resampling.BICUBIC))


def fit_packaged(X, y):
    """Make a bundle as the packaged models are: canonical images, the classes 0 to 9 and -1 for everything else."""
    images = canonical_digits([draw_digit(image) for image in X])[0].reshape(len(X), -1)
    others = np.random.default_rng(0).uniform(0, 1, (60, 784)).astype(np.float32)
    rows = np.c_[np.r_[images, others], np.ones(len(X) + 60)]
    targets = np.eye(11)[np.r_[y + 1, np.zeros(60, int)]]
    # Ridge: the digits are fewer than the pixels.
    weights = (rows.T @ np.linalg.solve(rows @ rows.T + 3.0 * np.eye(len(rows)), 12.0 * targets)).astype(np.float32)
    return Bundle(
        {"input_shape": [28, 28], "n_classes": 11, "layers": [{"kind": "Flatten"}, {"kind": "Dense", "features": 11}]},
        {
            "input.offset": np.zeros(1, np.float32),
            "input.scale": np.ones(1, np.float32),
            "layers.1.kernel": weights[:-1],
            "layers.1.bias": weights[-1],
        },
        {
            "classes": encode_labels(np.arange(-1, 10)),
            "n_features": 784,
            "image_shape": [28, 28],
            "pixel_range": [0.0, 1.0],
            "temperature": 1.0,
            "outlier_threshold": 0.95,
            "card": {"name": "tiny", "data": "scikit-learn's digits", "accuracies": {"mnist": 0.5}, "seeds": [0, 1]},
        },
    )


@pytest.fixture(scope="session")
def packaged_file(tmp_path_factory, digits):
    """Path of a small model of the packaged kind, which knows the first 200 digits."""
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    write_bundle(fit_packaged(digits[0][:200], digits[1][:200]), path)
    return path


@pytest.fixture
def packaged(monkeypatch, packaged_file):
    """Put that model in the place of the packaged ones; the list tells which names were asked for."""
    asked = []

    def load_pretrained(name="small"):
        asked.append(name)
        return recognize.Recognizer(LiteModel(read_bundle(packaged_file)))

    monkeypatch.setattr(recognize, "load_pretrained", load_pretrained)
    monkeypatch.setattr(recognize, "PRETRAINED", dict.fromkeys(recognize.PRETRAINED, str(packaged_file)))
    return asked


@pytest.fixture
def save_page(digits):
    """Save digits as a photo would show them, dark on white: one argument a line, each a list of their positions."""

    def save(path, *lines, inverted=False):
        rows = [np.hstack([draw_digit(digits[0][index]) for index in line]) for line in lines]
        page = np.pad(np.vstack(rows), 30, constant_values=255)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - page if inverted else page).save(path)
        return [[int(digits[1][index]) for index in line] for line in lines]

    return save


@pytest.fixture(scope="session")
def digits():
    """Return 360 digits of 8x8 pixels, uint8 in 0 to 16, and their labels."""
    X, y = load_digits(return_X_y=True)
    return X[:360].astype(np.uint8).reshape(-1, 8, 8), y[:360]


@pytest.fixture(scope="session")
def model_file(tmp_path_factory, digits):
    """Path of a model that reads 8x8 digits well."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    write_bundle(fit_linear(*digits), path)
    return path


@pytest.fixture(scope="session")
def row_model_file(tmp_path_factory, digits):
    """Path of a model that reads rows of 64 numbers which are no pixels."""
    path = tmp_path_factory.mktemp("model") / "rows.safetensors"
    write_bundle(fit_linear(*digits, image_shape=None), path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty folder that the commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tables(folder, digits):
    """Write train.csv (160 rows) and test.csv (20 rows, no labels) as Kaggle has them, into the current folder."""
    X, y = digits
    names = ",".join(f"pixel{i}" for i in range(64))
    rows = np.c_[y, X.reshape(len(X), -1)]
    np.savetxt("train.csv", rows[:160], fmt="%d", delimiter=",", header=f"label,{names}", comments="")
    np.savetxt("test.csv", rows[160:180, 1:], fmt="%d", delimiter=",", header=names, comments="")
    return folder


@pytest.fixture
def npz(folder, digits):
    """Write all digits into digits.npz in the current folder."""
    np.savez(folder / "digits.npz", X=digits[0], y=digits[1])
    return Path("digits.npz")


@pytest.fixture
def save_picture(digits):
    """Save one of the digits as a picture: dark ink on white, enlarged."""

    def save(path, index=0, *, scale=10):
        ink = np.rint(digits[0][index] * (255 / 16)).astype(np.uint8)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - ink.repeat(scale, axis=0).repeat(scale, axis=1)).save(path)
        return int(digits[1][index])

    return save


@pytest.fixture
def pipe(monkeypatch):
    """Put bytes on standard input."""
    import io
    import sys

    def put(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


@pytest.fixture
def fails(capsys):
    """Run a command that must fail with status 2 and one line, and return the line."""
    from jaxdigits.cli import main

    def run(*arguments):
        assert main(list(map(str, arguments))) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("jaxdigits: ")
        assert captured.err.count("\n") == 1
        return captured.err

    return run
