"""Pictures to digits: what was read, how sure that is, and whether it is a digit at all.

A `Recognizer` brings a picture to the form of MNIST's images, runs a saved model in NumPy alone and says what it
read as a `Reading`. No JAX, no scikit-learn; what processes pictures is imported when the first one is read.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.bundle import defect
from jaxdigits.calibration import rejection_threshold, softmax
from jaxdigits.data.resampling import SIDE, VIEWS, make_views, resize_canonical
from jaxdigits.errors import InputError, ModelFileError
from jaxdigits.lite import LiteModel, load_model

if TYPE_CHECKING:
    from jaxdigits.data.decoding import Picture
    from jaxdigits.data.images import Diagnosis

__all__ = [
    "PRETRAINED",
    "Digit",
    "Reading",
    "Recognizer",
    "fit_images",
    "load_pretrained",
    "read_digit",
    "read_page",
]

Floats = NDArray[np.float64]
Box = tuple[int, int, int, int]

PRETRAINED: dict[str, str] = {"small": "small.safetensors", "accurate": "accurate.safetensors"}
"""Name of a model that comes with the package -> its file in ``jaxdigits/pretrained``."""

NOT_A_DIGIT = -1
"""The label of the class that stands for everything but digits, in a model that has one."""

GEOMETRY_WEIGHT = 0.5
"""How much the shape of a cut says about it, against what its parts look like.

On 40 pages of MNIST's training images, 1,844 digits: 97.9 % read right and 0.2 % phantoms with 0.5, against 97.8 % and
0.6 % with probabilities alone.
"""


def fit_images(images: ArrayLike, model: LiteModel) -> NDArray[np.float32]:
    """Bring canonical images to the size and the range of pixels that a model was trained on.

    A model of 28 x 28 pixels takes them as they are; how they come to another size says
    `jaxdigits.data.resampling.resize_canonical`.

    Parameters
    ----------
    images : array-like of shape (n, 28, 28), (n, 784) or (n, 28, 28, 1)
        Canonical images: uint8 from 0 to 255 or float from 0 to 1, ink high.
    model : LiteModel
        A model trained on images.

    Returns
    -------
    ndarray of shape (n, height, width), float32
        Paper at the low end of the model's range, full ink at the high end.

    Raises
    ------
    InputError
        If images are not canonical, or the model reads rows that are no pixels.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from jaxdigits.recognize import fit_images
    >>> image = np.zeros((1, 28, 28))
    >>> image[0, 4:24, 13:15] = 1.0  # a one
    >>> fit_images(image, SimpleNamespace(image_shape_=(4, 4), pixel_range_=(0.0, 16.0)))[0]
    array([[0. , 3.2, 3.2, 0. ],
           [0. , 3.2, 3.2, 0. ],
           [0. , 3.2, 3.2, 0. ],
           [0. , 3.2, 3.2, 0. ]], dtype=float32)
    """
    shape, pixel_range = model.image_shape_, model.pixel_range_
    if shape is None or pixel_range is None:
        raise InputError(
            f"the model must read images, got one that reads rows of {model.n_features_in_} numbers that are no "
            "pixels. Use a model that was trained on images."
        )
    low, high = pixel_range
    resized = resize_canonical(images, shape)
    return resized if (low, high) == (0.0, 1.0) else np.float32(low) + resized * np.float32(high - low)


# ---- what was read ----


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit that was read.

    Parameters
    ----------
    label : int
        The likeliest digit; for a model of other classes, its label as given.
    probability : float
        How sure that is, if it is a digit at all.
    probabilities : ndarray of shape (n_classes,), float64
        Of each digit, 0 to 9, in the order of the recognizer's ``classes_``; they sum to 1.
    not_a_digit : float
        How likely it is no digit, 0 to 1.
    looks_like_digit : bool
        Whether `not_a_digit` is below the recognizer's threshold.
    sure : bool
        Whether it looks like a digit and `probability` reaches the recognizer's threshold.
    box : (left, top, right, bottom) or None
        Where it stands, in pixels of the upright picture.
    image : ndarray of shape (28, 28), float32
        What the model saw: ink 1.0, paper 0.0.
    diagnosis : Diagnosis
        What was found and mended in the picture of this digit.
    """

    label: Any
    probability: float
    probabilities: Floats
    not_a_digit: float
    looks_like_digit: bool
    sure: bool
    box: Box | None
    image: NDArray[np.float32]
    diagnosis: Diagnosis

    def to_dict(self) -> dict[str, Any]:
        """Return all but the image as plain values, ready for JSON.

        Returns
        -------
        dict
            Field names to values.
        """
        return {
            "label": self.label,
            "probability": self.probability,
            "probabilities": self.probabilities.tolist(),
            "not_a_digit": self.not_a_digit,
            "looks_like_digit": self.looks_like_digit,
            "sure": self.sure,
            "box": None if self.box is None else list(self.box),
            "diagnosis": self.diagnosis.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read in a picture.

    Parameters
    ----------
    lines : tuple of tuple of Digit
        Digits in reading order: lines from the top, digits from the left. Empty if nothing could be read.
    size : (width, height)
        Of the upright picture, in pixels.
    diagnosis : Diagnosis
        What was found in the picture as a whole.
    angle : float, default=0.0
        Degrees counter-clockwise that the lines of a page are turned.
    others : tuple of Digit, default=()
        What was found on a page but does not look like a digit, left out of the lines.

    Examples
    --------
    >>> from jaxdigits.data.images import Diagnosis
    >>> from jaxdigits.recognize import Reading
    >>> blank = Reading((), (640, 480), Diagnosis((640, 480), None, blank=True))
    >>> blank.text, blank.digit, blank.sure
    ('', None, False)
    """

    lines: tuple[tuple[Digit, ...], ...]
    size: tuple[int, int]
    diagnosis: Diagnosis
    angle: float = 0.0
    others: tuple[Digit, ...] = ()

    @property
    def digits(self) -> tuple[Digit, ...]:
        """All digits in reading order."""
        return tuple(digit for line in self.lines for digit in line)

    @property
    def text(self) -> str:
        """The digits as text, a line each; labels of several letters are set apart by spaces."""
        lines = [[str(digit.label) for digit in line] for line in self.lines]
        gap = " " if any(len(label) > 1 for line in lines for label in line) else ""
        return "\n".join(gap.join(line) for line in lines)

    @property
    def only(self) -> Digit | None:
        """The digit, if exactly one was read."""
        digits = self.digits
        return digits[0] if len(digits) == 1 else None

    @property
    def digit(self) -> Any:
        """Label of the digit, if exactly one was read, else None."""
        return None if self.only is None else self.only.label

    @property
    def probability(self) -> float | None:
        """How sure the digit is, if exactly one was read."""
        return None if self.only is None else self.only.probability

    @property
    def probabilities(self) -> Floats | None:
        """Probability of each label, if exactly one digit was read."""
        return None if self.only is None else self.only.probabilities

    @property
    def sure(self) -> bool:
        """Whether something was read and every digit is sure."""
        return bool(self.digits) and all(digit.sure for digit in self.digits)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the images as plain values, ready for JSON.

        Returns
        -------
        dict
            ``text``, ``digit``, ``probability``, ``probabilities``, ``sure``, ``lines`` (of digits as dicts),
            ``others``, ``size``, ``angle`` and ``diagnosis``.
        """
        return {
            "text": self.text,
            "digit": self.digit,
            "probability": self.probability,
            "probabilities": None if self.probabilities is None else self.probabilities.tolist(),
            "sure": self.sure,
            "lines": [[digit.to_dict() for digit in line] for line in self.lines],
            "others": [other.to_dict() for other in self.others],
            "size": list(self.size),
            "angle": self.angle,
            "diagnosis": self.diagnosis.to_dict(),
        }


class _Candidate(NamedTuple):
    """Something that may be a digit: where it stands and what the model will see."""

    box: Box | None
    image: NDArray[np.float32]
    diagnosis: Diagnosis


class Recognizer:
    """Reads digits from pictures with a saved model.

    Parameters
    ----------
    model : LiteModel
        A model trained on images, from `jaxdigits.lite.load_model`. If one of its integer labels is -1, that class
        stands for everything but digits.
    threshold : float, optional
        A digit is ``sure`` from this probability on, 0 to 1; None takes the model's own, or else 0.5. See
        `rejection_threshold` for one that keeps a stated risk.
    outlier_threshold : float, optional
        What is no digit with this probability or more does not look like one, 0 to 1; None takes the model's own, or
        else 0.5.
    n_views : int, optional
        How many slightly shifted and scaled views of each image to average probabilities over, 1 to 9 (see
        `jaxdigits.data.resampling.VIEWS`). Reads a little better, and takes that many times as long. None takes the
        model's own, or else 1.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels that can be read: the model's own without -1.

    Raises
    ------
    InputError
        If a parameter is out of range, or the model reads rows that are no pixels.
    ModelFileError
        If the model's own thresholds are no numbers from 0 to 1.

    Examples
    --------
    A model that tells tall ink from wide ink, made by hand:

    >>> import numpy as np
    >>> from jaxdigits.bundle import Bundle, encode_labels
    >>> from jaxdigits.lite import LiteModel
    >>> from jaxdigits.recognize import Recognizer
    >>> kernel = np.zeros((28, 28, 2), np.float32)
    >>> kernel[:, 14, 0] = kernel[14, :, 1] = 1.0
    >>> model = LiteModel(
    ...     Bundle(
    ...         spec={"input_shape": [784], "n_classes": 2, "layers": [{"kind": "Dense", "features": 2}]},
    ...         arrays={
    ...             "input.offset": np.zeros(1, np.float32),
    ...             "input.scale": np.ones(1, np.float32),
    ...             "layers.0.kernel": kernel.reshape(784, 2),
    ...             "layers.0.bias": np.zeros(2, np.float32),
    ...         },
    ...         metadata={
    ...             "classes": encode_labels(["tall", "wide"]),
    ...             "n_features": 784,
    ...             "image_shape": [28, 28],
    ...             "pixel_range": [0, 1],
    ...         },
    ...     )
    ... )
    >>> picture = np.full((200, 100), 250, np.uint8)
    >>> picture[50:150, 48:54] = 20
    >>> reading = Recognizer(model).read(picture)
    >>> reading.digit, reading.sure
    ('tall', True)
    """

    def __init__(
        self,
        model: LiteModel,
        *,
        threshold: float | None = None,
        outlier_threshold: float | None = None,
        n_views: int | None = None,
    ) -> None:
        paper = np.zeros((1, SIDE, SIDE), np.float32)
        n_views = _read_n_views(model) if n_views is None else n_views
        fit_images(make_views(paper, n_views)[0], model)  # both say so if they can't
        self.model = model
        self.n_views = int(n_views)
        self.threshold = _choose_threshold("threshold", threshold, model.metadata_.get("rejection_threshold", 0.5))
        own = model.metadata_.get("outlier_threshold", 0.5)
        self.outlier_threshold = _choose_threshold("outlier_threshold", outlier_threshold, own)
        labels = model.classes_
        self._is_digit = labels != NOT_A_DIGIT if labels.dtype.kind == "i" else np.ones(len(labels), bool)
        if not self._is_digit.any():
            raise InputError("the model must know a class beside -1, got none. Use a model that reads digits.")
        digits = labels[self._is_digit]
        self.classes_: NDArray[Any] = digits.astype(np.int64) if digits.dtype.kind in "iu" else digits

    def __repr__(self) -> str:
        """Describe it in one line."""
        name = f"{self.card['name']!r}, " if "name" in self.card else ""
        return f"Recognizer({name}{len(self.classes_)} classes, threshold={self.threshold:g}, n_views={self.n_views})"

    @property
    def card(self) -> dict[str, Any]:
        """What is known of the model: data, recipe, accuracies, limits; empty if its file says nothing."""
        card = self.model.metadata_.get("card")
        return dict(card) if isinstance(card, dict) else {}

    def _judge(self, images: ArrayLike) -> tuple[Floats, Floats]:
        """Return the probability of each digit (n, n_classes), and how likely each image is no digit (n,)."""
        views = make_views(images, self.n_views)
        X = fit_images(views.reshape(-1, SIDE, SIDE), self.model)
        logits = self.model.logits(X).astype(np.float64) / self.model.temperature_
        grouped = (*views.shape[:2], -1)
        probabilities = softmax(logits[:, self._is_digit]).reshape(grouped).mean(axis=0)
        if self._is_digit.all():
            return probabilities, 1.0 - probabilities.max(axis=1)
        outlier = softmax(logits)[:, ~self._is_digit].sum(axis=1)
        return probabilities, outlier.reshape(grouped[:2]).mean(axis=0)

    def predict_proba(self, images: ArrayLike) -> Floats:
        """Return the probability of each digit, given that it is one.

        Parameters
        ----------
        images : array-like of shape (n, 28, 28), (n, 784) or (n, 28, 28, 1)
            Canonical images, as MNIST has them: uint8 from 0 to 255 or float from 0 to 1, ink high.

        Returns
        -------
        ndarray of shape (n, n_classes), float64
            In the order of `classes_`; each row sums to 1.

        Raises
        ------
        InputError
            If images are of another shape, type or range.
        """
        return self._judge(images)[0]

    def predict(self, images: ArrayLike) -> NDArray[Any]:
        """Return the likeliest digit of each image, however unsure.

        Parameters
        ----------
        images : array-like of shape (n, 28, 28), (n, 784) or (n, 28, 28, 1)
            As for `predict_proba`.

        Returns
        -------
        ndarray of shape (n,)
            Labels from `classes_`, int64 for digits.

        Raises
        ------
        InputError
            As `predict_proba` does.
        """
        labels: NDArray[Any] = self.classes_[self.predict_proba(images).argmax(axis=1)]
        return labels

    def not_a_digit(self, images: ArrayLike) -> Floats:
        """Return how likely each image is no digit.

        Parameters
        ----------
        images : array-like of shape (n, 28, 28), (n, 784) or (n, 28, 28, 1)
            As for `predict_proba`.

        Returns
        -------
        ndarray of shape (n,), float64
            Probability of the model's class -1; of a model without one, what the likeliest digit lacks to 1.

        Raises
        ------
        InputError
            As `predict_proba` does.
        """
        return self._judge(images)[1]

    def read_digit(self, picture: Picture) -> Reading:
        """Read the one digit of a picture.

        Parameters
        ----------
        picture : path, bytes, PIL.Image.Image or ndarray
            As `jaxdigits.data.images.canonical_digit` takes it.

        Returns
        -------
        Reading
            The best guess, or no digit at all if the picture is blank or hopeless; its diagnosis says which.

        Raises
        ------
        InputError
            If it is no picture.
        """
        from jaxdigits.data.images import canonical_digit

        return self.read_prepared([canonical_digit(picture)])[0]

    def read_prepared(self, prepared: Sequence[tuple[NDArray[np.float32], Diagnosis]]) -> list[Reading]:
        """Read pictures of one digit that are canonical images by now, all in one run of the model.

        Parameters
        ----------
        prepared : sequence of (image, diagnosis)
            As `jaxdigits.data.images.canonical_digit` returns them.

        Returns
        -------
        list of Reading
            As `read_digit` would have read each.

        Raises
        ------
        InputError
            If an image is not canonical.
        """
        kept = [_Candidate(diagnosis.box, image, diagnosis) for image, diagnosis in prepared if diagnosis.readable]
        digits = iter(self._name(kept))
        return [
            Reading(((next(digits),),) if diagnosis.readable else (), diagnosis.size, diagnosis)
            for _, diagnosis in prepared
        ]

    def read_page(self, picture: Picture) -> Reading:
        """Read all digits of a picture, in reading order.

        A stroke that may be several digits which touch is read whole and in parts; the likelier reading is kept:
        the whole's probability against the geometric mean of the parts', each times that of being a digit, and the
        odds by its geometry that the cut is right.
        What does not look like a digit is left out, and kept in ``others``.

        Parameters
        ----------
        picture : path, bytes, PIL.Image.Image or ndarray
            As `jaxdigits.data.pages.find_digits` takes it.

        Returns
        -------
        Reading
            Lines of digits; none if nothing was found.

        Raises
        ------
        InputError
            If it is no picture.
        """
        from jaxdigits.data.pages import find_digits

        page = find_digits(picture)
        blobs = [blob for line in page.lines for blob in line]
        ways = [[(blob,), *blob.splits] for blob in blobs]
        # All candidates of the page go through the model in one call, each once even if several splits share it.
        parts = {id(part): part for way in ways for parts in way for part in parts}
        digits = self._name([_Candidate(part.box, part.image, part.diagnosis) for part in parts.values()])
        named = dict(zip(parts, digits, strict=True))
        odds = [(0.0, *(blob.odds or [0.0] * len(blob.splits))) for blob in blobs]
        read = iter(
            [
                _choose_way([[named[id(part)] for part in parts] for parts in way], by_shape)
                for way, by_shape in zip(ways, odds, strict=True)
            ]
        )
        found = [[digit for _ in line for digit in next(read)] for line in page.lines]
        lines = [tuple(digit for digit in line if digit.looks_like_digit) for line in found]
        others = tuple(digit for line in found for digit in line if not digit.looks_like_digit)
        return Reading(tuple(filter(None, lines)), page.size, page.diagnosis, float(page.angle), others)

    def read(self, picture: Picture) -> Reading:
        """Read a picture of one digit or of several.

        Parameters
        ----------
        picture : path, bytes, PIL.Image.Image or ndarray
            As for `read_digit`.

        Returns
        -------
        Reading
            As of `read_digit`, or as of `read_page` if the picture seems to hold several digits.

        Raises
        ------
        InputError
            If it is no picture.
        """
        reading = self.read_digit(picture)
        if not reading.diagnosis.several:
            return reading
        page = self.read_page(picture)
        return page if len(page.digits) > 1 else reading

    def _name(self, candidates: Sequence[_Candidate]) -> list[Digit]:
        """Read candidates, all at once."""
        if not candidates:
            return []
        probabilities, outlier = self._judge(np.stack([candidate.image for candidate in candidates]))
        digits = []
        for candidate, row, score in zip(candidates, probabilities, outlier.tolist(), strict=True):
            probability = float(row.max())
            looks = bool(candidate.diagnosis.readable and score < self.outlier_threshold)
            label = self.classes_[[row.argmax()]].tolist()[0]
            sure = looks and probability >= self.threshold
            digits.append(Digit(label, probability, row, score, looks, sure, *candidate))
        return digits

    def rejection_threshold(
        self,
        pictures: NDArray[Any] | Iterable[Picture],
        y: ArrayLike,
        *,
        risk: float = 0.001,
        confidence: float = 0.95,
    ) -> float:
        """Find the threshold that keeps the share of errors among sure digits below a stated risk.

        It holds for data like these, with the stated confidence; see `jaxdigits.calibration.rejection_threshold`.
        Samples that do not look like digits, or hold nothing to read, are never sure and don't count.

        Parameters
        ----------
        pictures : array-like of shape (n, 28, 28), (n, 784) or (n, 28, 28, 1), or sequence of pictures
            Numbers of these shapes are canonical images; anything else is a sequence of pictures as for `read_digit`.
            None of them may have been used for training.
        y : array-like of shape (n,)
            True labels.
        risk : float, default=0.001
            Share of errors that is allowed among sure digits.
        confidence : float, default=0.95
            Probability with which that holds.

        Returns
        -------
        float
            Pass it as ``threshold`` to a new recognizer.

        Raises
        ------
        InputError
            If the risk can't be reached, naming the least that can, or pictures and labels do not fit together.
        """
        from jaxdigits.data.images import canonical_digits

        labels = np.asarray(y)
        readable: NDArray[np.bool_] | bool = True
        if isinstance(pictures, np.ndarray) and pictures.dtype.kind != "O" and pictures.size % (SIDE * SIDE) == 0:
            images: ArrayLike = pictures
        else:
            images, diagnoses = canonical_digits(pictures)
            readable = np.array([diagnosis.readable for diagnosis in diagnoses], bool)
        probabilities, outlier = self._judge(images)
        if labels.shape != outlier.shape:
            raise InputError(
                f"y must have one label a picture, {len(outlier)}, got shape {labels.shape}. Give as many."
            )
        kept = readable & (outlier < self.outlier_threshold)
        if not kept.any():
            raise InputError(
                "pictures must hold digits, got none that looks like one. Check their polarity and labels."
            )
        correct = self.classes_[probabilities.argmax(axis=1)] == labels
        return rejection_threshold(probabilities.max(axis=1)[kept], correct[kept], risk=risk, confidence=confidence)


def _choose_threshold(name: str, given: float | None, own: object) -> float:
    for value, source in ((given, "caller"), (own, "model")):
        if value is None:
            continue
        if isinstance(value, int | float | np.number) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        if source == "model":
            raise defect(name, value, "a number from 0 to 1")
        raise InputError(f"{name} must be a number from 0 to 1, or None for the model's own, got {value!r}. Use 0.5.")
    return 0.5


def _read_n_views(model: LiteModel) -> int:
    own = model.metadata_.get("n_views", 1)
    if not isinstance(own, int) or isinstance(own, bool) or not 1 <= own <= len(VIEWS):
        raise defect("n_views", own, f"an int from 1 to {len(VIEWS)}")
    return own


def _choose_way(ways: list[list[Digit]], odds: Sequence[float]) -> list[Digit]:
    """Choose between a whole, which comes first, and its splits, each with its log odds by geometry."""

    def score(digits: list[Digit], by_shape: float) -> float:
        if not all(digit.diagnosis.readable for digit in digits):
            return -math.inf
        likely = [max(digit.probability * (1.0 - digit.not_a_digit), 1e-12) for digit in digits]
        return sum(map(math.log, likely)) / len(likely) + GEOMETRY_WEIGHT * by_shape

    scores = [score(digits, by_shape) for digits, by_shape in zip(ways, odds, strict=True)]
    return ways[scores.index(max(scores))]  # the whole, if all are alike


# ---- models that come with the package ----


@functools.cache
def _load_packaged(file_name: str) -> LiteModel:
    from importlib import resources

    file = resources.files("jaxdigits").joinpath("pretrained", file_name)
    if not file.is_file():
        raise ModelFileError(
            f"pretrained model is missing, expected {file}. "
            "Install jaxdigits again, or make it with python -m benchmarks.train_pretrained."
        )
    with resources.as_file(file) as path:
        return load_model(path)


def load_pretrained(
    name: str = "accurate",
    *,
    threshold: float | None = None,
    outlier_threshold: float | None = None,
    n_views: int | None = None,
) -> Recognizer:
    """Return a recognizer with a model that comes with the package, trained on MNIST's training images alone.

    Parameters
    ----------
    name : {"accurate", "small"}, default="accurate"
        "accurate" reads best, "small" starts fastest.
    threshold, outlier_threshold : float, optional
        As for `Recognizer`; None takes the model's own.
    n_views : int, optional
        As for `Recognizer`; None takes the model's own, which is 5 for "accurate" and 1 for "small".

    Returns
    -------
    Recognizer
        Its ``card`` tells what the model was trained on, how well it reads, and where it fails.

    Raises
    ------
    InputError
        If there is no model of that name.
    ModelFileError
        If its file is missing or damaged.

    Examples
    --------
    >>> from jaxdigits import load_pretrained
    >>> load_pretrained().read("photo.jpg").text  # doctest: +SKIP
    '7'
    >>> load_pretrained("huge")
    Traceback (most recent call last):
    jaxdigits.errors.InputError: name must be one of small, accurate, got 'huge'. Use 'accurate'.
    """
    if name not in PRETRAINED:
        raise InputError(f"name must be one of {', '.join(PRETRAINED)}, got {name!r}. Use 'accurate'.")
    model = _load_packaged(PRETRAINED[name])
    return Recognizer(model, threshold=threshold, outlier_threshold=outlier_threshold, n_views=n_views)


def read_digit(picture: Picture) -> Reading:
    """Read the one digit of a picture with the pretrained model.

    Parameters
    ----------
    picture : path, bytes, PIL.Image.Image or ndarray
        As for `Recognizer.read_digit`.

    Returns
    -------
    Reading
        The best guess, or no digit if the picture is blank or hopeless.

    Raises
    ------
    InputError
        If it is no picture.

    Examples
    --------
    >>> from jaxdigits.recognize import read_digit
    >>> reading = read_digit("photo.jpg")  # doctest: +SKIP
    >>> reading.digit, reading.probability  # doctest: +SKIP
    (7, 0.998)
    """
    return load_pretrained().read_digit(picture)


def read_page(picture: Picture) -> Reading:
    """Read all digits of a picture, in reading order, with the pretrained model.

    Parameters
    ----------
    picture : path, bytes, PIL.Image.Image or ndarray
        As for `Recognizer.read_page`.

    Returns
    -------
    Reading
        Lines of digits; none if nothing was found.

    Raises
    ------
    InputError
        If it is no picture.

    Examples
    --------
    >>> from jaxdigits.recognize import read_page
    >>> print(read_page("page.jpg").text)  # doctest: +SKIP
    314
    159
    """
    return load_pretrained().read_page(picture)
