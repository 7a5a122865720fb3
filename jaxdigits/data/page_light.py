"""Even light on a page: shadows, desks and dark boards become white paper under dark ink."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from jaxdigits.data.decoding import Raster
from jaxdigits.data.ink import resize

__all__ = ["EvenPage", "even_light"]

Floats = NDArray[np.float32]

_SIDE = 256  # pixels: the ground is found at this size
_WINDOW = 0.09  # of the longer side: wider than the strokes of a page, narrower than its shadows
_COARSER, _AROUND = 4, 9  # what is around is the median of 9 x 9 pixels of a fourth of the size
_SHADED = 0.12  # of the light: differences that are told as uneven light
_GRAY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class EvenPage:
    """A page in even light.

    Attributes
    ----------
    raster : Raster
        Dark ink on white paper; a page with a transparent ground as it was.
    inverted : bool
        The ink was lighter than the paper.
    shaded : bool
        The light was uneven.
    """

    raster: Raster
    inverted: bool
    shaded: bool


def even_light(raster: Raster) -> EvenPage:
    """Divide a page by the light on its paper.

    The light is a morphological closing over a window that is wider than strokes and much narrower than a page, so
    that it follows shadows, and the step from a sheet to the desk it lies on. Light ink is what covers less than the
    dark between it.

    Parameters
    ----------
    raster : Raster
        A page with digits that are small beside it.

    Returns
    -------
    EvenPage

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.decoding import open_picture
    >>> from jaxdigits.data.page_light import even_light
    >>> board = np.full((300, 400), 40, np.uint8)
    >>> board[100:160, 100:106] = 220
    >>> page = even_light(open_picture(board))
    >>> page.inverted, float(page.raster.levels[10, 10]), bool(page.raster.levels[120, 103] < 0.5)
    (True, 1.0, True)
    """
    if raster.alpha is not None or max(raster.levels.shape) < _SIDE:
        return EvenPage(raster, False, False)
    levels = raster.levels if raster.levels.ndim == 3 else raster.levels[:, :, None]
    small = _shrink(levels)
    gray = np.asarray(small @ _GRAY if small.shape[2] == 3 else small[:, :, 0], np.float32)
    light = _has_light_ink(gray)
    if light:
        levels, small, gray = 1 - levels, 1 - small, 1 - gray
    planes = [_divide(levels[:, :, i], small[:, :, i], light=light) for i in range(levels.shape[2])]
    evened = np.stack(planes, axis=2) if len(planes) > 1 else planes[0]
    low, high = np.percentile(_find_ground(gray), [3, 97])
    return EvenPage(replace(raster, levels=evened), light, bool(high - low > _SHADED * high))


def _shrink(levels: Floats) -> Floats:
    factor = _SIDE / max(levels.shape)
    shape = max(1, round(levels.shape[0] * factor)), max(1, round(levels.shape[1] * factor))
    planes = [ndimage.gaussian_filter(resize(levels[:, :, i], shape), 0.7) for i in range(levels.shape[2])]
    return np.stack(planes, axis=2)


def _find_ground(plane: Floats) -> Floats:
    """Close what is dark and narrow."""
    window = max(3, int(_WINDOW * max(plane.shape)) | 1)
    ground = ndimage.minimum_filter(ndimage.maximum_filter(plane, window, mode="nearest"), window, mode="nearest")
    # One pixel darker all around: the edge of a hard shadow must not be left standing as a line.
    eroded: Floats = ndimage.minimum_filter(ground, 3, mode="nearest")
    return eroded


def _divide(plane: Floats, small: Floats, *, light: bool) -> Floats:
    ground = resize(_find_ground(small), (plane.shape[0], plane.shape[1]))
    # A turned board is bright; what the chalk adds to it is a difference, not a share.
    evened = 1 - (ground - plane) if light else plane / np.maximum(ground, np.float32(0.02))
    return np.clip(evened, 0, 1)


def _has_light_ink(gray: Floats) -> bool:
    """Tell whether ink is what is narrow and light, or narrow and dark.

    Paper between strokes is narrow, too, but as bright as what is around it, while ink differs from that. This alone is
    wrong about a few sheets that lie on a dark desk, and that ink covers less than what is between it is wrong about
    pages with few digits; both together were right about all of 100 pages.
    """
    coarse = resize(gray, (max(1, gray.shape[0] // _COARSER), max(1, gray.shape[1] // _COARSER)))
    around = resize(ndimage.median_filter(coarse, _AROUND, mode="nearest"), (gray.shape[0], gray.shape[1]))
    dark, light = (_find_ground(side) - side for side in (gray, 1 - gray))
    of_dark, of_light = (dark * np.maximum(around - gray, 0)).sum(), (light * np.maximum(gray - around, 0)).sum()
    return float(of_light * _cover(dark)) > float(of_dark * _cover(light))


def _cover(signal: Floats) -> float:
    """Share of a page that stands out, of a signal that is strong."""
    top = max(float(np.percentile(signal, 99.7)), 1e-6)
    return float((signal > 0.4 * top).mean()) / top
