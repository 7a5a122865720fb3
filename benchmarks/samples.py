"""The images that the benchmarks train on: MNIST, the same through a CSV of Kaggle's kind, and distorted copies."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.model_selection import train_test_split

from benchmarks.systems import Row
from jaxdigits import load_mnist, read_dataset

__all__ = ["Parts", "distort", "draw_parts", "load_test_images", "load_training_images", "write_table"]

KAGGLE_ROWS = 42_000
MAX_DEGREES = 10.0
MAX_SCALING = 0.1
MAX_SHIFT = 2.0  # pixels

Images = NDArray[np.uint8]
Labels = NDArray[Any]


class Parts(NamedTuple):
    """What is learned and what is only watched; images as `DigitClassifier` takes them."""

    images: Images
    labels: Labels
    validation_images: Images
    validation_labels: Labels


def load_test_images() -> tuple[Images, Labels]:
    """Load the 10,000 test images, which no run sees before it is over.

    Returns
    -------
    images : ndarray of shape (10000, 28, 28), uint8
    labels : ndarray of shape (10000,)
    """
    _, images, _, labels = load_mnist()
    return images, labels


def load_training_images() -> tuple[Images, Labels]:
    """Load the 60,000 training images.

    Returns
    -------
    images : ndarray of shape (60000, 28, 28), uint8
    labels : ndarray of shape (60000,)
    """
    images, _, labels, _ = load_mnist()
    return images, labels


def draw_parts(row: Row, seed: int) -> Parts:
    """Split MNIST's training images for one run.

    Parameters
    ----------
    row : Row
        Says where the images come from and how many are held out.
    seed : int
        Decides the split.

    Returns
    -------
    Parts
    """
    if row.source == "csv":
        parts = _split_table(row, seed)
    else:
        images, labels = load_training_images()
        images, validation_images, labels, validation_labels = train_test_split(
            images[: row.n_images],
            labels[: row.n_images],
            test_size=row.held_out,
            stratify=labels[: row.n_images],
            random_state=seed,
        )
        parts = Parts(images, labels, validation_images, validation_labels)
    if not row.augmented_copies:
        return parts
    generator = np.random.default_rng(seed)
    copies = [distort(parts.images, generator) for _ in range(row.augmented_copies)]
    labels = np.tile(parts.labels, 1 + row.augmented_copies)
    return parts._replace(images=np.concatenate([parts.images, *copies]), labels=labels)


def distort(images: Images, generator: np.random.Generator) -> Images:
    """Rotate, scale and shift each image a little, at random.

    Parameters
    ----------
    images : ndarray of shape (n, height, width), uint8
        Light ink on a dark ground.
    generator : numpy.random.Generator
        Draws angles within 10 degrees, scales within 10 % and shifts within 2 pixels, all uniformly.

    Returns
    -------
    ndarray of shape (n, height, width), uint8
    """
    distorted = np.empty_like(images)
    center = (np.array(images.shape[1:]) - 1) / 2
    angles = np.deg2rad(generator.uniform(-MAX_DEGREES, MAX_DEGREES, len(images)))
    scales = generator.uniform(1 - MAX_SCALING, 1 + MAX_SCALING, len(images))
    shifts = generator.uniform(-MAX_SHIFT, MAX_SHIFT, (len(images), 2))
    for index, (angle, scale, shift) in enumerate(zip(angles, scales, shifts, strict=True)):
        cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
        matrix = np.array([[cosine, -sine], [sine, cosine]])
        offset = center - matrix @ (center + shift)
        ndimage.affine_transform(images[index], matrix, offset, output=distorted[index], order=1)
    return distorted


def write_table(path: Path, images: Images, labels: Labels) -> None:
    """Write a CSV as Kaggle's train.csv: a header, then the label and the pixels of one image a row.

    Parameters
    ----------
    path : Path
        Where to.
    images : ndarray of shape (n, height, width), uint8
        The images.
    labels : ndarray of shape (n,)
        Their labels.
    """
    pixels = images.reshape(len(images), -1)
    with path.open("w", encoding="ascii") as file:
        file.write(",".join(["label", *(f"pixel{index}" for index in range(pixels.shape[1]))]) + "\n")
        for label, row in zip(labels.tolist(), pixels, strict=True):
            file.write(f"{label},{','.join(map(str, row.tolist()))}\n")


@cache
def _read_table(n_rows: int) -> Any:
    """Write some of MNIST's training images as a table, and read it as a user would."""
    images, labels = load_training_images()
    chosen = np.random.default_rng(0).permutation(len(images))[:n_rows]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.csv"
        write_table(path, images[chosen], labels[chosen])
        return read_dataset(path)


def _split_table(row: Row, seed: int) -> Parts:
    table = _read_table(row.n_images or KAGGLE_ROWS)
    order = np.random.default_rng(seed).permutation(len(table.y))
    held_out, rest = order[: int(row.held_out)], order[int(row.held_out) :]
    return Parts(table.X[rest], table.y[rest], table.X[held_out], table.y[held_out])
