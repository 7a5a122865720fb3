"""Pictures of digits in bulk: real sets, damaged copies and training copies, made ready by several processes.

Every picture has a source of randomness of its own, so neither the number of processes nor the order of the work
changes it, and any single one can be made again.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.compositions import compose_damage
from benchmarks.damage import DAMAGES
from benchmarks.outliers import make_training_outliers
from benchmarks.shapes import TEST_OUTLIERS
from jaxdigits.data.images import canonical_digits

__all__ = [
    "REAL_SETS",
    "Prepared",
    "compose_copies",
    "damage_copies",
    "damage_image",
    "draw_outliers",
    "find_real_set",
    "join",
    "make_outliers",
    "prepare",
    "read_by_tutorial",
    "run_tasks",
    "split_tasks",
]

REAL_SETS = ("hwd1000", "pen_crops")
"""Folders of real digits beside MNIST in JAXDIGITS_DATA; their files' names begin with the label."""

CHUNK = 250
BRIGHT = 127

Bytes = NDArray[np.uint8]
Picture = Any


class Prepared(NamedTuple):
    """Pictures brought to 28x28 pixels with ink 255 in two ways."""

    tutorial: Bytes
    canonical: Bytes
    readable: NDArray[np.bool_]


def find_real_set(name: str) -> tuple[list[Path], NDArray[np.int64]] | None:
    """List the pictures of a real set.

    Parameters
    ----------
    name : str
        One of `REAL_SETS`.

    Returns
    -------
    paths : list of Path
    labels : ndarray of shape (n,)
        Or None, if JAXDIGITS_DATA has no such folder.
    """
    folder = Path(os.environ.get("JAXDIGITS_DATA", "")) / name
    paths = sorted(path for path in folder.glob("[0-9]_*") if path.is_file())
    return (paths, np.array([int(path.name[0]) for path in paths])) if paths else None


def read_by_tutorial(picture: Picture) -> Bytes:
    """Read a picture as tutorials do: to gray, to 28x28, turned over when its mean is bright.

    Parameters
    ----------
    picture : path, bytes, or ndarray of uint8

    Returns
    -------
    ndarray of shape (28, 28), uint8
        Ink is 255, or so it is hoped.
    """
    source = Image.fromarray(picture) if isinstance(picture, np.ndarray) else _open(picture)
    with source as opened:
        small = np.asarray(opened.convert("L").resize((28, 28)))
    return 255 - small if small.mean() > BRIGHT else small


def _open(picture: str | os.PathLike[str] | bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture)


def prepare(pictures: Sequence[Picture]) -> Prepared:
    """Bring pictures to 28x28 pixels, the tutorials' way and the library's.

    Parameters
    ----------
    pictures : sequence of paths, bytes, or ndarrays of uint8

    Returns
    -------
    Prepared
    """
    canonical, diagnoses = canonical_digits(pictures)
    return Prepared(
        np.array([read_by_tutorial(picture) for picture in pictures], np.uint8).reshape(-1, 28, 28),
        np.round(255 * canonical).astype(np.uint8),
        np.array([diagnosis.readable for diagnosis in diagnoses], bool),
    )


def damage_image(image: Bytes, kind: str, strength: int, index: int) -> Picture:
    """Damage one image, the same way at every call.

    Parameters
    ----------
    image : ndarray of shape (28, 28), uint8
        Ink is 255.
    kind : str
        One of `DAMAGES`.
    strength : {0, 1, 2}
        Mild, middle or hard.
    index : int
        Of the image in its set: decides what is drawn at random.

    Returns
    -------
    ndarray of uint8, or bytes
    """
    generator = np.random.default_rng((list(DAMAGES).index(kind), strength, index))
    return DAMAGES[kind](image, strength, generator)


def damage_copies(task: tuple[Bytes, int, str, int]) -> Prepared:
    """Damage a chunk of images and bring them back.

    Parameters
    ----------
    task : tuple
        Images, the index of the first of them in its set, kind of damage, strength.

    Returns
    -------
    Prepared
    """
    images, first, kind, strength = task
    return prepare([damage_image(image, kind, strength, first + place) for place, image in enumerate(images)])


def compose_copies(task: tuple[Bytes, int, int]) -> tuple[Bytes, NDArray[np.bool_]]:
    """Put a chunk of images into random settings and bring them back.

    Parameters
    ----------
    task : tuple
        Images, the index of the first of them in its set, seed.

    Returns
    -------
    images : ndarray of shape (n, 28, 28), uint8
        Ink is 255.
    readable : ndarray of shape (n,)
    """
    images, first, seed = task
    generators = (np.random.default_rng((seed, first + place)) for place in range(len(images)))
    pictures = [compose_damage(image, generator) for image, generator in zip(images, generators, strict=True)]
    canonical, diagnoses = canonical_digits(pictures)
    readable = np.array([diagnosis.readable for diagnosis in diagnoses], bool)
    return np.round(255 * canonical).astype(np.uint8), readable


def make_outliers(task: tuple[Bytes, NDArray[Any], int, tuple[int, ...]]) -> Bytes:
    """Make outliers to train on.

    Parameters
    ----------
    task : tuple
        Digits, their labels, how many to make, seed.

    Returns
    -------
    ndarray of shape (n, 28, 28), uint8
        Ink is 255.
    """
    images, labels, n, seed = task
    return np.round(255 * make_training_outliers(images, labels, n, np.random.default_rng(seed))).astype(np.uint8)


def draw_outliers(task: tuple[str, int, int]) -> Prepared:
    """Draw outliers to measure by.

    Parameters
    ----------
    task : tuple
        Kind, the index of the first, how many.

    Returns
    -------
    Prepared
    """
    kind, first, n = task
    place = list(TEST_OUTLIERS).index(kind)
    return prepare([TEST_OUTLIERS[kind](np.random.default_rng((place, index))) for index in range(first, first + n)])


def split_tasks(images: Bytes, *rest: Any) -> list[tuple[Any, ...]]:
    """Cut images into chunks, each with the index of its first image and what else a task needs.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28)
    *rest
        Goes to the end of every task.

    Returns
    -------
    list of tuple
    """
    return [(images[start : start + CHUNK], start, *rest) for start in range(0, len(images), CHUNK)]


def join(parts: Sequence[Prepared]) -> Prepared:
    """Put chunks together again.

    Parameters
    ----------
    parts : sequence of Prepared

    Returns
    -------
    Prepared
    """
    return Prepared(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def run_tasks(function: Callable[[Any], Any], tasks: Sequence[Any], *, processes: int) -> Iterator[Any]:
    """Run tasks in several processes; results come in order.

    Parameters
    ----------
    function : callable
        Importable by name.
    tasks : sequence
        One argument each.
    processes : int
        1 runs them here.

    Yields
    ------
    object
        What the function returns.
    """
    if processes == 1:
        yield from map(function, tasks)
        return
    # A process that has started JAX must not be forked.
    with get_context("spawn").Pool(min(processes, max(len(tasks), 1))) as pool:
        yield from pool.imap(function, tasks)
