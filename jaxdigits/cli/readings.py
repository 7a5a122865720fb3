"""What was read in pictures, and how that is told: in words, in JSON, and drawn."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits.cli.inference import Reader, bring_picture, has_own_size, recognizer_for

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jaxdigits.data.images import Diagnosis

__all__ = ["Answer", "draw_answers", "percent", "read_picture", "show_picture", "to_shares"]

LONGEST_SHOWN = 800
"""Pixels of a picture's longer side that are drawn."""

MOST_SHOWN = 20


@dataclass(frozen=True)
class Answer:
    """What one picture, or one row of a data set, was read as.

    Parameters
    ----------
    name : str
        What it is called.
    classes : list
        What there was to choose from.
    probabilities : ndarray of shape (n_classes,) or None
        Probability of each class; None if nothing was read.
    diagnosis : Diagnosis or None, default=None
        What was found and mended; None for rows of data sets.
    sure : bool, default=True
        Whether the model is.
    looks_like_digit : bool, default=True
        Whether it takes it for a digit at all.
    not_a_digit : float or None, default=None
        How likely it is none; None where that was not asked.
    image : ndarray of shape (28, 28) or (h, w), default=None
        What the model was given: ink 1.0, paper 0.0.
    picture : ndarray or None, default=None
        The picture itself, if it is to be drawn.
    """

    name: str
    classes: list[Any]
    probabilities: NDArray[np.floating[Any]] | None
    diagnosis: Diagnosis | None = None
    sure: bool = True
    looks_like_digit: bool = True
    not_a_digit: float | None = None
    image: NDArray[Any] | None = None
    picture: NDArray[Any] | None = None

    @property
    def label(self) -> Any:
        """The likeliest class; None if nothing was read."""
        return None if self.probabilities is None else self.classes[int(self.probabilities.argmax())]

    @property
    def probability(self) -> float | None:
        """How likely it is; None if nothing was read."""
        return None if self.probabilities is None else float(self.probabilities.max())

    @property
    def confidence(self) -> float | None:
        """How likely it is that label and a digit at all, at most; None if nothing was read."""
        if self.probability is None or self.looks_like_digit or self.not_a_digit is None:
            return self.probability
        return min(self.probability, 1.0 - self.not_a_digit)

    @property
    def problem(self) -> str:
        """Why nothing was read, and what to do; "" if something was."""
        if self.probabilities is not None or self.diagnosis is None:
            return ""
        if self.diagnosis.several:
            return f"found {self.diagnosis.n_digits} digits. Use: jaxdigits read {shlex.quote(self.name)}"
        if self.diagnosis.blank:
            return "no digit, the picture is blank. Give one with a digit in it."
        return "no digit, no stroke stands out of the picture. Take it from closer up, or in more light."

    @property
    def words(self) -> str:
        """What there is to know of the reading: doubts first, then what was mended."""
        mended = "" if self.diagnosis is None else self.diagnosis.describe()
        return "; ".join(part for part in (self._doubt(), mended) if part)

    def _doubt(self) -> str:
        if self.probabilities is None:
            return ""
        if not self.looks_like_digit:
            return f"does not look like a digit; {self.label} is the best guess"
        if self.sure:
            return ""
        second = int(self.probabilities.argsort()[-2])
        return f"not sure, perhaps {self.classes[second]} ({percent(float(self.probabilities[second]))})"


def read_picture(path: Path, reader: Reader, *, name: str, keep: bool = False) -> Answer:
    """Read the digit in a picture; one with several, or with none, is not guessed at.

    Parameters
    ----------
    path : Path
        The picture.
    reader : Reader
        The model.
    name : str
        What the picture is called.
    keep : bool, default=False
        Whether to keep the picture for drawing.

    Returns
    -------
    Answer

    Raises
    ------
    InputError
        If the file is no picture, or the model reads none.

    Examples
    --------
    >>> from jaxdigits.cli.readings import read_picture
    >>> read_picture(path, reader, name="seven.png").label  # doctest: +SKIP
    7
    """
    recognizer = recognizer_for(reader, name)
    picture = show_picture(path) if keep else None
    if has_own_size(path, reader):
        return _read_own_size(path, reader, name=name, picture=picture)
    reading, classes = recognizer.read_digit(path), recognizer.classes_.tolist()
    if reading.diagnosis.several or not reading.digits:
        return Answer(name, classes, None, reading.diagnosis, picture=picture)
    digit = reading.digits[0]
    return Answer(
        name,
        classes,
        digit.probabilities,
        digit.diagnosis,
        sure=digit.sure,
        looks_like_digit=digit.looks_like_digit,
        not_a_digit=digit.not_a_digit,
        image=digit.image,
        picture=picture,
    )


def _read_own_size(path: Path, reader: Reader, *, name: str, picture: NDArray[Any] | None) -> Answer:
    """Read a picture of the size of the user's own model as it is: made canonical it would be something else."""
    brought, classes = bring_picture(path, reader), reader.classes_.tolist()
    if not brought.diagnosis.readable:
        return Answer(name, classes, None, brought.diagnosis, picture=picture)
    probabilities = reader.predict_proba(brought.sample[None])[0]
    sure = bool(probabilities.max() >= recognizer_for(reader, name).threshold)
    return Answer(name, classes, probabilities, brought.diagnosis, sure=sure, image=brought.image, picture=picture)


def show_picture(path: Path, *, longest: int = LONGEST_SHOWN) -> NDArray[np.float32]:
    """Read a picture for drawing, upright and reduced; transparent parts are laid on white, under light ink on black.

    Parameters
    ----------
    path : Path
        The picture.
    longest : int, default=800
        Pixels of its longer side at most.

    Returns
    -------
    ndarray of shape (h, w) or (h, w, 3), float32
        From black, 0, to white, 1.

    Raises
    ------
    DatasetError
        If the file is no picture.

    Examples
    --------
    >>> import numpy as np
    >>> from PIL import Image
    >>> from jaxdigits.cli.readings import show_picture
    >>> Image.fromarray(np.full((20, 30), 255, np.uint8)).save("white.png")
    >>> show_picture("white.png").shape
    (20, 30)
    """
    import numpy as np

    from jaxdigits.data.decoding import open_picture

    raster = open_picture(path, longest=longest)
    if raster.alpha is None:
        return raster.levels
    alpha = raster.alpha if raster.levels.ndim == 2 else raster.alpha[..., None]
    drawn = float((raster.levels * alpha).mean()) / max(float(alpha.mean()), 1e-6)
    ground = 0.0 if drawn > 0.5 else 1.0
    return (alpha * raster.levels + (1 - alpha) * ground).astype(np.float32)


def draw_answers(answers: list[Answer]) -> Any:
    """Draw pictures beside what the model saw of them.

    Parameters
    ----------
    answers : list of Answer
        At least one with a picture; those without are passed over, and of many the first 20 are drawn.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.cli.readings import Answer, draw_answers
    >>> draw_answers([Answer("a.png", [4, 9], np.array([0.9, 0.1]), picture=np.ones((60, 40)))]).axes[0].axison
    False
    """
    shown = [answer for answer in answers if answer.picture is not None][:MOST_SHOWN]
    import numpy as np

    from jaxdigits.cli.outputs import figures

    figures()
    from jaxdigits.plotting import WhatTheModelSawDisplay

    classes = shown[0].classes
    nothing = np.full(len(classes), np.nan)
    display = WhatTheModelSawDisplay(
        [answer.picture for answer in shown if answer.picture is not None],
        [np.zeros((28, 28)) if answer.image is None else answer.image for answer in shown],
        np.stack([nothing if answer.probabilities is None else answer.probabilities for answer in shown]),
        classes=classes,
        names=[answer.name for answer in shown],
        words=[answer.words for answer in shown],
        boxes=[_to_share_box(answer.diagnosis) for answer in shown],
    )
    return display.plot().figure_


def _to_share_box(diagnosis: Diagnosis | None) -> tuple[float, float, float, float] | None:
    if diagnosis is None or diagnosis.box is None:
        return None
    (left, top, right, bottom), (width, height) = diagnosis.box, diagnosis.size
    return left / width, top / height, right / width, bottom / height


def to_shares(classes: list[Any], probabilities: NDArray[np.floating[Any]] | None) -> dict[str, float] | None:
    """Write the probability of each class for JSON.

    Parameters
    ----------
    classes : list
        Labels.
    probabilities : ndarray of shape (n_classes,) or None
        Probabilities; None if nothing was read.

    Returns
    -------
    dict of str to float, or None

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.cli.readings import to_shares
    >>> to_shares([4, 9], np.array([0.75, 0.25]))
    {'4': 0.75, '9': 0.25}
    """
    if probabilities is None:
        return None
    return {str(label): round(float(share), 6) for label, share in zip(classes, probabilities, strict=True)}


def percent(share: float) -> str:
    """Write a probability; what rounds to 100 % though it is not says so.

    Parameters
    ----------
    share : float
        Probability within [0, 1].

    Returns
    -------
    str

    Examples
    --------
    >>> from jaxdigits.cli.readings import percent
    >>> percent(0.998), percent(0.99999)
    ('99.8 %', '>99.9 %')
    """
    return ">99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"
