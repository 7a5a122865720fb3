"""What may be decoded at all: the format by its first bytes, the number of pixels and of frames by its header."""

from __future__ import annotations

import io

from jaxdigits.data.decoding import name_format
from jaxdigits.serve.refusals import Refusal

__all__ = ["count_pixels"]


def count_pixels(content: bytes, *, most: int) -> int:
    """Count the pixels of a picture without decoding it, and refuse what should not be decoded.

    Parameters
    ----------
    content : bytes
        A file.
    most : int
        Pixels that are accepted.

    Returns
    -------
    int

    Raises
    ------
    Refusal
        415 if it is no picture; 400 if it is broken, empty, too large or an animation.

    Examples
    --------
    >>> from jaxdigits.serve.pictures import count_pixels
    >>> count_pixels(b"%PDF-1.7", most=100)
    Traceback (most recent call last):
    jaxdigits.serve.refusals.Refusal: This is of no format that is known for pictures. Save it as PNG or JPEG.
    """
    from PIL import Image

    named = name_format(content)
    if named is None:
        raise Refusal(415, "This is of no format that is known for pictures. Save it as PNG or JPEG.")
    try:
        with Image.open(io.BytesIO(content), formats=(named,)) as image:
            width, height = image.size
            # A phone's photos hold previews of themselves. Of the others, frames are looked at until the second.
            moves = image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many(most) from None
    except Exception:  # whatever the parser of a header stumbles over, the file is to blame
        raise Refusal(400, f"The {named} is broken, its header can't be read. Save the picture again.") from None
    if min(width, height) < 1:
        raise Refusal(400, f"The picture has {width} x {height} pixels, expected at least one. Choose another.")
    if width * height > most:
        raise _too_many(most)
    if moves:
        raise Refusal(400, "The picture is animated or has several pages, expected one. Save the one that is meant.")
    return width * height


def _too_many(most: int) -> Refusal:
    return Refusal(400, f"The picture has too many pixels, expected at most {most / 1e6:g} million. Reduce it first.")
