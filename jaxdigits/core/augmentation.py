"""Augmentations: pure functions `(key, images) -> images`, cheap enough to run on every micro-batch of a step.

Those that move ink say where each pixel is read, a `Motion`; all that are asked for together become one motion, and so
one bilinear resampling a picture. To add one, write its function and its line in `AUGMENTATIONS`; mark it with
`@geometric` if it returns a motion.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Concatenate, NamedTuple, ParamSpec

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.ndimage import map_coordinates

from jaxdigits.errors import InputError

Augmentation = Callable[[jax.Array, jax.Array], jax.Array]
Strengths = ParamSpec("Strengths")


class Motion(NamedTuple):
    """Where each pixel of a new picture is read in the old one: matrix @ position + offset + field.

    Attributes
    ----------
    matrix : array of shape (n, 2, 2) or (2, 2)
        Acts on (row, column), counted from the middle of the picture.
    offset : array of shape (n, 2) or (2,)
        In pixels.
    field : array of shape (n, 2, height, width) or None
        A displacement of each pixel's own, in pixels.
    """

    matrix: Any = np.eye(2, dtype=np.float32)
    offset: Any = np.zeros(2, np.float32)
    field: Any = None


def geometric(
    draw: Callable[Concatenate[jax.Array, jax.Array, Strengths], Motion],
) -> Callable[Concatenate[jax.Array, jax.Array, Strengths], jax.Array]:
    """Make an augmentation of a function that draws a `Motion` for each picture.

    Parameters
    ----------
    draw : callable
        ``(key, images, *, strengths with defaults) -> Motion``; of the images only the shape should be read.

    Returns
    -------
    callable
        ``(key, images, ...) -> images``. Called along with others by `augment`, it shares one resampling with them.

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.augmentation import Motion, geometric
    >>> @geometric
    ... def drift(key, images, *, pixels=1.0):
    ...     return Motion(offset=jax.random.uniform(key, (len(images), 2), maxval=pixels))
    >>> drift(jax.random.key(0), jax.numpy.ones((5, 8, 8)), pixels=2.0).shape
    (5, 8, 8)
    """

    @wraps(draw)
    def augmentation(
        key: jax.Array, images: jax.Array, /, *args: Strengths.args, **strengths: Strengths.kwargs
    ) -> jax.Array:
        return _warp(images, draw(key, images, *args, **strengths))

    augmentation.__dict__["draw_motion"] = draw
    return augmentation


@geometric
def shift(key: jax.Array, images: jax.Array, *, fraction: float = 2 / 28) -> Motion:
    """Move by up to `fraction` of the height and of the width: 2 of 28 pixels.

    Parameters
    ----------
    key : jax.Array
        A JAX key.
    images : jax.Array of shape (n, height, width), float32
        Ink is 1.0, paper 0.0.
    fraction : float, default=2 / 28
        Largest shift, of the height and of the width.

    Returns
    -------
    jax.Array of shape (n, height, width), float32

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.augmentation import shift
    >>> shift(jax.random.key(0), jax.numpy.ones((5, 8, 8))).shape
    (5, 8, 8)
    """
    most = fraction * np.array(images.shape[1:], np.float32)
    return Motion(offset=most * _signed(key, len(images), 2))


@geometric
def rotation(key: jax.Array, images: jax.Array, *, degrees: float = 12.0) -> Motion:
    """Turn by up to `degrees` either way.

    Parameters
    ----------
    key : jax.Array
        A JAX key.
    images : jax.Array of shape (n, height, width), float32
        Ink is 1.0, paper 0.0.
    degrees : float, default=12.0
        Largest angle either way.

    Returns
    -------
    jax.Array of shape (n, height, width), float32

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.augmentation import rotation
    >>> rotation(jax.random.key(0), jax.numpy.ones((5, 8, 8))).shape
    (5, 8, 8)
    """
    angle = math.radians(degrees) * _signed(key, len(images))
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    return Motion(_matrix(cosine, -sine, sine, cosine))


@geometric
def scale(key: jax.Array, images: jax.Array, *, smallest: float = 0.85, largest: float = 1.15) -> Motion:
    """Shrink or enlarge to between `smallest` and `largest` times the size.

    Parameters
    ----------
    key : jax.Array
        A JAX key.
    images : jax.Array of shape (n, height, width), float32
        Ink is 1.0, paper 0.0.
    smallest : float, default=0.85
        Smallest factor.
    largest : float, default=1.15
        Largest factor.

    Returns
    -------
    jax.Array of shape (n, height, width), float32

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.augmentation import scale
    >>> scale(jax.random.key(0), jax.numpy.ones((5, 8, 8))).shape
    (5, 8, 8)
    """
    factor = 1.0 / (smallest + (largest - smallest) * _uniform(key, len(images)))
    return Motion(_matrix(factor, 0.0 * factor, 0.0 * factor, factor))


@geometric
def shear(key: jax.Array, images: jax.Array, *, slope: float = 0.15) -> Motion:
    """Slant by up to `slope` columns a row either way.

    Parameters
    ----------
    key : jax.Array
        A JAX key.
    images : jax.Array of shape (n, height, width), float32
        Ink is 1.0, paper 0.0.
    slope : float, default=0.15
        Largest slant, in columns a row.

    Returns
    -------
    jax.Array of shape (n, height, width), float32

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.augmentation import shear
    >>> shear(jax.random.key(0), jax.numpy.ones((5, 8, 8))).shape
    (5, 8, 8)
    """
    slant = slope * _signed(key, len(images))
    return Motion(_matrix(jnp.ones_like(slant), jnp.zeros_like(slant), slant, jnp.ones_like(slant)))


WAVE = 4 / 28
"""Width of the smoothing Gaussian of `elastic` against the picture: sigma 4 on MNIST (Simard et al., ICDAR 2003)."""

N_WAVES = 10


@geometric
def elastic(key: jax.Array, images: jax.Array, *, fraction: float = 0.75 / 28) -> Motion:
    """Displace pixels by smooth random fields (Simard, Steinkraus & Platt, ICDAR 2003).

    `fraction` of the height and the width is the standard deviation of the displacement: 0.75 pixels of 28. The fields
    are sums of Gaussians on a coarse grid: as smooth as noise drawn for every pixel, with an eighth of the draws.

    Parameters
    ----------
    key : jax.Array
        A JAX key.
    images : jax.Array of shape (n, height, width), float32
        Ink is 1.0, paper 0.0.
    fraction : float, default=0.75 / 28
        Standard deviation of the displacement, of the height and of the width.

    Returns
    -------
    jax.Array of shape (n, height, width), float32

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.augmentation import elastic
    >>> elastic(jax.random.key(0), jax.numpy.ones((5, 8, 8))).shape
    (5, 8, 8)
    """
    height, width = images.shape[1:]
    heights = math.sqrt(3.0) * _signed(key, len(images), 2, N_WAVES, N_WAVES)
    field = _waves(height).T @ heights @ _waves(width)
    return Motion(field=fraction * np.array([height, width], np.float32)[:, None, None] * field)


def stroke_width(key: jax.Array, images: jax.Array, *, strength: float = 0.5) -> jax.Array:
    """Thicken or thin strokes: go up to `strength` of the way to the brightest or darkest of 3x3 pixels.

    Parameters
    ----------
    key : jax.Array
        A JAX key.
    images : jax.Array of shape (n, height, width), float32
        Ink is 1.0, paper 0.0.
    strength : float, default=0.5
        Share of the way at most, 0 to 1.

    Returns
    -------
    jax.Array of shape (n, height, width), float32

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.augmentation import stroke_width
    >>> stroke_width(jax.random.key(0), jax.numpy.ones((5, 8, 8))).shape
    (5, 8, 8)
    """
    weight = strength * _signed(key, len(images), 1, 1)
    thick = _filter(images, partial(jnp.max, axis=0))
    thin = _filter(images, partial(jnp.min, axis=0))
    return images + jnp.maximum(weight, 0.0) * (thick - images) + jnp.maximum(-weight, 0.0) * (thin - images)


def speckle(key: jax.Array, images: jax.Array, *, share: float = 0.02) -> jax.Array:
    """Give pixels a random gray: up to `share` of them, another share for each picture.

    Parameters
    ----------
    key : jax.Array
        A JAX key.
    images : jax.Array of shape (n, height, width), float32
        Ink is 1.0, paper 0.0.
    share : float, default=0.02
        Largest share of pixels, 0 to 1.

    Returns
    -------
    jax.Array of shape (n, height, width), float32

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.augmentation import speckle
    >>> speckle(jax.random.key(0), jax.numpy.ones((5, 8, 8))).shape
    (5, 8, 8)
    """
    key_share, key_pixels = jax.random.split(key)
    shares = share * _uniform(key_share, len(images), 1, 1)
    drawn = _uniform(key_pixels, *images.shape)
    # what is below the share is evenly spread there, and so a gray without another draw
    return jnp.where(drawn < shares, drawn / jnp.maximum(shares, 1e-30), images)


def blur(key: jax.Array, images: jax.Array, *, strength: float = 1.0) -> jax.Array:
    """Go up to `strength` of the way to the picture smoothed by the binomial 3x3 kernel.

    Parameters
    ----------
    key : jax.Array
        A JAX key.
    images : jax.Array of shape (n, height, width), float32
        Ink is 1.0, paper 0.0.
    strength : float, default=1.0
        Share of the way at most, 0 to 1.

    Returns
    -------
    jax.Array of shape (n, height, width), float32

    Examples
    --------
    >>> import jax
    >>> from jaxdigits.core.augmentation import blur
    >>> blur(jax.random.key(0), jax.numpy.ones((5, 8, 8))).shape
    (5, 8, 8)
    """
    weight = strength * _uniform(key, len(images), 1, 1)
    smooth = _filter(images, lambda three: 0.25 * three[0] + 0.5 * three[1] + 0.25 * three[2])
    return images + weight * (smooth - images)


AUGMENTATIONS: dict[str, Callable[..., jax.Array]] = {
    "shift": shift,
    "rotation": rotation,
    "scale": scale,
    "shear": shear,
    "elastic": elastic,
    "stroke_width": stroke_width,
    "speckle": speckle,
    "blur": blur,
}
"""Augmentations by name: (key, images of shape (n, height, width)) -> images. `functools.partial` sets a strength."""


@dataclass(frozen=True)
class Bound:
    """An augmentation with its strengths set: a `functools.partial` that equals another of the same contents.

    So a copied one, such as scikit-learn's `clone` makes, finds the program that is compiled already.

    Parameters
    ----------
    function : callable
        The augmentation.
    arguments : tuple
        Its arguments by position, after key and images.
    strengths : tuple of (str, object)
        Its arguments by name, sorted.

    Examples
    --------
    >>> from functools import partial
    >>> from jaxdigits.core.augmentation import as_augmentations, rotation
    >>> as_augmentations(partial(rotation, degrees=5)) == as_augmentations(partial(rotation, degrees=5))
    True
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    strengths: tuple[tuple[str, Any], ...]

    def __call__(self, key: jax.Array, images: jax.Array) -> jax.Array:
        """Augment images."""
        augmented: jax.Array = self.partial(key, images)
        return augmented

    @property
    def partial(self) -> partial[Any]:
        """The same as a partial."""
        return partial(self.function, *self.arguments, **dict(self.strengths))


def as_augmentations(augment: Any) -> tuple[str | Augmentation, ...]:
    """Bring what a user asks for to the form that a `Program` takes.

    Parameters
    ----------
    augment : None, str, callable or sequence of them
        Names in `AUGMENTATIONS` and functions ``(key, images) -> images``.

    Returns
    -------
    tuple of str or callable
        Hashable.

    Raises
    ------
    InputError
        If a name is unknown, or something is neither.

    Examples
    --------
    >>> from jaxdigits.core.augmentation import as_augmentations
    >>> as_augmentations(None), as_augmentations("shift"), as_augmentations(["shift", "blur"])
    ((), ('shift',), ('shift', 'blur'))
    """
    if augment is None:
        return ()
    members = (augment,) if isinstance(augment, str) or callable(augment) else tuple(augment)
    for member in members:
        if not callable(member) and not (isinstance(member, str) and member in AUGMENTATIONS):
            raise InputError(
                f"augment must hold names of {', '.join(AUGMENTATIONS)} or callables, got {member!r}. "
                "A callable maps (key, images) to images."
            )
    return tuple(_bind(member) if isinstance(member, partial) else member for member in members)


def augment(key: jax.Array, images: jax.Array, augmentations: Sequence[str | Augmentation]) -> jax.Array:
    """Apply augmentations: those that move ink first, all in one resampling, then the others in their order.

    Parameters
    ----------
    key : jax.Array
        A JAX key.
    images : jax.Array of shape (n, height, width), float32
        Ink is 1.0, paper 0.0.
    augmentations : sequence of str or callable
        Names in `AUGMENTATIONS` and functions ``(key, images) -> images``.

    Returns
    -------
    jax.Array of shape (n, height, width), float32
        What the named ones make lies in [0, 1]. Blank paper stays blank, but for speckles.

    Raises
    ------
    InputError
        If a callable returns something else than images of the same shape.

    Examples
    --------
    >>> import jax
    >>> from functools import partial
    >>> from jaxdigits import load_digits
    >>> from jaxdigits.core.augmentation import augment, rotation
    >>> images = jax.numpy.asarray(load_digits().images[:5] / 16)
    >>> augment(jax.random.key(0), images, ["shift", partial(rotation, degrees=5), "blur"]).shape
    (5, 8, 8)
    """
    pairs = [
        (jax.random.fold_in(key, position), AUGMENTATIONS[each] if isinstance(each, str) else each)
        for position, each in enumerate(augmentations)
    ]
    drawn = [(each_key, _drawer(each)) for each_key, each in pairs]
    motions = [draw(each_key, images) for each_key, draw in drawn if draw is not None]
    if motions:
        images = _warp(images, _compose(motions))
    for each_key, each in pairs:
        if _drawer(each) is None:
            images = _check_images(each(each_key, images), images, each)
    return images


def _drawer(augmentation: Any) -> Callable[..., Motion] | None:
    """Find what draws an augmentation's motion; None if it is not geometric."""
    if isinstance(augmentation, Bound):
        augmentation = augmentation.partial
    if isinstance(augmentation, partial):
        draw = _drawer(augmentation.func)
        return None if draw is None else partial(draw, *augmentation.args, **augmentation.keywords)
    found: Callable[..., Motion] | None = getattr(augmentation, "draw_motion", None)
    return found


def _bind(augmentation: partial[Any]) -> Any:
    bound = Bound(augmentation.func, augmentation.args, tuple(sorted(augmentation.keywords.items())))
    try:
        hash(bound)
    except TypeError:  # an array, say: then it is told by its identity
        return augmentation
    return bound


def _check_images(found: Any, images: jax.Array, augmentation: Any) -> jax.Array:
    if getattr(found, "shape", None) != images.shape:
        name = getattr(augmentation, "__name__", type(augmentation).__name__)
        raise InputError(
            f"the augmentation {name} must return images of shape {images.shape}, got "
            f"{getattr(found, 'shape', type(found).__name__)}. Return as many pictures of the same size."
        )
    return jnp.asarray(found, images.dtype)


def _compose(motions: Sequence[Motion]) -> Motion:
    """One motion for all: matrices and offsets after each other, fields added up."""
    matrix, offset, field = motions[0]
    for motion in motions[1:]:
        offset = (matrix @ motion.offset[..., None])[..., 0] + offset
        matrix = matrix @ motion.matrix
        if motion.field is not None:
            field = motion.field if field is None else field + motion.field
    return Motion(matrix, offset, field)


def _warp(images: jax.Array, motion: Motion) -> jax.Array:
    """Resample images bilinearly; beyond the edge is paper.

    On a CPU 16 pictures of 28x28 take 0.15 ms, whatever follows. Alternatives, measured inside a compiled loop: all
    pictures at once 0.06 ms alone, but 1 ms before a 3x3 filter, with which it is fused; gathers without the select at
    the bounds 0.9 ms; hat functions in matrix products 0.45 ms; two separable passes 0.24 ms, and no fields.
    """
    n, height, width = images.shape
    middle = np.array([(height - 1) / 2, (width - 1) / 2], np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None] - middle[0]
    columns = np.arange(width, dtype=np.float32) - middle[1]
    matrix = jnp.broadcast_to(motion.matrix, (n, 2, 2))[..., None, None]
    start = jnp.broadcast_to(motion.offset + middle, (n, 2))[..., None, None]
    position = start + matrix[:, :, 0] * rows + matrix[:, :, 1] * columns
    if motion.field is not None:
        position = position + motion.field
    together = jax.vmap(_read)
    warped: jax.Array = jax.lax.platform_dependent(images, position, cpu=_read_one_by_one, default=together)
    return jnp.clip(warped, 0.0, 1.0)  # the weights of four pixels may round above one


def _read(image: jax.Array, position: jax.Array) -> jax.Array:
    warped: jax.Array = map_coordinates(image, [position[0], position[1]], order=1, mode="constant")
    return warped


def _read_one_by_one(images: jax.Array, position: jax.Array) -> jax.Array:
    """Read in a loop, which keeps the compiler from doing it anew for each pixel that a later step reads."""
    warped: jax.Array = jax.lax.map(lambda pair: _read(*pair), (images, position))
    return warped


def _uniform(key: jax.Array, *shape: int) -> jax.Array:
    """Draw from [0, 1), all in a row: XLA takes 0.3 s to compile that, and 1.8 s for a draw of four axes."""
    return jax.random.uniform(key, (math.prod(shape),), jnp.float32).reshape(shape)


def _signed(key: jax.Array, *shape: int) -> jax.Array:
    return 2.0 * _uniform(key, *shape) - 1.0


def _matrix(a: jax.Array, b: jax.Array, c: jax.Array, d: jax.Array) -> jax.Array:
    return jnp.stack([a, b, c, d], axis=-1).reshape(-1, 2, 2)


def _waves(side: int) -> np.ndarray:
    """Gaussians along one side, on a grid that reaches beyond both ends; their squares sum to 1 at every pixel."""
    distance = np.linspace(-1.0, N_WAVES - 2.0, N_WAVES)[:, None] - (np.arange(side) + 0.5) / (side * WAVE)
    waves = np.exp(-0.5 * np.square(distance))
    scaled: np.ndarray = (waves / np.sqrt(np.square(waves).sum(axis=0))).astype(np.float32)
    return scaled


def _filter(images: jax.Array, combine: Callable[[jax.Array], jax.Array]) -> jax.Array:
    """Combine each pixel with its neighbors along the rows, then along the columns; beyond the edge is paper."""
    for axis in (1, 2):
        side = images.shape[axis]
        pads = [(1, 1) if each == axis else (0, 0) for each in range(3)]
        padded = jnp.pad(images, pads)
        images = combine(jnp.stack([jax.lax.slice_in_dim(padded, i, i + side, axis=axis) for i in range(3)]))
    return images
