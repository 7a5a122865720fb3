"""The images that the benchmarks train on."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.samples import distort, draw_parts, load_test_images, write_table
from benchmarks.systems import ROWS
from jaxdigits import read_dataset

BY_NAME = {row.name: row for row in ROWS}
PLAIN = BY_NAME["hidden-128-32"]
TABLE = replace(BY_NAME["from-scratch"], held_out=200, n_images=900)
pytestmark = pytest.mark.usefixtures("small_mnist")


def pictures(images):
    """Images as a set that can be compared."""
    return {image.tobytes() for image in images}


def test_a_fifth_is_held_out_and_nothing_is_lost(small_mnist):
    parts = draw_parts(PLAIN, 0)
    assert (len(parts.images), len(parts.validation_images)) == (1_200, 300)
    assert pictures(parts.images) | pictures(parts.validation_images) == pictures(small_mnist[0])


@pytest.mark.parametrize("row", [PLAIN, TABLE], ids=["idx", "csv"])
def test_no_test_image_is_trained_on(small_mnist, row):
    parts = draw_parts(row, 0)
    seen = pictures(parts.images) | pictures(parts.validation_images)
    assert not seen & (pictures(load_test_images()[0]) - pictures(small_mnist[0]))


@pytest.mark.parametrize("row", [PLAIN, TABLE], ids=["idx", "csv"])
def test_the_seed_decides_the_split(row):
    first, again, other = (draw_parts(row, seed) for seed in (0, 0, 1))
    assert np.array_equal(first.validation_images, again.validation_images)
    assert not np.array_equal(first.validation_images, other.validation_images)


def test_a_table_keeps_images_and_labels_together(small_mnist):
    parts = draw_parts(TABLE, 3)
    assert (len(parts.images), len(parts.validation_images)) == (700, 200)
    labels = {image.tobytes(): label for image, label in zip(small_mnist[0], small_mnist[2], strict=True)}
    assert all(labels[image.tobytes()] == label for image, label in zip(parts.images, parts.labels, strict=True))


def test_a_written_table_reads_back(tmp_path):
    images = np.arange(2 * 16, dtype=np.uint8).reshape(2, 4, 4)
    write_table(tmp_path / "train.csv", images, np.array([7, 2]))
    table = read_dataset(tmp_path / "train.csv")
    assert np.array_equal(table.X.reshape(2, 4, 4), images)
    assert table.y.tolist() == [7, 2]


def test_copies_are_added_to_what_is_trained_on_alone():
    plain, doubled = (draw_parts(replace(PLAIN, augmented_copies=n), 0) for n in (0, 1))
    n = len(plain.images)
    assert np.array_equal(doubled.images[:n], plain.images)
    assert np.array_equal(doubled.labels[n:], plain.labels)
    assert not np.array_equal(doubled.images[n:], plain.images)
    assert np.array_equal(doubled.validation_images, plain.validation_images)


def test_distorted_images_move_a_little_and_keep_their_ink():
    images = np.zeros((50, 28, 28), np.uint8)
    images[:, 8:20, 8:20] = 255
    distorted = distort(images, np.random.default_rng(0))
    assert distorted.dtype == np.uint8
    ink = distorted.sum(axis=(1, 2), dtype=float) / images[0].sum()
    assert 0.75 < ink.min() < 1 < ink.max() < 1.25  # scales within 10 %
    rows = (distorted.sum(axis=2) * np.arange(28)).sum(axis=1) / distorted.sum(axis=(1, 2))
    assert 1.0 < np.abs(rows - 13.5).max() < 2.3  # shifts within 2 pixels
