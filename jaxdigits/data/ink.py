"""From levels of gray or color to ink: what was drawn, whatever it was drawn with and on.

Paper becomes 0 and full ink about 1, whether the ink is dark, light, colored or opaque on a transparent ground, and
whether the light fell evenly or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from jaxdigits.data.decoding import Floats, Raster
from jaxdigits.data.rulings import remove_rulings

__all__ = ["SMALLEST_SIDE", "Ink", "find_ink", "resize"]

Mask = NDArray[np.bool_]

SMALLEST_SIDE = 96
"""Pictures whose longer side is shorter are enlarged first, so that a stroke is some pixels wide everywhere."""

MIN_CONTRAST = 0.035
"""Levels, of a range of 1, between paper and ink below which a picture is taken for blank."""

LOW_CONTRAST = 0.3

_EVEN_SIDE = 48  # shorter pictures are bitmaps, whose ground is even and whose strokes may fill most of them
_ALIKE = 0.12  # correlation of neighboring pixels; 2,000 bitmaps of digits from 12 x 12 pixels on had 0.22 or more
_ENDS = 6  # lonely pixels that may be the ends of a digit's lines of one pixel
_GROUND_SIDE = 128
_WEDGE = 2.0  # times the strokes' width: what is wider and lies at the border is shadow
_GROUND_WINDOW = 0.45  # of the longer side: wider than any stroke, narrower than most shadows


@dataclass(frozen=True)
class Ink:
    """What stands out of a picture.

    Parameters
    ----------
    strength : ndarray of shape (h, w), float32
        Paper 0, full ink about 1.
    threshold : float
        Strengths above are ink.
    scale : float
        Pixels of `strength` per pixel of the picture; above 1 where a small picture was enlarged.
    contrast : float
        Levels between paper and ink, of a range of 1.
    inverted : bool
        Ink was lighter than its ground.
    transparent : bool
        The ground was transparent.
    shaded : bool
        Uneven light was removed.
    ruled : bool
        Lines of the paper were removed.
    blank : bool
        Nothing stands out; `strength` is all paper.
    """

    strength: Floats
    threshold: float
    scale: float
    contrast: float
    inverted: bool = False
    transparent: bool = False
    shaded: bool = False
    ruled: bool = False
    blank: bool = False

    @property
    def low_contrast(self) -> bool:
        """Whether ink and paper are close."""
        return not self.blank and self.contrast < LOW_CONTRAST


class _Raised(NamedTuple):
    """Ink above its ground, in levels, before its strength is known."""

    signal: Floats
    inverted: bool
    transparent: bool
    shaded: bool


def find_ink(raster: Raster) -> Ink:
    """Separate ink from what it was drawn on.

    Parameters
    ----------
    raster : Raster
        A picture of one digit or of many.

    Returns
    -------
    Ink

    Notes
    -----
    The ground is a morphological closing (an opening for light ink) over a window wider than any stroke, which follows
    hard shadows as well as soft ones. The threshold is the mean level weighted by the squared gradient, that of the
    edges, and so does not depend on how much of the picture is ink (Kittler, Illingworth & Foglein, 1985, weigh by
    the gradient).

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.decoding import open_picture
    >>> from jaxdigits.data.ink import find_ink
    >>> page = np.full((100, 100), 200, np.uint8)
    >>> page[20:80, 45:55] = 40
    >>> ink = find_ink(open_picture(page))
    >>> ink.inverted, round(float(ink.strength[50, 50]), 1), round(float(ink.strength[50, 10]), 1)
    (False, 1.0, 0.0)
    """
    raised = _raise(raster)
    signal = _without_impulses(raised.signal)
    if _is_noise(raised.signal):
        return Ink(np.zeros_like(signal), 0.5, raster.scale, 0.0, raised.inverted, raised.transparent, blank=True)
    factor = -(-SMALLEST_SIDE // max(signal.shape)) if max(signal.shape) < SMALLEST_SIDE else 1
    if factor > 1:
        signal = resize(signal, (signal.shape[0] * factor, signal.shape[1] * factor))
    scale = raster.scale * factor
    blank = Ink(
        np.zeros_like(signal), 0.5, scale, 0.0, raised.inverted, raised.transparent, shaded=raised.shaded, blank=True
    )
    levels = _find_levels(signal)
    if levels is None:
        return blank
    strength, threshold, contrast = levels
    strength, ruled = remove_rulings(strength, threshold)
    if ruled:  # the lines took part in the levels
        again = _find_levels(strength * contrast)
        if again is None:
            return blank
        strength, threshold, contrast = again
    return Ink(strength, threshold, scale, contrast, raised.inverted, raised.transparent, raised.shaded, ruled)


def resize(levels: Floats, shape: tuple[int, int]) -> Floats:
    """Resize an array, averaging where it shrinks and smooth where it grows.

    Parameters
    ----------
    levels : ndarray of shape (h, w), float32
        What is to be resized.
    shape : (height, width)
        What comes out.

    Returns
    -------
    ndarray of shape `shape`, float32
    """
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(levels, np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), np.float32)


# ---- from colors and transparency to one signal ----


def _raise(raster: Raster) -> _Raised:
    levels, transparent = raster.levels, False
    if raster.alpha is not None:
        levels, covered, transparent = _compose(levels, raster.alpha)
        if covered is not None:
            return _Raised(covered, float(levels.mean()) > 0.5, True, False)
    gray = _to_gray(levels)
    inverted = _has_light_ink(gray)
    if max(gray.shape) <= _EVEN_SIDE:
        return _Raised(gray if inverted else 1 - gray, inverted, transparent, False)
    signal, shaded = _above_ground(gray, inverted)
    return _Raised(signal, inverted, transparent, shaded)


def _compose(levels: Floats, alpha: Floats) -> tuple[Floats, Floats | None, bool]:
    """Lay a transparent picture on a ground of its own.

    Where the picture draws its strokes alone, their opacity is the ink, dark or light. Where it brings paper with
    something on it, that paper is continued into what is transparent.
    """
    peak = float(alpha.max())
    if peak < MIN_CONTRAST:
        return np.zeros_like(alpha), np.zeros_like(alpha), True
    opaque = alpha > 0.5 * peak
    clear = 1 - float(opaque.mean())
    colors = levels.reshape(levels.shape[0], levels.shape[1], -1)
    core = ndimage.binary_erosion(opaque)  # edges may have the color of what lay below
    inside = colors[core if core.sum() > 0.1 * opaque.sum() else opaque]
    paper = np.median(inside, axis=0)
    drawn_on = float((np.abs(inside - paper).max(axis=1) > 0.2).mean()) > 0.005
    if clear > 0.2 and not (drawn_on and _is_sheet(opaque)):
        return np.asarray(inside, np.float32), alpha, True
    filled = colors * alpha[..., None] + paper * (1 - alpha[..., None])
    return filled.reshape(levels.shape).astype(np.float32), None, bool(clear > 0.02)


def _is_sheet(opaque: Mask) -> bool:
    """Tell a sheet, a badge or a tile from strokes: it fills most of its box."""
    rows, columns = np.flatnonzero(opaque.any(axis=1)), np.flatnonzero(opaque.any(axis=0))
    box = opaque[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return bool(box.mean() > 0.7)  # a disk fills 0.79 of its box


def _to_gray(levels: Floats) -> Floats:
    """Project colors on the line along which ink and paper differ most."""
    if levels.ndim == 2:
        return levels
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    step = max(1, max(levels.shape) // 128)
    small = levels[::step, ::step] if step > 1 else levels
    edges = small - ndimage.uniform_filter(small, (9, 9, 1), mode="nearest")
    edges = edges.reshape(-1, 3)
    values, vectors = np.linalg.eigh(edges.T @ edges / len(edges))
    axis = vectors[:, -1].astype(np.float32)
    gray_share = float(np.abs(axis.sum()) / np.sqrt(3))
    if values[-1] < 1e-6 or gray_share > 0.97:  # differs in brightness
        return levels @ weights
    axis = axis if axis @ weights > 0 else -axis
    projected = levels @ axis
    low = float(np.minimum(axis, 0).sum())
    high = float(np.maximum(axis, 0).sum())
    return ((projected - low) / (high - low)).astype(np.float32)


def _has_light_ink(gray: Floats) -> bool:
    """Decide the polarity: ink is what is thin, covers less, and leaves border and corners free.

    Both answers are tried, each against its own ground, and the one that looks less like a ground is taken.
    """
    small = _shrink(gray, 96)
    costs = []
    for light in (False, True):
        signal = (
            _above_ground(small, light, wedges=False)[0]
            if max(gray.shape) > _EVEN_SIDE
            else (small if light else 1 - small)
        )
        # Against the wrong ground, what is left may be scraps with edges that the picture does not have.
        costs.append(_likeness_to_ground(signal) + 1 - _agreement(signal, small if light else -small))
    return costs[1] - 0.5 * _skewness(small) < costs[0] + 0.5 * _skewness(small)


def _skewness(levels: Floats) -> float:
    """Tell on which side of their surroundings few pixels differ much: 1 for light strokes, -1 for dark ones."""
    local = levels - ndimage.gaussian_filter(levels, 0.12 * max(levels.shape), mode="nearest")
    local -= local.mean()
    spread = float(np.sqrt((local**2).mean()))
    return float(np.clip((local**3).mean() / spread**3 / 2, -1, 1)) if spread > 0 else 0.0


def _agreement(one: Floats, other: Floats) -> float:
    """Cosine between the gradients of two arrays."""
    if min(one.shape) < 2:
        return 1.0
    first, second = np.gradient(one), np.gradient(other)
    product = sum(float((a * b).sum()) for a, b in zip(first, second, strict=True))
    lengths = [sum(float((a * a).sum()) for a in pair) for pair in (first, second)]
    return product / float(np.sqrt(lengths[0] * lengths[1])) if min(lengths) > 0 else 0.0


def _likeness_to_ground(signal: Floats) -> float:
    threshold = _edge_level(signal)
    mask = _without_frame(signal > threshold)
    border = _border(mask)
    k = max(1, min(mask.shape) // 10)
    corners = [mask[:k, :k], mask[:k, -k:], mask[-k:, :k], mask[-k:, -k:]]
    # A ground goes on beyond the picture: so does what lies at the border here.
    padded = np.pad(mask, max(mask.shape) // 4, mode="edge")
    width = float(ndimage.distance_transform_cdt(padded).max()) / max(mask.shape) if padded.any() else 1.0
    corner = float(np.mean([part.mean() for part in corners]))
    return 2 * float(border.mean()) + float(mask.mean()) + corner + 2 * width


def _border(mask: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])


def _without_frame(mask: Mask) -> Mask:
    """Cut a thin frame off, which is neither ink nor ground."""
    depth = max(2, min(mask.shape) // 20)
    inner = mask[depth:-depth, depth:-depth]
    framed = min(inner.shape) > 8 and _border(mask).mean() > _border(inner).mean() + 0.3
    return inner if framed else mask


# ---- uneven light ----


def _shrink(levels: Floats, longest: int) -> Floats:
    factor = max(levels.shape) / longest
    if factor <= 1:
        return levels
    return resize(levels, (max(1, round(levels.shape[0] / factor)), max(1, round(levels.shape[1] / factor))))


def _above_ground(gray: Floats, light: bool, *, wedges: bool = True) -> tuple[Floats, bool]:
    """Subtract the ground under light ink, or divide by the light on the paper under dark ink."""
    small = ndimage.gaussian_filter(_shrink(gray, _GROUND_SIDE), 0.7)
    window = max(3, int(_GROUND_WINDOW * max(small.shape)) | 1)
    trend = _fit_trend(small, light)
    # What rises evenly up to the border would be cut off there by the window; without the trend it is flat.
    ground = _close(small - trend if light else small / trend, window, light)
    ground = ground + trend if light else ground * trend
    if wedges:
        ground = _follow_shadows(small, ground, light)
    # One pixel more on the side of the ink: the edge of a hard shadow must not be left standing as a line.
    ground = (ndimage.maximum_filter if light else ndimage.minimum_filter)(ground, 3, mode="nearest")
    low, high = np.percentile(ground, [3, 97])
    if ground.shape != gray.shape:
        ground = resize(ground, (gray.shape[0], gray.shape[1]))
    return _subtract(gray, ground, light), bool(high - low > 0.1 * (1 if light else high))


def _subtract(gray: Floats, ground: Floats, light: bool) -> Floats:
    return np.maximum(gray - ground if light else 1 - gray / np.maximum(ground, 0.02), 0)


def _close(levels: Floats, window: int, light: bool) -> Floats:
    """Close over everything that is narrower than the window."""
    first, then = (ndimage.minimum_filter, ndimage.maximum_filter)[:: 1 if light else -1]
    return np.asarray(then(first(levels, window, mode="nearest"), window, mode="nearest"), np.float32)


def _fit_trend(levels: Floats, light: bool) -> Floats:
    """Fit a paraboloid to the light that falls on the paper; flat where there is no such light.

    Under dark ink its logarithm is tried too, which suits vignettes.
    """
    flat = np.full_like(levels, 0.0 if light else 1.0)
    spread = float(np.median(np.abs(levels - np.median(levels))))
    if spread < 0.02:
        return flat
    trend, off = _fit_paraboloid(levels)
    if not light:
        logarithm, _ = _fit_paraboloid(np.log(np.maximum(levels, 0.02)))
        other = np.exp(logarithm)
        other_off = float(np.median(np.abs(levels - other)))
        trend, off = (other, other_off) if other_off < off else (trend, off)
    return np.maximum(trend, 0.02).astype(np.float32) if off < 0.35 * spread else flat  # a hard shadow is no trend


def _fit_paraboloid(levels: Floats) -> tuple[NDArray[Any], float]:
    """Fit by least absolute deviations, reweighting: ink is the smaller part and does not count."""
    places = np.meshgrid(*(np.linspace(-1, 1, side) for side in levels.shape), indexing="ij")
    terms = np.stack([np.ones(levels.shape), *places, places[0] ** 2, places[0] * places[1], places[1] ** 2], axis=-1)
    step = max(1, max(levels.shape) // 32)
    some, seen = terms[::step, ::step].reshape(-1, 6), levels[::step, ::step].ravel()
    weights = np.ones(len(seen))
    for _ in range(8):
        scaled = some * weights[:, None]
        coefficients = np.linalg.lstsq(scaled.T @ some, scaled.T @ seen, rcond=None)[0]
        weights = 1 / np.maximum(np.abs(seen - some @ coefficients), 0.005)
    fitted = np.clip(terms @ coefficients, seen.min(), seen.max())
    return fitted, float(np.median(np.abs(levels - fitted)))


def _follow_shadows(small: Floats, ground: Floats, light: bool) -> Floats:
    """Lower the ground where the window was too wide to enter the wedge between a shadow's edge and the border.

    Such a wedge lies at the border and is several times wider than the strokes, so that a window just wider than they
    are follows it and still bridges them.
    """
    signal = _subtract(small, ground, light)
    mask = signal > _edge_level(signal)
    inside = ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge"))[1:-1, 1:-1]
    ridge = inside[(inside == ndimage.maximum_filter(inside, 3)) & mask]
    if not len(ridge):
        return ground
    # Of the widths found in a picture, that which half of the ink has: not that of many fine lines of the paper.
    ridge = np.sort(ridge)
    half = max(1.5, float(ridge[np.searchsorted(np.cumsum(ridge), 0.5 * ridge.sum())]))
    labels, _ = ndimage.label(inside > _WEDGE * half)
    wedges = np.unique(_border(labels))
    wedges = wedges[wedges > 0]
    if not len(wedges):
        return ground
    core = np.isin(labels, wedges)
    near = ndimage.distance_transform_edt(~core) < 2 * _WEDGE * half
    return np.where(near, _close(small, int(4 * half) | 1, light), ground)


# ---- levels ----


def _is_noise(signal: Floats) -> bool:
    """Tell a small bitmap whose pixels have nothing to do with their neighbors, or one without any."""
    if max(signal.shape) > _EVEN_SIDE:
        return False
    if min(signal.shape) < 12:  # chance may make anything of so few pixels
        return bool(min(signal.shape) < 2 or max(signal.shape) < 5)
    centered = signal - signal.mean()
    pairs = [
        (centered[1:], centered[:-1]),
        (centered[:, 1:], centered[:, :-1]),
        (centered[1:, 1:], centered[:-1, :-1]),
        (centered[1:, :-1], centered[:-1, 1:]),
    ]
    power = float((centered**2).mean())
    alike = max(float((one * other).mean()) for one, other in pairs)
    return alike < _ALIKE * power


def _edge_level(signal: Floats) -> float:
    """Mean level weighted by the squared gradient; half of the range if there are no edges."""
    smooth = ndimage.gaussian_filter(signal, 0.8, mode="nearest") if max(signal.shape) > 40 else signal
    vertical, horizontal = np.gradient(smooth) if min(smooth.shape) > 1 else (smooth, smooth)
    weights = vertical**2 + horizontal**2
    grain = 8 * float(np.median(weights))  # most of a picture is paper
    weights = np.maximum(weights - min(grain, 0.2 * float(weights.max())), 0)
    total = float(weights.sum())
    return float((smooth * weights).sum() / total) if total > 0 else 0.5 * float(signal.max() + signal.min())


def _find_levels(signal: Floats) -> tuple[Floats, float, float] | None:
    """Return the strength of ink, its threshold and the contrast in levels; None if nothing stands out."""
    threshold = _edge_level(signal)
    smooth = ndimage.gaussian_filter(signal, 1.0, mode="nearest")
    mask = smooth > threshold
    if not mask.any() or mask.all():
        return None
    paper = float(np.median(signal[~mask]))
    core = ndimage.binary_erosion(mask)
    if core.sum() < 0.2 * mask.sum():  # fine lines: their ridges, for most of the mask is their soft edges
        core = mask & (smooth >= ndimage.maximum_filter(smooth, 3))
    full = float(np.median(signal[core]))
    contrast = full - paper
    noise = 1.4826 * float(np.median(np.abs(signal - smooth - np.median(signal - smooth))))
    if contrast < max(MIN_CONTRAST, 2.0 * noise):
        return None
    strength = np.clip((signal - paper) / contrast, 0, 1.2).astype(np.float32)
    if noise > 0.06 * contrast:  # grain would break strokes and roughen their edges
        strength = ndimage.gaussian_filter(strength, min(1.5, 8 * noise / contrast))
    return strength, float(np.clip((threshold - paper) / contrast, 0.25, 0.6)), contrast


def _without_impulses(signal: Floats) -> Floats:
    """Replace pixels that have nothing in common with their neighbors, where there are many: salt and pepper."""
    for _ in range(2):
        contrast = float(np.ptp(signal))
        if contrast == 0 or min(signal.shape) < 12:
            return signal
        alike = np.zeros(signal.shape, np.int8)
        padded = np.pad(signal, 1, mode="reflect")
        for i, j in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)):
            near = padded[i : i + signal.shape[0], j : j + signal.shape[1]]
            alike += np.abs(near - signal) < 0.35 * contrast
        lonely = alike <= 1
        if lonely.mean() < 0.004 or lonely.sum() <= _ENDS:
            return signal
        signal = np.where(lonely, ndimage.median_filter(signal, 3, mode="nearest"), signal)
    return signal
