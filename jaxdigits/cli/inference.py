"""Saved models and the samples they are given, without JAX and without scikit-learn."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits.cli.outputs import warn
from jaxdigits.cli.sources import Source, choose_split, with_light_ink
from jaxdigits.errors import DatasetError, InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jaxdigits.lite import LiteModel

__all__ = ["Samples", "add_model_argument", "fit_arrays", "open_model", "read_samples"]


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
    >>> parser.parse_args(["--model", "model.safetensors"]).model.name
    'model.safetensors'
    """
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="model file, as train and demo leave it (needed; there is no default)",
    )


def open_model(path: Path | None) -> LiteModel:
    """Read the model that the user named.

    Parameters
    ----------
    path : Path or None
        Model file; None if none was named.

    Returns
    -------
    LiteModel

    Raises
    ------
    InputError
        If none was named.
    ModelFileError
        If the file is missing, damaged or no model file.

    Examples
    --------
    >>> from jaxdigits.cli.inference import open_model
    >>> open_model(None)
    Traceback (most recent call last):
    jaxdigits.errors.InputError: --model is missing, expected a model file. Make one with jaxdigits train...
    """
    from jaxdigits.lite import load_model

    if path is None:
        raise InputError("--model is missing, expected a model file. Make one with jaxdigits train or jaxdigits demo.")
    return load_model(path)


def read_samples(source: Source, model: LiteModel, *, split: str | None = None) -> Samples:
    """Read samples and bring them to what the model was trained on.

    Pictures are brought to the model's shape and range, each by itself. Rows of tables and arrays are taken as they
    are, but for dark ink on light paper, which is turned over.

    Parameters
    ----------
    source : Source
        A picture, a folder of pictures, or a data set.
    model : LiteModel
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
    >>> read_samples(source, model).X.shape  # doctest: +SKIP
    (1, 28, 28)
    """
    from jaxdigits.data.datasets import list_pictures

    path = source.path
    if path is not None:
        with source.named():
            if path.is_file() and not _is_dataset(path):
                shown = "-" if source.name != str(path) else source.name
                return Samples([shown], _frame([path], model), None, _describe_frame(model))
    split = choose_split(source, split)
    if path is not None:
        with source.named():
            files = list_pictures(path, split=split)
            if files is not None:
                X, labels = _frame(list(files), model), _to_labels(files)
                return Samples([str(file) for file in files], X, labels, _describe_frame(model), split)
    dataset = source.read(split)
    X, inverted = fit_arrays(dataset.X, model, name=source.name)
    shown = "-" if path is not None and source.name != str(path) else source.name
    names = [f"{shown}:{row}" for row in range(1, len(X) + 1)]
    return Samples(names, X, dataset.y, "dark ink turned light" if inverted else "", split)


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
    from jaxdigits.data.formats import FORMATS

    return any(known.find(path) for known in FORMATS.values())


def _frame(files: list[Path], model: LiteModel) -> NDArray[np.float32]:
    import numpy as np

    from jaxdigits.data.framing import frame_picture
    from jaxdigits.data.pictures import read_picture

    shape, pixel_range = model.image_shape_, model.pixel_range_
    if shape is None or pixel_range is None:
        raise InputError(
            f"{files[0]} is a picture, but the model reads rows of {model.n_features_in_} numbers that are no pixels. "
            "Use a model that was trained on pictures."
        )
    return np.stack([frame_picture(read_picture(file), shape, pixel_range=pixel_range) for file in files])


def _describe_frame(model: LiteModel) -> str:
    shape, pixel_range = model.image_shape_, model.pixel_range_
    if shape is None or pixel_range is None:
        return ""
    return f"pictures brought to {shape[0]} x {shape[1]}, ink light, {pixel_range[0]:g} to {pixel_range[1]:g}"


def _to_labels(files: dict[Path, int | None]) -> NDArray[Any] | None:
    import numpy as np

    unlabeled = [file for file, label in files.items() if label is None]
    if unlabeled and len(unlabeled) < len(files):
        raise DatasetError(
            f"{unlabeled[0]}: no label in its name though other files have one, expected a name such as 7_0001.png. "
            "Rename the file, or move it elsewhere."
        )
    return None if unlabeled else np.array(list(files.values()), dtype=np.int64)
