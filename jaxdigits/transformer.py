"""Pictures to canonical images, as the first step of a scikit-learn pipeline."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from jaxdigits.errors import InputError

__all__ = ["DigitImages"]


class DigitImages(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Bring pictures of one digit each to the form of MNIST's images.

    Stateless: nothing is learned, and `fit` does nothing. What is done to a picture says
    `jaxdigits.data.images.canonical_digit`.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits import DigitImages
    >>> scan = np.full((60, 40), 240, np.uint8)
    >>> scan[10:50, 18:22] = 30
    >>> images = DigitImages().transform([scan, scan.T])
    >>> images.shape, images.dtype
    ((2, 28, 28), dtype('float32'))

    Before a classifier, for your own scans:

    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from jaxdigits import DigitClassifier
    >>> reader = make_pipeline(DigitImages(), DigitClassifier())
    >>> cross_val_score(reader, paths, labels)  # doctest: +SKIP
    array([0.97, 0.98, 0.97, 0.98, 0.98])
    """

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Do nothing, there is nothing to learn.

        Parameters
        ----------
        X : sequence of pictures
            Ignored.
        y : array-like, optional
            Ignored.

        Returns
        -------
        DigitImages
            The transformer itself.
        """
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Bring each picture to 28 x 28 pixels.

        Parameters
        ----------
        X : sequence of n pictures
            Paths, encoded bytes, PIL images or arrays, mixed at will; or an array of shape (n, h, w) or
            (n, h, w, channels). A column of paths may have the shape (n, 1).

        Returns
        -------
        ndarray of shape (n, 28, 28), float32
            Ink 1.0, paper 0.0. A picture without anything to read becomes all zeros, and one warning counts them.

        Raises
        ------
        InputError
            If X is no sequence of pictures, or one of them is no picture; the message says which.
        """
        from jaxdigits.data.images import canonical_digit

        images, unread = [], []
        for index, picture in enumerate(_list_pictures(X)):
            try:
                image, diagnosis = canonical_digit(_to_array(picture))
            except InputError as error:
                raise type(error)(f"X[{index}]: {error}") from error
            images.append(image)
            if not diagnosis.readable:
                unread.append(index)
        if unread:
            warnings.warn(
                f"{len(unread)} of {len(images)} pictures hold nothing to read and became empty images, the first "
                f"is X[{unread[0]}]. Drop them, or check how they were taken.",
                UserWarning,
                stacklevel=2,
            )
        return np.stack(images)

    def __sklearn_is_fitted__(self) -> bool:
        """Tell that it is always ready."""
        return True

    def __sklearn_tags__(self) -> Any:
        """Describe it to scikit-learn: stateless, and X may be anything."""
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _list_pictures(X: Any) -> Iterable[Any]:
    """Return what is to be read one by one."""
    shape = getattr(X, "shape", None)
    if isinstance(X, str | bytes | os.PathLike) or not hasattr(X, "__iter__"):
        raise InputError(f"X must be a sequence of pictures, got {type(X).__name__}. Put a single one into a list.")
    if shape is not None and len(shape) == 2 and shape[1] == 1:
        X = np.asarray(X, dtype=object).ravel()
    elif shape is not None and len(shape) not in (1, 3, 4):
        raise InputError(
            f"X must have shape (n,), (n, h, w) or (n, h, w, channels), got {tuple(shape)}. "
            "Put a single picture into a list; rows of pixels take X.reshape(-1, h, w)."
        )
    pictures = list(X)
    if not pictures:
        raise InputError("X must hold at least one picture, got none. Leave out the empty batch.")
    return pictures


def _to_array(picture: Any) -> Any:
    """Return nested lists of numbers as an array, anything else as it is."""
    if not isinstance(picture, list | tuple):
        return picture
    try:
        return np.asarray(picture)
    except ValueError as error:  # rows of different lengths
        raise InputError(
            "picture must have rows of one length, got lists of several. Pad them, or pass an array."
        ) from error
