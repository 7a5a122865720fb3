"""The handwriting benchmark, from the command line, at a small size."""

import io
import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

from benchmarks import bench_handwriting
from benchmarks.bench_handwriting import Readers, main, make_photo
from benchmarks.damage import DAMAGES
from benchmarks.handwriting import Prepared
from benchmarks.shapes import TEST_OUTLIERS
from benchmarks.train_pretrained import NOT_A_DIGIT, Digits, finish_model
from jaxdigits import DigitClassifier
from jaxdigits.persistence import write_bundle

Linear = partial(DigitClassifier, "linear", max_epochs=4, augment=None)


@pytest.fixture
def model_folder(small_mnist, tmp_path, monkeypatch):
    """Return a folder with a small pretrained model, and put MNIST's stand-in in MNIST's place."""
    images, labels = small_mnist[0], small_mnist[2]
    noise = np.random.default_rng(0).integers(0, 256, (200, 28, 28), dtype=np.uint8)
    X, y = np.concatenate([images, noise]), np.concatenate([labels, np.full(200, NOT_A_DIGIT)])
    bundle = finish_model(Linear(random_state=0).fit(X, y), *[Digits(images[:300], labels[:300])] * 2)
    write_bundle(bundle, tmp_path / "small.safetensors")
    monkeypatch.setattr(bench_handwriting, "load_mnist", lambda: small_mnist)
    monkeypatch.setattr(bench_handwriting, "DigitClassifier", Linear)
    monkeypatch.setattr(bench_handwriting, "find_real_set", lambda _: None)
    small = {"images": 2, "outliers": 2, "training": 600, "timings": 1, "photo": (200, 150)}
    monkeypatch.setattr(bench_handwriting, "QUICK", small)
    return tmp_path


def test_a_quick_run_writes_figures_page_and_picture(model_folder, capsys, monkeypatch):
    monkeypatch.setattr(bench_handwriting, "_run", lambda *_: None)
    words = ["--quick", "--name", "small", "--models", str(model_folder), "--output", str(model_folder)]
    assert main([*words, "--processes", "1"]) == 0
    results = json.loads((model_folder / "handwriting.json").read_text(encoding="utf-8"))
    assert list(results["damaged"]) == list(DAMAGES)
    assert all(len(cells) == 3 and {cell["n"] for cell in cells} == {2} for cells in results["damaged"].values())
    assert list(results["outliers"]["kinds"]) == list(TEST_OUTLIERS)
    assert results["quick"]
    assert results["real"] == {}
    page = (model_folder / "handwriting.md").read_text(encoding="utf-8")
    assert page in capsys.readouterr().out
    with Image.open(model_folder / "handwriting.png") as picture:
        assert picture.width > 500
    (model_folder / "handwriting.md").unlink()
    assert main([*words, "--draw"]) == 0
    assert (model_folder / "handwriting.md").read_text(encoding="utf-8") == page


def test_what_cannot_be_read_counts_as_wrong_and_refused(model_folder, small_mnist):
    readers = Readers(model_folder / "small.safetensors", Linear(random_state=0).fit(small_mnist[0], small_mnist[2]))
    images, labels = small_mnist[1][:20], small_mnist[3][:20]
    seen = readers.judge(Prepared(images, images, np.ones(20, bool)), labels)
    half = readers.judge(Prepared(images, images, np.arange(20) < 10), labels)
    assert seen["pretrained"] > 15
    assert seen["unreadable"] == 0
    assert half["pretrained"] <= 10
    assert half["unreadable"] == 10
    assert half["refused"] >= 10
    assert half["tutorial"] == seen["tutorial"]
    assert readers.score(Prepared(images, images, np.zeros(20, bool))).tolist() == [1.0] * 20


def test_a_photo_is_a_color_jpeg_of_its_size(small_mnist):
    photo = Image.open(io.BytesIO(make_photo(small_mnist[1][0], (400, 300), np.random.default_rng(0))))
    assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", (400, 300))
    assert np.ptp(np.asarray(photo.convert("L"))) > 80


def test_nothing_to_draw_is_said_in_one_line(tmp_path, capsys):
    assert main(["--draw", "--output", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("words", [["--quick"], ["--name", "huge"]])
def test_wrong_options_are_refused(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "error" in capsys.readouterr().err
