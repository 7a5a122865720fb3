"""What the answers look like, for the OpenAPI document; the answers themselves are made without them, for speed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

__all__ = ["BODIES", "ErrorAnswer", "Health", "ModelAnswer", "PredictAnswer", "ReadAnswer"]

Label = int | str
Size = tuple[int, int]


class Found(BaseModel):
    """What was found in a picture, and what was mended."""

    description: str = Field(description="In words; empty if nothing was.")
    size: Size
    box: tuple[int, int, int, int] | None
    canonical: bool
    blank: bool
    hopeless: bool
    inverted: bool
    transparent: bool
    rotated: int
    off_center: tuple[float, float]
    thin: bool
    thick: bool
    low_contrast: bool
    shaded: bool
    ruled: bool
    n_digits: int = Field(description="Things of a digit's size in the picture; send it to read if there are several.")


class OneDigit(BaseModel):
    """A digit that was read."""

    digit: Label | None = Field(description="The likeliest; null if there is nothing to read.")
    probability: float | None
    probabilities: list[float] | None = Field(description="In the order of the model's classes.")
    not_a_digit: float | None = Field(description="How likely it is no digit at all.")
    sure: bool
    looks_like_digit: bool
    box: tuple[int, int, int, int] | None = Field(description="Left, top, right, bottom in the upright picture.")
    image: str | None = Field(description="What the model saw: 28 x 28 bytes, row by row, ink 255, in base64.")
    diagnosis: Found


class OnePicture(OneDigit):
    """A picture of one digit."""

    file: str | None = Field(description="Its name, if the client told one.")
    size: Size


class PredictAnswer(BaseModel):
    """What was read in pictures of one digit each."""

    model: str
    classes: list[Label]
    results: list[OnePicture]


class OnePage(BaseModel):
    """A page of digits."""

    file: str | None
    size: Size
    text: str = Field(description="The digits, a line each.")
    lines: list[list[OneDigit]]
    others: list[OneDigit] = Field(description="What does not look like a digit, left out of the lines.")
    sure: bool
    angle: float = Field(description="Degrees counter-clockwise that the lines are turned.")
    diagnosis: Found


class ReadAnswer(BaseModel):
    """What was read on pages."""

    model: str
    classes: list[Label]
    results: list[OnePage]


class ModelAnswer(BaseModel):
    """What is known of the model."""

    name: str
    version: str = Field(description="Of jaxdigits.")
    classes: list[Label]
    threshold: float = Field(description="A digit is sure from this probability on.")
    outlier_threshold: float
    card: dict[str, Any] = Field(description="What its file tells of data, recipe, accuracy and limits.")


class Health(BaseModel):
    """The server answers."""

    status: str


class ErrorAnswer(BaseModel):
    """Why there is no reading."""

    status: int
    error: str


_FILE = {"type": "string", "format": "binary"}
_FORM = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {"file": {"type": "array", "items": _FILE, "minItems": 1}},
    }
}
_PIXEL = {"type": "number", "minimum": 0, "maximum": 255}
_ROW = {"type": "array", "items": _PIXEL, "minItems": 28, "maxItems": 28}
_PIXELS = {
    "anyOf": [
        {"type": "array", "items": _PIXEL, "minItems": 784, "maxItems": 784},
        {"type": "array", "items": _ROW, "minItems": 28, "maxItems": 28},
    ]
}
_NAMED = {
    "type": "object",
    "required": ["pixels"],
    "additionalProperties": False,
    "properties": {"pixels": _PIXELS},
}
_PICTURES = {"multipart/form-data": _FORM, "image/*": {"schema": _FILE}}

BODIES: dict[str, dict[str, Any]] = {
    "predict": {
        "requestBody": {
            "required": True,
            "content": {**_PICTURES, "application/json": {"schema": {"anyOf": [_PIXELS, _NAMED]}}},
        }
    },
    "read": {"requestBody": {"required": True, "content": _PICTURES}},
}
"""What the two endpoints take, which read their bodies themselves: FastAPI would put large files on disk."""
