"""Samples held in memory."""

from pathlib import Path

import numpy as np
import pytest

from jaxdigits.data.samples import Dataset
from jaxdigits.errors import DatasetError, InputError


def make_dataset(counts: tuple[int, ...]) -> Dataset:
    """Make rows that hold their own position, counts[k] of them with label k."""
    labels = np.repeat(np.arange(len(counts)), counts)
    return Dataset(np.arange(labels.size, dtype=np.uint16)[:, None], labels, Path("made"))


def test_split_keeps_every_sample_once_with_its_label() -> None:
    dataset = make_dataset((30, 20, 50))
    train, test = dataset.split(0.3, random_state=0)
    positions = np.concatenate([train.X[:, 0], test.X[:, 0]])
    assert sorted(positions) == list(range(100))
    for part in (train, test):
        np.testing.assert_array_equal(part.y, dataset.y[part.X[:, 0]])


def test_split_is_stratified() -> None:
    train, test = make_dataset((30, 20, 50)).split(0.3, random_state=0)
    np.testing.assert_array_equal(np.bincount(test.y), [9, 6, 15])
    np.testing.assert_array_equal(np.bincount(train.y), [21, 14, 35])


def test_split_shuffles_samples_sorted_by_label() -> None:
    for part in make_dataset((50, 50)).split(0.5, random_state=0):
        assert np.any(np.diff(part.y) < 0)


def test_split_is_repeated_by_its_seed_and_changed_by_another() -> None:
    dataset = make_dataset((50, 50))
    first, again, other = (dataset.split(0.2, random_state=seed)[1].X for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_split_takes_a_number_of_samples() -> None:
    train, test = make_dataset((50, 50)).split(30, random_state=0)
    assert (len(train), len(test)) == (70, 30)


def test_split_moves_files_with_their_samples() -> None:
    files = tuple(Path(f"{i}.png") for i in range(10))
    dataset = Dataset(np.arange(10)[:, None], np.repeat([0, 1], 5), Path("folder"), files)
    for part in dataset.split(0.4, random_state=0):
        assert part.files == tuple(files[i] for i in part.X[:, 0])


def test_split_of_unlabeled_samples_needs_no_stratification() -> None:
    dataset = Dataset(np.zeros((10, 4)))
    assert [len(part) for part in dataset.split(0.2, stratify=False)] == [8, 2]
    with pytest.raises(InputError, match=r"has no labels\. Pass stratify=False"):
        dataset.split(0.2)


def test_split_names_the_class_that_is_too_small() -> None:
    with pytest.raises(InputError, match="label 1 has 1 sample"):
        make_dataset((5, 1, 5)).split(0.4)


@pytest.mark.parametrize("test_size", [1.5, -1, 1])
def test_split_refuses_sizes_that_leave_nothing_in_one_line(test_size: float) -> None:
    with pytest.raises(InputError) as caught:
        make_dataset((5, 5)).split(test_size)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((0, 4)), None, r"shape \(0, 4\)"),
        (np.zeros(4), None, r"shape \(4,\)"),
        (np.zeros((2, 3, 3, 3)), None, r"shape \(2, 3, 3, 3\)"),
        (np.array([["a"]]), None, "dtype <U1"),
        (np.zeros((3, 4)), np.zeros(2), r"labels have shape \(2,\), expected \(3,\)"),
        (np.zeros((3, 4)), np.zeros((3, 10)), "argmax"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(X: np.ndarray, y: np.ndarray | None, message: str) -> None:
    with pytest.raises(DatasetError, match=f"^made: .*{message}"):
        Dataset(X, y, Path("made"))


def test_repr_tells_what_is_held_in_one_line() -> None:
    labeled = Dataset(np.zeros((3, 28, 28), np.uint8), np.array([1, 2, 2]), Path("made"))
    assert repr(labeled) == "Dataset(3 images of 28 x 28, uint8, 2 classes, path='made')"
    assert "3 rows of 9, float64, no labels" in repr(Dataset(np.zeros((3, 9))))
