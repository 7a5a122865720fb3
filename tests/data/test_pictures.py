"""Folders of pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxdigits.data.pictures import read_picture_folder
from jaxdigits.errors import DatasetError


def save(path: Path, level: int = 0, shape: tuple[int, int] = (6, 5)) -> Path:
    """Save a picture of one gray level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(shape, level, dtype=np.uint8)).save(path)
    return path


def fail(folder: Path, message: str) -> str:
    """Return the one line that reading a folder fails with."""
    with pytest.raises(DatasetError, match=message) as caught:
        read_picture_folder(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_labels_come_from_subfolders(tmp_path: Path) -> None:
    files = (save(tmp_path / "2/b.png", 20), save(tmp_path / "2/c.png", 21), save(tmp_path / "10/a.png", 100))
    dataset = read_picture_folder(tmp_path)
    assert dataset.X.shape == (3, 6, 5)
    assert dataset.X.dtype == np.uint8
    np.testing.assert_array_equal(dataset.X[:, 0, 0], [20, 21, 100])
    np.testing.assert_array_equal(dataset.y, [2, 2, 10])
    assert dataset.y.dtype == np.int64
    assert dataset.files == files


def test_labels_come_from_names_of_files(tmp_path: Path) -> None:
    save(tmp_path / "7_0001.png", 70)
    save(tmp_path / "3_0002.PNG", 30)
    dataset = read_picture_folder(tmp_path)
    np.testing.assert_array_equal(dataset.X[:, 0, 0], [30, 70])
    np.testing.assert_array_equal(dataset.y, [3, 7])


def test_pictures_without_any_label_are_read_unlabeled(tmp_path: Path) -> None:
    save(tmp_path / "IMG_20240101.png")
    save(tmp_path / "20240101_7.png")
    dataset = read_picture_folder(tmp_path)
    assert dataset.y is None
    assert len(dataset) == 2


def test_some_files_without_a_label_are_an_error(tmp_path: Path) -> None:
    save(tmp_path / "7_0001.png")
    nameless = save(tmp_path / "scan.png")
    assert fail(tmp_path, "no label in its name").startswith(str(nameless))


def test_mixed_shapes_name_the_file_and_both_shapes(tmp_path: Path) -> None:
    save(tmp_path / "1/a.png")
    other = save(tmp_path / "2/b.png", shape=(6, 7))
    assert fail(tmp_path, "6 rows x 7 columns, expected 6 x 5 as in a.png").startswith(str(other))


def test_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    save(tmp_path / "1_a.png")
    (tmp_path / "2_b.png").write_text("hello")
    assert fail(tmp_path, "not an image that can be read").startswith(str(tmp_path / "2_b.png"))


def test_picture_that_is_cut_off_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "1_a.png"
    Image.fromarray(rng.integers(0, 256, (50, 50), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:1000])
    assert fail(tmp_path, "not an image that can be read").startswith(str(path))


def test_file_of_another_kind_is_not_dropped(tmp_path: Path) -> None:
    save(tmp_path / "1_a.png")
    (tmp_path / "labels.txt").write_text("1")
    assert fail(tmp_path, r"not an image, expected a file that ends in \.png").startswith(str(tmp_path / "labels.txt"))


def test_what_systems_and_authors_leave_is_passed_over(tmp_path: Path) -> None:
    save(tmp_path / "1_a.png")
    for name in (".DS_Store", "Thumbs.db", "README", "README.md", "LICENSE.txt"):
        (tmp_path / name).write_text("x")
    assert len(read_picture_folder(tmp_path)) == 1


@pytest.mark.parametrize("name", ["misc/a.png", "loose.png", "notes/"])
def test_entry_beside_labeled_subfolders_is_named(tmp_path: Path, name: str) -> None:
    save(tmp_path / "1/a.png")
    if name.endswith("/"):
        (tmp_path / name).mkdir()
    else:
        save(tmp_path / name)
    stranger = tmp_path / name.split("/")[0]
    assert fail(tmp_path, "lies beside subfolders of pictures").startswith(str(stranger))


def test_folder_inside_a_labeled_subfolder_is_named(tmp_path: Path) -> None:
    save(tmp_path / "1/a.png")
    save(tmp_path / "1/old/b.png")
    assert fail(tmp_path, "not an image").startswith(str(tmp_path / "1" / "old"))


@pytest.mark.parametrize("empty", [".", "4"])
def test_empty_folder_is_named(tmp_path: Path, empty: str) -> None:
    (tmp_path / empty).mkdir(exist_ok=True)
    if empty == "4":
        save(tmp_path / "3/a.png")
    assert fail(tmp_path, "the folder is empty").startswith(str(tmp_path / empty))


def test_several_frames_are_not_dropped(tmp_path: Path) -> None:
    frames = [Image.new("L", (5, 6), level) for level in (0, 255)]
    frames[0].save(tmp_path / "1_a.tif", save_all=True, append_images=frames[1:])
    fail(tmp_path, "1_a.tif: 2 frames, expected one")


def test_transparent_picture_is_laid_on_white(tmp_path: Path) -> None:
    levels = np.zeros((6, 5, 4), dtype=np.uint8)
    levels[2, 3, 3] = 255
    Image.fromarray(levels).save(tmp_path / "1_a.png")
    expected = np.full((6, 5), 255)
    expected[2, 3] = 0
    np.testing.assert_array_equal(read_picture_folder(tmp_path).X[0], expected)


def test_orientation_of_the_camera_is_followed(tmp_path: Path) -> None:
    picture = Image.fromarray(np.arange(0, 180, 6, dtype=np.uint8).reshape(6, 5))
    exif = picture.getexif()
    exif[0x0112] = 3  # turned by 180 degrees
    picture.save(tmp_path / "1_a.png", exif=exif)
    np.testing.assert_array_equal(read_picture_folder(tmp_path).X[0], np.asarray(picture)[::-1, ::-1])


def test_levels_of_16_bits_are_scaled(tmp_path: Path) -> None:
    levels = np.array([[0, 256, 32768, 65535]], dtype=np.uint16)
    Image.fromarray(levels).save(tmp_path / "1_a.png")
    np.testing.assert_array_equal(read_picture_folder(tmp_path).X[0], [[0, 1, 128, 255]])


def test_levels_of_unknown_range_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((6, 5), dtype=np.float32)).save(tmp_path / "1_a.tif")
    fail(tmp_path, "mode 'F' have no known range")


def test_color_becomes_gray(tmp_path: Path) -> None:
    Image.new("RGB", (5, 6), (255, 0, 0)).save(tmp_path / "1_a.png")
    assert np.unique(read_picture_folder(tmp_path).X) == [76]
