"""Folders of pictures, one file a sample, with the label in the name of the folder or of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jaxdigits.data.samples import Dataset
from jaxdigits.errors import DatasetError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["PICTURE_SUFFIXES", "label_pictures", "read_picture", "read_picture_folder", "visible_entries"]

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm")
"""Endings, in lower case, of the files taken for pictures."""

_FILE_LABEL = re.compile(r"(\d)_")
# What systems and authors leave in folders of pictures; any other file that is no picture is an error.
_COMPANION = re.compile(r"\..*|__MACOSX|thumbs\.db|desktop\.ini|(readme|licen[cs]e|copying)(\.(txt|md|rst))?", re.I)


def read_picture_folder(folder: Path) -> Dataset:
    """Read a folder of pictures of one shape.

    The labels are the names of the subfolders (``7/any.png``), or start the files' names (``7_0001.png``).
    Pictures are turned as their EXIF orientation says, laid on white where transparent, and read as gray
    levels of 0 to 255. Ink stays as dark or light as it was. Hidden files, readme, and license are passed
    over.

    Parameters
    ----------
    folder : Path
        Folder to read.

    Returns
    -------
    Dataset
        Images of shape (n, h, w), uint8, sorted by label and name. Labels as int64, or None if no file is
        named with one. Its `files` name each sample's file.

    Raises
    ------
    DatasetError
        If a folder is empty, a label is missing, a file is no picture, or the shapes differ.
    """
    labels = label_pictures(folder)
    files = tuple(labels)
    unlabeled = [file for file, label in labels.items() if label is None]
    if unlabeled and len(unlabeled) < len(files):
        raise DatasetError(
            f"{unlabeled[0]}: no label in its name though other files have one, expected a name such as "
            "7_0001.png. Rename the file, or move it elsewhere."
        )
    images = np.stack(list(_read_alike(files)))
    y = None if unlabeled else np.array(list(labels.values()), dtype=np.int64)
    return Dataset(images, y, folder, files)


def label_pictures(folder: Path) -> dict[Path, int | None]:
    """List the pictures of a folder with the labels that their names or subfolders tell.

    Parameters
    ----------
    folder : Path
        Folder of pictures, or of subfolders named by label.

    Returns
    -------
    dict of Path to int or None
        File -> label, sorted by label and name; None where the name tells none.

    Raises
    ------
    DatasetError
        If a folder is empty, or holds something else than pictures.
    """
    entries = visible_entries(folder)
    subfolders = [entry for entry in entries if entry.is_dir()]
    if not subfolders:
        _check_entries(folder, entries)
        found = {file: _FILE_LABEL.match(file.name) for file in entries}
        return {file: int(match[1]) if match else None for file, match in found.items()}
    for entry in entries:
        if not (entry.is_dir() and entry.name.isdecimal()):
            raise DatasetError(
                f"{entry}: lies beside subfolders of pictures, expected only subfolders named by label (0 to "
                "9). Rename it or move it elsewhere."
            )
    labels: dict[Path, int | None] = {}
    for subfolder in sorted(subfolders, key=lambda entry: int(entry.name)):
        files = visible_entries(subfolder)
        _check_entries(subfolder, files)
        labels.update(dict.fromkeys(files, int(subfolder.name)))
    return labels


def visible_entries(folder: Path) -> list[Path]:
    """List what a folder holds, sorted by name, without hidden files, readme, and license.

    Parameters
    ----------
    folder : Path
        Folder to list.

    Returns
    -------
    list of Path
        Files and folders in it.
    """
    return sorted(entry for entry in folder.iterdir() if not _COMPANION.fullmatch(entry.name))


def read_picture(file: Path) -> NDArray[np.uint8]:
    """Read a picture as gray levels, turned as its EXIF orientation says and laid on white where transparent.

    Parameters
    ----------
    file : Path
        Picture in any format that Pillow reads.

    Returns
    -------
    ndarray of shape (h, w)
        Gray levels from black, 0, to white, 255.

    Raises
    ------
    DatasetError
        If the file is no picture that can be read, or holds several frames.
    """
    from PIL import Image

    try:
        with Image.open(file) as picture:
            # A phone's MPO file holds one photo and its previews; several frames elsewhere, several samples.
            n_frames = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
            gray = _to_gray(picture)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(
            f"{file}: not an image that can be read ({reason}), expected a whole picture. Replace or remove it."
        ) from error
    if n_frames > 1:
        raise DatasetError(f"{file}: {n_frames} frames, expected one. Save each as a file of its own.")
    return gray


def _check_entries(folder: Path, entries: list[Path]) -> None:
    if not entries:
        raise DatasetError(f"{folder}: the folder is empty, expected pictures in it. Add some or remove it.")
    for entry in entries:
        if entry.is_dir() or entry.suffix.lower() not in PICTURE_SUFFIXES:
            raise DatasetError(
                f"{entry}: not an image, expected a file that ends in {', '.join(PICTURE_SUFFIXES)}. Move it elsewhere."
            )


def _read_alike(files: tuple[Path, ...]) -> Iterator[NDArray[np.uint8]]:
    shape: tuple[int, ...] | None = None
    for file in files:
        image = read_picture(file)
        shape = shape or image.shape
        if image.shape != shape:
            raise DatasetError(
                f"{file}: picture of {image.shape[0]} rows x {image.shape[1]} columns, expected {shape[0]} x "
                f"{shape[1]} as in {files[0].name}. Crop or resize all pictures to one shape first."
            )
        yield image


def _to_gray(picture: Image.Image) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16"):
        # Pillow's own conversion cuts 16-bit levels off at 255 instead of scaling them.
        return (np.asarray(picture) >> 8).astype(np.uint8)
    if picture.mode in ("I", "F"):
        raise ValueError(f"gray levels of mode {picture.mode!r} have no known range")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.array(picture.convert("L"), dtype=np.uint8)
