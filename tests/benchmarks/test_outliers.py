"""What is no digit, made out of digits."""

import numpy as np
import pytest
from PIL import Image

from benchmarks import outliers
from benchmarks.outliers import TRAINING_OUTLIERS, Digits, main, make_training_outliers
from benchmarks.shapes import TEST_OUTLIERS


@pytest.fixture
def training(small_mnist):
    return small_mnist[0], small_mnist[2]


@pytest.mark.parametrize("kind", TRAINING_OUTLIERS)
def test_every_kind_makes_something_and_leaves_the_digits_alone(kind, training):
    images, labels = training
    before = images.copy()
    digits = Digits(images, labels, np.random.default_rng(0))
    for _ in range(10):
        made = TRAINING_OUTLIERS[kind](digits)
        assert made.dtype == np.uint8
        assert made.ndim == 2
        assert made.max() > 60
    assert np.array_equal(images, before)


def test_a_pick_has_one_of_the_labels(training):
    images, labels = training
    digits = Digits(images, labels, np.random.default_rng(0))
    of_label = {image.tobytes() for image in images[np.isin(labels, (3, 4))]}
    assert all(digits.pick(3, 4).tobytes() in of_label for _ in range(20))


def test_labels_that_are_missing_are_made_up_for(training):
    images, labels = training
    digits = Digits(images[labels == 8], labels[labels == 8], np.random.default_rng(0))
    assert digits.pick(3).shape == (28, 28)


def test_outliers_are_canonical_images_that_the_seed_decides(training):
    first, again, other = (make_training_outliers(*training, 8, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first.shape == (8, 28, 28)
    assert first.dtype == np.float32
    assert first.min() >= 0
    assert first.max() <= 1
    assert first.max(axis=(1, 2)).min() > 0.3
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_command_writes_a_sheet(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(outliers, "load_mnist", lambda: small_mnist)
    assert main([str(tmp_path / "sheet.png")]) == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height == 76 * (len(TRAINING_OUTLIERS) + len(TEST_OUTLIERS))
