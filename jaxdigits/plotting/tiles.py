"""Pictures side by side: what the figures that show digits share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jaxdigits.errors import InputError
from jaxdigits.plotting.style import FAINT, background_color, ink_on, text_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["draw_tile", "paper_colors", "shorten", "take_pictures"]


def take_pictures(images: Any, rows: NDArray[np.intp], *, image_shape: tuple[int, int] | None = None) -> NDArray[Any]:
    """Take some of the pictures out of many.

    Parameters
    ----------
    images : array-like of shape (n, height, width), (n, height, width, 1) or (n, height * width)
        Pictures; flat ones may be a sparse matrix or a DataFrame.
    rows : ndarray of int of shape (k,)
        Positions of those wanted.
    image_shape : (height, width), default=None
        Shape of flat pictures; None takes them for square.

    Returns
    -------
    ndarray of shape (k, height, width)

    Raises
    ------
    InputError
        If the samples are no pictures of that shape.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.plotting.tiles import take_pictures
    >>> take_pictures(np.zeros((5, 64)), np.array([0, 4])).shape
    (2, 8, 8)
    """
    if hasattr(images, "tocsr"):
        images = images.tocsr()[rows].toarray()
        rows = np.arange(len(rows))
    chosen = np.asarray(images)[rows]
    if chosen.ndim == 4 and chosen.shape[-1] == 1:
        return chosen[..., 0]
    if chosen.ndim == 3:
        return chosen
    side = math.isqrt(chosen.shape[1]) if chosen.ndim == 2 else 0
    height, width = (side, side) if image_shape is None else image_shape
    if chosen.ndim != 2 or height * width != chosen.shape[1]:
        raise InputError(
            f"images must be pictures, or rows that image_shape or a square fits, got samples of shape "
            f"{chosen.shape[1:]} and image_shape={image_shape}. Give image_shape=(height, width), or images."
        )
    return chosen.reshape(-1, height, width)


def draw_tile(
    ax: Axes,
    image: NDArray[Any],
    index: int,
    *,
    grid: tuple[int, int],
    cmap: str | Colormap,
    limits: tuple[float, float | None],
    height: float = 0.8,
) -> Axes:
    """Draw one picture into its place in a grid that fills the axes.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to divide.
    image : ndarray of shape (height, width)
        Picture.
    index : int
        Place, counted row by row from 0.
    grid : (n_rows, n_columns)
        How the axes are divided.
    cmap : str or matplotlib Colormap
        Colors from paper to ink.
    limits : (low, high)
        Values of paper and full ink; None takes the picture's own highest.
    height : float, default=0.8
        Share of the place's height that the picture may fill; the rest above it is left to a title.

    Returns
    -------
    tile : matplotlib Axes

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from jaxdigits.plotting.tiles import draw_tile
    >>> tile = draw_tile(plt.subplots()[1], np.eye(8), 3, grid=(2, 2), cmap="gray_r", limits=(0, 1))
    >>> tile.get_images()[0].get_array().shape
    (8, 8)
    """
    n_rows, n_columns = grid
    row, column = divmod(index, n_columns)
    place = (column / n_columns, 1.0 - (row + 1) / n_rows, 0.94 / n_columns, height / n_rows)
    tile = ax.inset_axes(place)
    tile.set_anchor("N")
    tile.imshow(image, cmap=cmap, vmin=limits[0], vmax=limits[1])
    tile.set_xticks([])
    tile.set_yticks([])
    for spine in tile.spines.values():
        spine.set(color=text_color(), alpha=FAINT, linewidth=0.8)
    return tile


def paper_colors(ax: Axes) -> str:
    """Choose dark ink on light paper, or the reverse on a dark background.

    Parameters
    ----------
    ax : matplotlib Axes

    Returns
    -------
    cmap : str
        Name of a colormap from paper to ink.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from jaxdigits.plotting.tiles import paper_colors
    >>> paper_colors(plt.figure(facecolor="white").add_subplot(facecolor="white"))
    'gray_r'
    """
    return "gray_r" if ink_on(background_color(ax)) == "black" else "gray"


def shorten(label: Any) -> str:
    """Write a label in ten characters at most.

    Parameters
    ----------
    label : Any
        Label of a class.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from jaxdigits.plotting.tiles import shorten
    >>> len(shorten("twenty-three")), shorten(7)
    (10, '7')
    """
    text = str(label)
    return text if len(text) <= 10 else text[:9] + "\N{HORIZONTAL ELLIPSIS}"
