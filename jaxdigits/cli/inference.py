"""Models and the samples they are given, without JAX and without scikit-learn."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits.cli.outputs import warn
from jaxdigits.cli.sources import Source, choose_split, has_light_paper, white_of, with_light_ink
from jaxdigits.errors import DatasetError, InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jaxdigits.data.images import Diagnosis
    from jaxdigits.lite import LiteModel
    from jaxdigits.recognize import Recognizer

__all__ = [
    "PACKAGED",
    "Brought",
    "Reader",
    "Samples",
    "add_model_argument",
    "bring_picture",
    "find_pictures",
    "fit_arrays",
    "has_own_size",
    "model_files",
    "open_model",
    "open_reader",
    "read_samples",
    "recognizer_for",
]

PACKAGED = ("small", "accurate")
"""Names of the packaged models, the default first. A test keeps them equal to the registry, which takes NumPy."""


@dataclass(frozen=True)
class Reader:
    """A model that commands read with.

    Parameters
    ----------
    name : str
        What it is called: a packaged name or a file.
    model : LiteModel
        The model itself.
    recognizer : Recognizer or None
        Reads pictures with it; None for a model of rows that are no pixels.
    """

    name: str
    model: LiteModel
    recognizer: Recognizer | None

    @cached_property
    def takes_canonical(self) -> bool:
        """Whether it reads the ten digits and knows what is none, as the packaged models do."""
        if self.recognizer is None or len(self.recognizer.classes_) == len(self.model.classes_):
            return False
        return bool(self.recognizer.classes_.tolist() == list(range(10)))

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels of the columns of `predict_proba`."""
        if self.recognizer is not None and self.takes_canonical:
            return self.recognizer.classes_
        return self.model.classes_

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the probability of each class.

        Parameters
        ----------
        X : ndarray of shape (n, ...)
            Samples as `read_samples` brings them.

        Returns
        -------
        ndarray of shape (n, n_classes)

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> import numpy as np
        >>> from jaxdigits.cli.inference import Reader
        >>> sure = SimpleNamespace(classes_=np.array([4, 9]), predict_proba=lambda X: np.array([[0.9, 0.1]]))
        >>> Reader("sure", sure, None).predict_proba(np.zeros((1, 64)))
        array([[0.9, 0.1]])
        """
        if self.recognizer is not None and self.takes_canonical:
            return self.recognizer.predict_proba(X)
        return self.model.predict_proba(X)


@dataclass(frozen=True)
class Brought:
    """A picture as a model takes it.

    Parameters
    ----------
    sample : ndarray of shape (h, w)
        In the model's own shape and range.
    image : ndarray of shape (28, 28) or (h, w)
        The same with ink 1.0 and paper 0.0.
    diagnosis : Diagnosis
        What was found and mended.
    own_size : bool, default=False
        Whether the picture had the size of the user's own model, and was taken as it is.
    """

    sample: NDArray[Any]
    image: NDArray[Any]
    diagnosis: Diagnosis
    own_size: bool = False


@dataclass(frozen=True)
class Samples:
    """Samples that a model can read.

    Parameters
    ----------
    names : list of str
        Where each came from: a file, or a file and its row counted from 1.
    X : ndarray of shape (n, ...)
        As the model takes them.
    labels : ndarray of shape (n,) or None
        True labels, if they are known.
    how : str, default=""
        What was done to bring them to the model.
    split : str or None, default=None
        Which part of the source they are, if it has several.
    """

    names: list[str]
    X: NDArray[Any]
    labels: NDArray[Any] | None
    how: str = ""
    split: str | None = None


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--model`.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli.inference import add_model_argument
    >>> parser = argparse.ArgumentParser()
    >>> add_model_argument(parser)
    >>> parser.parse_args(["--model", "model.safetensors"]).model
    'model.safetensors'
    """
    parser.add_argument(
        "--model",
        metavar="|".join(("FILE", *PACKAGED)),
        help=f"model file, as train and demo leave it, or a packaged model (default: {PACKAGED[0]})",
    )


def open_model(path: Path) -> LiteModel:
    """Read a model file.

    Parameters
    ----------
    path : Path
        Model file.

    Returns
    -------
    LiteModel

    Raises
    ------
    ModelFileError
        If the file is missing, damaged or no model file.

    Examples
    --------
    >>> import pathlib
    >>> from jaxdigits.cli.inference import open_model
    >>> open_model(pathlib.Path("missing.safetensors"))
    Traceback (most recent call last):
    jaxdigits.errors.ModelFileError: cannot read model file 'missing.safetensors': ...
    """
    from jaxdigits.lite import load_model

    return load_model(path)


def model_files(name: str | None) -> list[Path]:
    """List the file that `--model` names, which nothing may overwrite.

    Parameters
    ----------
    name : str or None
        What the user said; a file comes before a packaged model of its name.

    Returns
    -------
    list of Path
        None or one.

    Examples
    --------
    >>> from jaxdigits.cli.inference import model_files
    >>> model_files("small"), model_files(None)
    ([], [])
    """
    return [] if name is None or (name in PACKAGED and not Path(name).is_file()) else [Path(name).expanduser()]


def open_reader(name: str | None) -> Reader:
    """Open the model that the user named.

    Parameters
    ----------
    name : str or None
        A file, or one of `PACKAGED`; None is the first of these.

    Returns
    -------
    Reader

    Raises
    ------
    ModelFileError
        If the file is missing, damaged or no model file.

    Examples
    --------
    >>> from jaxdigits.cli.inference import open_reader
    >>> open_reader("small").classes_.tolist()  # doctest: +SKIP
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    files = model_files(name)
    if not files:
        from jaxdigits.recognize import load_pretrained

        packaged = load_pretrained(name or PACKAGED[0])
        return Reader(name or PACKAGED[0], packaged.model, packaged)
    if not files[0].exists() and not files[0].suffix:
        packaged_names = " or ".join(PACKAGED)
        raise InputError(f"--model must name a model file, or {packaged_names}, got {str(name)!r}. Check the name.")
    model = open_model(files[0])
    if model.image_shape_ is None or model.pixel_range_ is None:
        return Reader(str(name), model, None)
    from jaxdigits.recognize import Recognizer

    return Reader(str(name), model, Recognizer(model))


def find_pictures(source: Source, *, split: str | None = None) -> dict[Path, int | None] | None:
    """Find the pictures that a source stands for, each of which is to be read by itself.

    Parameters
    ----------
    source : Source
        A picture, a folder, or a data set.
    split : {"train", "test"}, default=None
        Which part of a folder that has several.

    Returns
    -------
    dict of Path to int or None, or None
        File -> label, or None where its name tells none. None if the source holds arrays.

    Raises
    ------
    DatasetError
        If a folder holds something else beside pictures, or no data set at all.

    Examples
    --------
    >>> from jaxdigits.cli.inference import find_pictures
    >>> from jaxdigits.cli.sources import Source
    >>> find_pictures(Source("digits", None)) is None
    True
    """
    path = source.path
    if path is None:
        return None
    with source.named():
        if path.is_file():
            return None if _is_dataset(path) else {path: None}
        from jaxdigits.data.datasets import list_pictures

        return list_pictures(path, split=split)


def read_samples(source: Source, reader: Reader, *, split: str | None = None) -> Samples:
    """Read samples and bring them to what the model was trained on.

    Pictures are brought in as `bring_picture` does. Rows of tables and arrays are taken as they are, but for dark ink
    on light paper, which is turned over; for a packaged model images of another size than 28 x 28 are brought in as
    pictures are.

    Parameters
    ----------
    source : Source
        A picture, a folder of pictures, or a data set.
    reader : Reader
        The model that is to read them.
    split : {"train", "test"}, default=None
        Which part of the source; None reads the test set where there is one.

    Returns
    -------
    Samples

    Raises
    ------
    InputError
        If they cannot be read, or are nothing that the model could read.

    Examples
    --------
    >>> from jaxdigits.cli.inference import read_samples
    >>> read_samples(source, reader).X.shape  # doctest: +SKIP
    (1, 28, 28)
    """
    # A single picture has no splits to ask for.
    if source.path is None or source.path.is_dir() or _is_dataset(source.path):
        split = choose_split(source, split)
    pictures = find_pictures(source, split=split)
    if pictures is not None:
        labels = _to_labels(pictures)
        with source.named():
            return _read_pictures([(source.shown(file), file) for file in pictures], labels, reader, split=split)
    dataset = source.read(split)
    X, how = _bring_arrays(dataset.X, reader, name=source.name)
    shown = "-" if source.is_standard_input else source.name
    return Samples([f"{shown}:{row}" for row in range(1, len(X) + 1)], X, dataset.y, how, split)


def _read_pictures(
    files: list[tuple[str, Path]], labels: NDArray[Any] | None, reader: Reader, *, split: str | None
) -> Samples:
    import numpy as np

    recognizer_for(reader, files[0][0])  # says so if there is none
    brought = [bring_picture(file, reader) for _, file in files]
    blank = [name for (name, _), each in zip(files, brought, strict=True) if not each.diagnosis.readable]
    if blank:
        others = "" if len(blank) == 1 else f" and {len(blank) - 1} more"
        warn(f"{blank[0]}{others}: no digit to be seen, counted as the model guesses.")
    X = np.stack([each.sample for each in brought])
    low, high = reader.model.pixel_range_ or (0.0, 1.0)
    kept = "of the model's own size" if all(each.own_size for each in brought) else f"brought to {_times(X)}"
    return Samples([name for name, _ in files], X, labels, f"pictures {kept}, ink light, {low:g} to {high:g}", split)


def bring_picture(path: Path, reader: Reader) -> Brought:
    """Bring a picture to what the model was trained on.

    It becomes a canonical image first, unless it has the size of a model of the user's own: then it is what that model
    was trained on, and but turned to light ink, as training does.

    Parameters
    ----------
    path : Path
        The picture.
    reader : Reader
        A model that reads pictures.

    Returns
    -------
    Brought

    Raises
    ------
    DatasetError
        If the file is no picture.

    Examples
    --------
    >>> from jaxdigits.cli.inference import bring_picture
    >>> bring_picture(path, reader).diagnosis.describe()  # doctest: +SKIP
    'light ink on dark, turned over'
    """
    from jaxdigits.data.images import canonical_digit
    from jaxdigits.recognize import fit_images

    image, diagnosis = canonical_digit(path)
    if reader.takes_canonical:
        return Brought(image, image, diagnosis)
    if has_own_size(path, reader):
        return _take_as_it_is(path, reader.model, diagnosis)
    return Brought(fit_images(image[None], reader.model)[0], image, diagnosis)


def has_own_size(path: Path, reader: Reader) -> bool:
    """Tell whether a picture has the size of a model of the user's own, without decoding it.

    Parameters
    ----------
    path : Path
        The picture; of a file that is none, others say what is wrong.
    reader : Reader
        The model.

    Returns
    -------
    bool

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from PIL import Image
    >>> from jaxdigits.cli.inference import Reader, has_own_size
    >>> Image.fromarray(np.zeros((8, 8), np.uint8)).save("eight.png")
    >>> has_own_size("eight.png", Reader("mine", SimpleNamespace(image_shape_=(8, 8)), None))
    True
    """
    from PIL import Image

    if reader.takes_canonical:
        return False
    try:
        with Image.open(path) as picture:
            return (picture.size[1], picture.size[0]) == reader.model.image_shape_
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, Image.DecompressionBombError):
        return False


def _take_as_it_is(path: Path, model: LiteModel, diagnosis: Diagnosis) -> Brought:
    import numpy as np

    from jaxdigits.data.images import Diagnosis
    from jaxdigits.data.pictures import read_picture

    gray = read_picture(path)
    inverted = has_light_paper(gray[None], white=255)
    ink = (255 - gray if inverted else gray) / np.float32(255)
    low, high = model.pixel_range_ or (0.0, 1.0)
    found = Diagnosis(diagnosis.size, diagnosis.box, blank=diagnosis.blank, inverted=not inverted)
    return Brought(low + ink * np.float32(high - low), ink, found, own_size=True)


def _times(X: NDArray[Any]) -> str:
    return f"{X.shape[1]} x {X.shape[2]}"


def recognizer_for(reader: Reader, name: str) -> Recognizer:
    """Return what reads pictures with a model.

    Parameters
    ----------
    reader : Reader
        The model.
    name : str
        What the picture to be read is called.

    Returns
    -------
    Recognizer

    Raises
    ------
    InputError
        If the model reads rows that are no pixels.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from jaxdigits.cli.inference import Reader, recognizer_for
    >>> recognizer_for(Reader("mine", SimpleNamespace(n_features_in_=13), None), "photo.jpg")
    Traceback (most recent call last):
    jaxdigits.errors.InputError: photo.jpg is a picture, but the model reads rows of 13 numbers that are no pixels...
    """
    if reader.recognizer is None:
        raise InputError(
            f"{name} is a picture, but the model reads rows of {reader.model.n_features_in_} numbers that are no "
            "pixels. Use a model that was trained on pictures."
        )
    return reader.recognizer


def _bring_arrays(X: NDArray[Any], reader: Reader, *, name: str) -> tuple[NDArray[Any], str]:
    """Bring stored samples to the model, and say how."""
    if not reader.takes_canonical:
        X, inverted = fit_arrays(X, reader.model, name=name)
        return X, "dark ink turned light" if inverted else ""
    import numpy as np

    from jaxdigits.core.inputs import looks_like_images

    if X.ndim == 2:
        if not looks_like_images(X):
            raise InputError(
                f"{name} holds rows of {X.shape[1]} numbers that are no square pictures, but the model reads pictures. "
                "Name a model that was trained on such rows with --model."
            )
        side = round(X.shape[1] ** 0.5)
        X = X.reshape(len(X), side, side)
    X, inverted = with_light_ink(X)
    white = white_of(X)
    if white is None:
        raise InputError(
            f"{name} holds levels of {X.min():g} to {X.max():g}, expected pixels from 0. Undo the scaling."
        )
    images = X.astype(np.float32) / np.float32(white)
    if images.shape[1:] == (28, 28):
        return images, "dark ink turned light" if inverted else ""
    from jaxdigits.data.images import canonical_digits

    return canonical_digits(images)[0], f"images of {_times(images)} brought to 28 x 28, ink light"


def fit_arrays(X: NDArray[Any], model: LiteModel, *, name: str) -> tuple[NDArray[Any], bool]:
    """Check that a model can read the samples of a data set, and turn dark ink light.

    Parameters
    ----------
    X : ndarray of shape (n, h, w) or (n, n_features)
        Samples as they were stored.
    model : LiteModel
        The model that is to read them.
    name : str
        What the data set is called.

    Returns
    -------
    X : ndarray
        Samples for the model.
    inverted : bool
        Whether they were turned over.

    Raises
    ------
    InputError
        If they have another size than the model's.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from jaxdigits.cli.inference import fit_arrays
    >>> model = SimpleNamespace(image_shape_=(8, 8), n_features_in_=64, pixel_range_=(0.0, 16.0))
    >>> fit_arrays(np.zeros((5, 28, 28)), model, name="digits.npz")
    Traceback (most recent call last):
    jaxdigits.errors.InputError: digits.npz holds images of 28 x 28, but the model reads images of 8 x 8...
    """
    from jaxdigits.core.inputs import range_mismatch

    shape, n_features = model.image_shape_, model.n_features_in_
    flat = X.ndim == 2
    if (X.shape[1] != n_features) if flat else (shape is not None and X.shape[1:] != shape):
        held = f"rows of {X.shape[1]} numbers" if flat else f"images of {X.shape[1]} x {X.shape[2]}"
        reads = f"rows of {n_features} numbers" if flat or shape is None else f"images of {shape[0]} x {shape[1]}"
        raise InputError(f"{name} holds {held}, but the model reads {reads}. Use the data or the model that fits.")
    if shape is None or model.pixel_range_ is None:
        return X, False
    X, inverted = with_light_ink(X, shape)
    mismatch = range_mismatch(X, model.pixel_range_)
    if mismatch:
        warn(mismatch.replace("X", name, 1))
    return X, inverted


def _is_dataset(path: Path) -> bool:
    from jaxdigits.data.pictures import PICTURE_SUFFIXES

    if path.suffix.lower() in PICTURE_SUFFIXES:
        return False
    from jaxdigits.data.formats import FORMATS

    return any(known.find(path) for known in FORMATS.values())


def _to_labels(files: dict[Path, int | None]) -> NDArray[Any] | None:
    import numpy as np

    unlabeled = [file for file, label in files.items() if label is None]
    if unlabeled and len(unlabeled) < len(files):
        raise DatasetError(
            f"{unlabeled[0]}: no label in its name though other files have one, expected a name such as 7_0001.png. "
            "Rename the file, or move it elsewhere."
        )
    return None if unlabeled else np.array(list(files.values()), dtype=np.int64)
