"""Any picture as levels between black and white: files, bytes, Pillow's images and arrays alike."""

from __future__ import annotations

import io
import os
import struct
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from jaxdigits.errors import DatasetError, InputError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MAX_PIXELS", "Box", "Picture", "Raster", "name_format", "open_picture"]

Picture: TypeAlias = "str | os.PathLike[str] | bytes | Image.Image | NDArray[Any]"
"""What is taken for a picture: a path, the contents of a file, a Pillow image, or an array (h, w[, channels])."""

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom lie outside."""

Floats: TypeAlias = NDArray[np.float32]

MAX_PIXELS = 100_000_000
"""Pictures with more pixels are refused before they are decoded: a small file can unpack to fill the memory."""

_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, struct.error)
"""What decoders raise when a file is broken."""

_SIGNATURES: dict[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"RIFF": "WEBP",
}
"""First bytes of a file -> Pillow's name of its format."""

BITMAP_SIDE = 64
"""Up to this side, uint8 pictures whose levels end at 16 are counts of ink, as those of the 8 x 8 digits."""

WHITES = (1.0, 16.0, 255.0, 65535.0)
"""Levels of white that numbers without a type of their own may be meant in."""


class _Turn(NamedTuple):
    """How a stored picture becomes upright: rows and columns change places, then it is flipped."""

    swapped: bool = False
    flipped_x: bool = False
    flipped_y: bool = False
    degrees: int = 0

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        array = array.swapaxes(0, 1) if self.swapped else array
        return np.ascontiguousarray(array[:: -1 if self.flipped_y else 1, :: -1 if self.flipped_x else 1])

    def undo_box(self, box: Box, size: tuple[int, int]) -> Box:
        """Find a box of the upright picture, of the size given, in the stored one."""
        left, top, right, bottom = self._flip_box(box, size)
        return (top, left, bottom, right) if self.swapped else (left, top, right, bottom)

    def apply_box(self, box: Box, size: tuple[int, int]) -> Box:
        """Find a box of the stored picture in the upright one, of the size given."""
        left, top, right, bottom = box
        return self._flip_box((top, left, bottom, right) if self.swapped else box, size)

    def _flip_box(self, box: Box, size: tuple[int, int]) -> Box:
        left, top, right, bottom = box
        if self.flipped_x:
            left, right = size[0] - right, size[0] - left
        if self.flipped_y:
            top, bottom = size[1] - bottom, size[1] - top
        return left, top, right, bottom


# By EXIF orientation; the degrees are clockwise, and leave mirroring out.
_TURNS = {
    2: _Turn(flipped_x=True),
    3: _Turn(flipped_x=True, flipped_y=True, degrees=180),
    4: _Turn(flipped_y=True, degrees=180),
    5: _Turn(swapped=True, degrees=90),
    6: _Turn(swapped=True, flipped_x=True, degrees=90),
    7: _Turn(swapped=True, flipped_x=True, flipped_y=True, degrees=270),
    8: _Turn(swapped=True, flipped_y=True, degrees=270),
}


@dataclass(frozen=True)
class Raster:
    """A decoded picture, upright and perhaps reduced.

    Parameters
    ----------
    levels : ndarray of shape (h, w) or (h, w, 3), float32
        From black, 0, to white, 1.
    alpha : ndarray of shape (h, w), float32, or None
        From transparent, 0, to opaque, 1; None for a picture that is opaque everywhere.
    rotated : {0, 90, 180, 270}
        Degrees clockwise that EXIF asked for.
    scale : float
        Pixels of the raster per pixel of the picture, at most 1.
    size : (width, height)
        Of the upright picture, in its own pixels.
    origin : (left, top), default=(0, 0)
        Corner of the region that was read, in pixels of the upright picture.
    """

    levels: Floats
    alpha: Floats | None
    rotated: int
    scale: float
    size: tuple[int, int]
    origin: tuple[int, int] = (0, 0)


def name_format(head: bytes) -> str | None:
    """Name the format of a picture file by its first bytes.

    Parameters
    ----------
    head : bytes
        At least the first twelve bytes, if there are so many.

    Returns
    -------
    {"PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"} or None
        None for any other format.

    Examples
    --------
    >>> from jaxdigits.data.decoding import name_format
    >>> name_format(b"GIF89a..."), name_format(b"%PDF-1.7")
    ('GIF', None)
    """
    found = next((name for signature, name in _SIGNATURES.items() if head.startswith(signature)), None)
    return None if found == "WEBP" and head[8:12] != b"WEBP" else found


def open_picture(picture: Picture, *, longest: int | None = None, region: Box | None = None) -> Raster:
    """Decode a picture of any kind.

    Parameters
    ----------
    picture : path, bytes, PIL.Image.Image or ndarray of shape (h, w) or (h, w, 1 to 4)
        Gray, gray with alpha, RGB or RGBA where it is an array. uint8 and uint16 mean their full range (uint8 of 0
        and 1 alone: black and white; small bitmaps that end at 16: 16), other numbers the least white of 1, 16, 255
        and 65,535 that holds them.
    longest : int or None, default=None
        A longer side is reduced, averaging whole blocks of pixels, to at most this; None keeps every pixel.
    region : (left, top, right, bottom) or None, default=None
        Part to read, in pixels of the upright picture.

    Returns
    -------
    Raster

    Raises
    ------
    DatasetError
        If a file is no picture that can be read, or has several frames.
    InputError
        If an array has no shape of a picture, is empty, or holds NaN or negative levels; if there are too many pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.decoding import open_picture
    >>> float(open_picture(np.full((40, 30), 51, np.uint8)).levels[0, 0])
    0.2
    """
    if isinstance(picture, np.ndarray):
        return _from_array(picture, longest, region)
    if isinstance(picture, str | os.PathLike | bytes):
        return _from_file(picture, longest, region)
    if hasattr(picture, "getbands"):
        return _from_pillow(picture, longest, region)
    raise InputError(
        f"picture must be a path, bytes, a Pillow image or an array, got {type(picture).__name__}. "
        "Turn it into an array first."
    )


def _from_file(source: str | os.PathLike[str] | bytes, longest: int | None, region: Box | None) -> Raster:
    from PIL import Image, UnidentifiedImageError

    name = "picture" if isinstance(source, bytes) else os.fspath(source)
    try:
        with _open(source) as image:
            _check_size(image.size, name)
            # A phone's MPO file holds one photo and its previews; several frames elsewhere, several pictures.
            n_frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            if n_frames > 1:
                raise DatasetError(
                    f"{name}: {n_frames} frames, expected one picture. Save the one that is meant as a file of its own."
                )
            return _decode(image, longest, region, draft=image.format in ("JPEG", "MPO"))
    except DatasetError:
        raise
    except InputError as error:
        message = str(error)
        raise DatasetError(message if message.startswith(f"{name}: ") else f"{name}: {message}") from error
    except FileNotFoundError:
        raise DatasetError(f"{name}: no such file. Check the path.") from None
    except IsADirectoryError:
        raise DatasetError(f"{name}: a folder, expected a picture. Name a file in it.") from None
    except UnidentifiedImageError:
        raise DatasetError(f"{name}: of no format that is known for pictures. Save it as PNG or JPEG.") from None
    except Image.DecompressionBombError:
        raise DatasetError(f"{name}: over {MAX_PIXELS // 10**6} million pixels. Reduce it first.") from None
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"{name}: cannot be decoded ({reason}), expected a whole picture. Replace it.") from error


def _open(source: str | os.PathLike[str] | bytes) -> Image.Image:
    from PIL import Image

    with warnings.catch_warnings():
        # The size is checked right after this, against a limit of our own.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        if not isinstance(source, bytes):
            return Image.open(source)
        # No decoder but its own gets to see what says what it is: some take nearly anything, or start programs.
        named = name_format(source)
        return Image.open(io.BytesIO(source), formats=None if named is None else (named,))


def _from_pillow(image: Image.Image, longest: int | None, region: Box | None) -> Raster:
    _check_size(image.size, "picture")
    try:
        return _decode(image, longest, region)
    except InputError:
        raise
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())
        raise InputError(f"picture cannot be decoded ({reason}), expected a whole one. Replace it.") from error


def _decode(image: Image.Image, longest: int | None, region: Box | None, *, draft: bool = False) -> Raster:
    """Cut out, reduce and turn; with `draft`, which changes the image, by what its decoder can leave out."""
    degrees = _read_turn(image).degrees
    if image.format == "TIFF":
        image.load()  # Pillow turns these itself
    turn, stored = _read_turn(image), image.size
    size = (stored[1], stored[0]) if turn.swapped else stored
    part = (0, 0, *stored) if region is None else turn.undo_box(region, size)
    drafted = 1
    factor = _find_factor(part, longest)
    if draft and factor > 1:
        # The decoder itself leaves out what reducing would average away: a photo opens in a fifth of the time.
        image.draft(None, (max(1, stored[0] // factor), max(1, stored[1] // factor)))
        drafted = round(stored[0] / image.size[0])
        left, top, right, bottom = part
        # Whole blocks of a pixel each.
        right, bottom = (-(-edge // drafted) * drafted for edge in (right, bottom))
        part = (left // drafted * drafted, top // drafted * drafted, min(right, stored[0]), min(bottom, stored[1]))
    if region is not None:
        left, top, right, bottom = part
        image = image.crop((left // drafted, top // drafted, -(-right // drafted), -(-bottom // drafted)))
    image = _without_palette(image)
    factor = _find_factor((0, 0, *image.size), longest)
    image = image.reduce(factor) if factor > 1 else image
    levels, alpha = _to_levels(image)
    alpha = None if alpha is None else turn.apply(alpha)
    origin = turn.apply_box(part, size)[:2]
    return Raster(turn.apply(levels), alpha, degrees, 1 / (drafted * factor), size, origin)


def _read_turn(image: Image.Image) -> _Turn:
    try:
        orientation = image.getexif().get(0x0112, 1)
        return _TURNS.get(orientation, _Turn())
    except Exception:  # whatever is wrong with the camera's notes, the picture may be whole
        return _Turn()


def _find_factor(box: Box, longest: int | None) -> int:
    side = max(box[2] - box[0], box[3] - box[1])
    return max(1, -(-side // longest)) if longest else 1


def _check_size(size: tuple[int, int], name: str) -> None:
    if min(size) < 1:
        raise InputError(f"{name}: {size[0]} x {size[1]} pixels, expected at least one. Replace it.")
    if size[0] * size[1] > MAX_PIXELS:
        raise InputError(
            f"{name}: {size[0]} x {size[1]} pixels, expected at most {MAX_PIXELS // 10**6} million. Reduce it first."
        )


def _without_palette(image: Image.Image) -> Image.Image:
    """Turn palettes, black-and-white and rare color spaces into modes whose pixels can be averaged."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _to_float(image)
    wanted = "RGBA" if image.has_transparency_data else "L" if image.mode in ("1", "L") else "RGB"
    return image if image.mode == wanted else image.convert(wanted)  # converting to the same mode copies


def _to_float(image: Image.Image) -> Image.Image:
    """Scale deep gray levels to 0..1; Pillow's own conversions cut them off at 255."""
    from PIL import Image

    levels = np.asarray(image)
    if image.mode.startswith("I;16"):
        levels = levels.astype(np.uint16)
    return Image.fromarray(_scale_numbers(levels))


def _to_levels(image: Image.Image) -> tuple[Floats, Floats | None]:
    image = _without_palette(image)
    if image.mode == "F":
        return np.asarray(image, np.float32), None
    values = np.asarray(image, np.float32) / np.float32(255)
    return _part_channels(values)


def _part_channels(values: Floats) -> tuple[Floats, Floats | None]:
    """Split alpha off where it says something, and drop colors that are all gray."""
    if values.ndim == 2:
        return values, None
    channels = values.shape[2]
    alpha = values[:, :, -1] if channels in (2, 4) else None
    if alpha is not None and alpha.min() > 0.98:
        alpha = None
    colors = values[:, :, :1] if channels <= 2 else values[:, :, :3]
    first = colors[:, :, 0]
    if all(np.abs(colors[:, :, i] - first).max() < 0.02 for i in range(1, colors.shape[2])):
        return np.ascontiguousarray(colors[:, :, 0]), alpha
    return np.ascontiguousarray(colors), alpha


def _scale_numbers(array: NDArray[Any]) -> Floats:
    """Bring numbers of any type to 0..1."""
    if array.dtype.kind not in "buif":
        raise InputError(f"picture must hold numbers, got {array.dtype}. Convert it, for example with astype(float).")
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError("picture must hold finite levels, got NaN or infinity. Fill the gaps first.")
    if low < 0:
        raise InputError(f"picture must hold levels from 0, got {low:g}. Undo the standardization, or add an offset.")
    if array.dtype == np.uint8 and not (high <= 1 or (high <= 16 and max(array.shape) <= BITMAP_SIDE)):
        white = 255.0
    elif array.dtype == np.uint16:
        white = 65535.0 if high > 255 else 255.0
    else:
        white = next((white for white in WHITES if high <= white), high)
    return array.astype(np.float32) / np.float32(white)


def _from_array(array: NDArray[Any], longest: int | None, region: Box | None) -> Raster:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] > 4) or 0 in array.shape:
        raise InputError(
            f"picture must be an array of shape (h, w) or (h, w, 1 to 4), got {array.shape}. "
            "Pass one picture, channels last."
        )
    height, width = array.shape[:2]
    _check_size((width, height), "picture")
    if region is not None:
        array = array[region[1] : region[3], region[0] : region[2]]
    factor = _find_factor((0, 0, array.shape[1], array.shape[0]), longest)
    values = _reduce(array, factor) if factor > 1 else _scale_numbers(array)
    levels, alpha = _part_channels(values)
    return Raster(levels, alpha, 0, 1 / factor, (width, height), region[:2] if region else (0, 0))


def _reduce(array: NDArray[Any], factor: int) -> Floats:
    """Average blocks of factor x factor pixels."""
    from PIL import Image

    if array.dtype == np.uint8 and array.max() > 1 and (array.ndim == 2 or array.shape[2] in (3, 4)):
        return np.asarray(Image.fromarray(array).reduce(factor), np.float32) / np.float32(255)
    scaled = _scale_numbers(array)
    if scaled.ndim == 2:
        return np.asarray(Image.fromarray(scaled).reduce(factor), np.float32)
    planes = [np.asarray(Image.fromarray(scaled[:, :, i]).reduce(factor)) for i in range(scaled.shape[2])]
    return np.stack(planes, axis=-1)
