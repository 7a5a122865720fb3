import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy.ndimage import center_of_mass

from jaxdigits.data.datasets import load_mnist
from jaxdigits.data.images import Diagnosis, canonical_digit, canonical_digits
from jaxdigits.errors import DatasetError, InputError

DIGITS = [0, 1, 2, 4, 5, 7]


def encode(image, file_format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.fixture
def plain(draw_digit):
    """Read a 4 of ordinary strokes on plain paper."""
    return canonical_digit(draw_digit(4))[0]


@pytest.mark.parametrize("digit", DIGITS)
def test_a_drawn_digit_comes_out_canonical(draw_digit, digit):
    image, diagnosis = canonical_digit(draw_digit(digit))
    assert image.shape == (28, 28)
    assert image.dtype == np.float32
    assert (image.min(), image.max()) == (0, pytest.approx(1, abs=0.1))
    extents = image.any(axis=0).sum(), image.any(axis=1).sum()
    assert max(extents) in (19, 20, 21)
    np.testing.assert_allclose(center_of_mass(image), (14, 14), atol=0.6)
    assert diagnosis.readable
    assert diagnosis.describe() == ""


def test_the_kind_of_picture_does_not_matter(tmp_path, draw_digit, likeness, plain):
    drawn = draw_digit(4)
    path = tmp_path / "four.png"
    drawn.save(path)
    gray = np.asarray(drawn)
    colored = np.asarray(drawn.convert("RGB"))
    pictures = [path, str(path), path.read_bytes(), gray, colored, gray[..., None], gray / 255.0, gray.astype(np.int64)]
    pictures += [Image.fromarray(gray.astype(np.uint16) * 257), drawn.convert("P"), drawn.convert("CMYK")]
    pictures += [encode(drawn, "JPEG", quality=90), np.dstack([colored, np.full(gray.shape, 255, np.uint8)])]
    for picture in pictures:
        assert likeness(canonical_digit(picture)[0], plain) > 0.99


@pytest.mark.parametrize("digit", DIGITS)
def test_what_does_not_change_the_digit_changes_little(draw_digit, likeness, digit):
    drawn = draw_digit(digit)
    image = canonical_digit(drawn)[0]
    array = np.asarray(drawn)
    others = {
        "turned over": 255 - array,
        "margin": np.pad(array, ((10, 60), (40, 5)), mode="edge"),
        "twice as large": np.asarray(drawn.resize((240, 240), Image.Resampling.BICUBIC)),
        "half as large": np.asarray(drawn.resize((60, 60), Image.Resampling.BOX)),
        "fainter": (array * 0.5 + 100).astype(np.uint8),
        "cropped tight": array[array.min(axis=1) < 128][:, array.min(axis=0) < 128],
        "blurred": np.asarray(drawn.filter(ImageFilter.GaussianBlur(2))),
    }
    for what, picture in others.items():
        if digit == 1 and what == "cropped tight":
            continue  # a bar that is all of its picture is blank
        other, diagnosis = canonical_digit(picture)
        assert likeness(image, other) > 0.95, what
        assert diagnosis.inverted == (what == "turned over"), what


@pytest.mark.parametrize("width", [1, 2, 4, 12, 20])
def test_pens_and_markers_write_the_same(draw_digit, likeness, plain, width):
    image, diagnosis = canonical_digit(draw_digit(4, width=width))
    assert likeness(image, plain) > 0.88
    assert (diagnosis.thin, diagnosis.thick) == (width <= 4, width >= 20)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_photos_are_turned_as_the_camera_noted(draw_digit, likeness, plain, orientation):
    how = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = encode(draw_digit(4).transpose(how), "JPEG", quality=95, exif=exif)
    image, diagnosis = canonical_digit(stored)
    assert likeness(image, plain) > 0.98
    assert diagnosis.rotated == {3: 180, 6: 90, 8: 270}[orientation]
    assert f"turned by {diagnosis.rotated} degrees" in diagnosis.describe()


@pytest.mark.parametrize("color", [0, 255], ids=["dark", "white"])
def test_drawings_on_a_transparent_ground_are_read(draw_digit, likeness, plain, color):
    drawn = draw_digit(4, mode="RGBA", ink=(color, color, color, 255), paper=(0, 0, 0, 0))
    image, diagnosis = canonical_digit(drawn)
    assert likeness(image, plain) > 0.98
    assert diagnosis.transparent
    assert "transparent ground" in diagnosis.describe()


def spoil_with_light(array):
    y, x = np.indices(array.shape) / 120
    return array * np.where(1.4 * x - y > 0.5, 0.6, 1.0) * (1 - 0.3 * x)


def spoil_with_squares(array):
    rows, columns = np.indices(array.shape)
    return np.where((rows % 24 == 5) | (columns % 24 == 5), np.minimum(array, 150), array)


def spoil_with_specks(array):
    spoiled = array.copy()
    spoiled[10:12, 60:62] = spoiled[100, 20] = spoiled[60:62, 110:112] = 0
    return spoiled


def spoil_with_a_frame(array):
    spoiled = array.copy()
    spoiled[4:7, 4:] = spoiled[4:90, 4:7] = 0
    return spoiled


def spoil_with_neighbors(array):
    spoiled = array.copy()
    spoiled[40:80, :8] = spoiled[30:95, -6:] = 30
    return spoiled


def spoil_with_grain(array):
    return array + 20 * np.random.default_rng(0).normal(size=array.shape)


def spoil_with_gaps(array):
    spoiled = array.copy()
    spoiled[40:43] = spoiled[84:87] = 230
    return spoiled


@pytest.mark.parametrize(
    ("spoil", "flag"),
    [
        (spoil_with_light, "shaded"),
        (spoil_with_squares, "ruled"),
        (spoil_with_specks, None),
        (spoil_with_a_frame, None),
        (spoil_with_neighbors, None),
        (spoil_with_grain, None),
        (spoil_with_gaps, None),
    ],
)
@pytest.mark.parametrize("digit", [2, 4, 5])
def test_what_spoils_a_picture_is_removed(draw_digit, likeness, digit, spoil, flag):
    drawn = draw_digit(digit)
    spoiled = spoil(np.asarray(drawn)).clip(0, 255).astype(np.uint8)
    image, diagnosis = canonical_digit(spoiled)
    assert likeness(image, canonical_digit(drawn)[0]) > 0.95
    assert not diagnosis.several
    if flag:
        assert getattr(diagnosis, flag)


@pytest.mark.parametrize("inverted", [False, True])
def test_images_of_mnist_pass_bit_by_bit(mnist_folder, inverted):
    assert mnist_folder.is_dir()
    images = np.asarray(load_mnist()[0][:500]).reshape(-1, 28, 28).astype(np.uint8)
    read, diagnoses = canonical_digits(255 - images if inverted else images)
    np.testing.assert_array_equal(read, images / np.float32(255))
    assert all(diagnosis.canonical and diagnosis.inverted != inverted for diagnosis in diagnoses)
    assert {diagnosis.describe() for diagnosis in diagnoses} == {""}


def test_what_came_out_passes_again(draw_digit):
    image = canonical_digit(draw_digit(2, width=8))[0]
    again, diagnosis = canonical_digit(np.rint(image * 255).astype(np.uint8))
    assert diagnosis.canonical
    np.testing.assert_allclose(again, image, atol=0.01)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize("digit", [0, 2, 4, 5, 7])
def test_bitmaps_that_a_digit_fills_are_read(draw_digit, likeness, digit, side, inverted):
    large = draw_digit(digit, size=(160, 160), width=20, ink=0, paper=255, box=(11, 11, 149, 149))
    bitmap = np.asarray(large.resize((side, side), Image.Resampling.BOX))
    image, diagnosis = canonical_digit(255 - bitmap if inverted else bitmap)
    assert likeness(image, canonical_digit(large)[0]) > (0.8 if side == 8 else 0.92)
    assert diagnosis.inverted == inverted


@pytest.mark.parametrize("kind", ["array", "png", "jpeg"])
def test_a_tiny_digit_in_a_large_photo_is_read_again_from_the_whole(draw_digit, likeness, kind):
    box = (3000, 400, 3060, 500)
    page = draw_digit(4, size=(4000, 3000), width=8, box=box, mode="RGB", ink=(30, 30, 60), paper=(220, 215, 200))
    near = canonical_digit(page.crop((2940, 340, 3120, 560)))[0]
    picture = {
        "array": lambda: np.asarray(page),
        "png": lambda: encode(page, compress_level=1),
        "jpeg": lambda: encode(page, "JPEG", quality=90),
    }[kind]()
    image, diagnosis = canonical_digit(picture)
    assert likeness(image, near) > 0.97
    np.testing.assert_allclose(diagnosis.box, (2996, 400, 3060, 502), atol=6)
    assert diagnosis.size == (4000, 3000)


def test_a_turned_photo_says_where_its_tiny_digit_is(draw_digit):
    page = draw_digit(4, size=(1500, 2000), width=6, box=(1100, 200, 1140, 270))
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = encode(page.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=90, exif=exif)
    diagnosis = canonical_digit(stored)[1]
    assert diagnosis.size == (1500, 2000)
    np.testing.assert_allclose(diagnosis.box, (1098, 200, 1140, 271), atol=6)


@pytest.mark.parametrize("digit", DIGITS)
def test_a_line_of_one_pixel_on_a_large_canvas_is_read(draw_digit, likeness, digit):
    fine = draw_digit(digit, size=(2000, 2000), width=1, ink=0, paper=255)
    image, diagnosis = canonical_digit(fine)
    assert likeness(image, canonical_digit(draw_digit(digit, width=4))[0]) > 0.9
    assert diagnosis.thin
    np.testing.assert_allclose(diagnosis.box[1::2], (400, 1600), atol=5)


@pytest.mark.slow
def test_24_megapixels_are_read(draw_digit, likeness, plain):
    page = draw_digit(4, size=(6000, 4000), width=320, box=(2000, 1000, 3800, 3400))
    image, diagnosis = canonical_digit(page)
    assert diagnosis.size == (6000, 4000)
    assert likeness(image, plain) > 0.9


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("spread", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("shape", [(28, 28), (90, 120), (300, 300), (640, 480)])
def test_noise_is_never_guessed(shape, spread, seed):
    noise = (0.5 + spread * np.random.default_rng(seed).normal(size=shape)).clip(0, 1)
    image, diagnosis = canonical_digit(noise)
    assert not diagnosis.readable
    assert not image.any()
    assert diagnosis.box is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (2, 2), (8, 8), (28, 28), (100, 150), (700, 900)])
@pytest.mark.parametrize("level", [0, 1, 130, 255])
def test_constant_pictures_are_blank(shape, level):
    image, diagnosis = canonical_digit(np.full(shape, level, np.uint8))
    assert diagnosis.blank
    assert not diagnosis.readable
    assert not image.any()
    assert diagnosis.describe().startswith("blank")


@pytest.mark.parametrize("shape", [(1, 60), (60, 1), (2, 2)])
def test_what_has_no_extent_is_not_read(shape):
    assert not canonical_digit(np.linspace(0, 1, shape[0] * shape[1]).reshape(shape))[1].readable


def test_several_digits_are_counted(draw_digit):
    row = np.hstack([np.asarray(draw_digit(digit)) for digit in (4, 7, 2)])
    diagnosis = canonical_digit(row)[1]
    assert diagnosis.n_digits == 3
    assert diagnosis.several
    assert "3 digits" in diagnosis.describe()


def test_the_diagnosis_tells_where_the_ink_is(draw_digit):
    drawn = draw_digit(4, size=(300, 200), box=(200, 120, 240, 180), width=6)
    rows, columns = np.nonzero(np.asarray(drawn) < 128)
    diagnosis = canonical_digit(drawn)[1]
    expected = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(diagnosis.box, expected, atol=2)
    np.testing.assert_allclose(diagnosis.off_center, (219 - 150, 151 - 100), atol=4)
    assert diagnosis.size == (300, 200)
    assert "off center" in diagnosis.describe()


@pytest.mark.parametrize("side", [24, 60, 120, 700])
def test_the_box_keeps_within_the_picture(draw_digit, side):
    drawn = draw_digit(2, size=(side, side), width=max(2, side // 10), box=(1, 1, side - 1, side - 1))
    left, top, right, bottom = canonical_digit(drawn)[1].box
    assert 0 <= left < right <= side
    assert 0 <= top < bottom <= side
    assert min(right - left, bottom - top) > 0.9 * side


def test_a_faint_pencil_is_told(draw_digit, likeness, plain):
    image, diagnosis = canonical_digit(draw_digit(4, ink=205, paper=230))
    assert diagnosis.low_contrast
    assert likeness(image, plain) > 0.97


def test_a_diagnosis_speaks_plainly():
    diagnosis = Diagnosis((100, 80), (5, 6, 20, 40), inverted=True, thin=True, off_center=(-30.0, 2.0), n_digits=2)
    assert diagnosis.describe() == (
        "2 digits; light ink on dark, turned over; thin strokes, thickened; off center, moved"
    )
    assert Diagnosis((10, 10), None, blank=True).describe() == "blank, nothing to read"
    assert not Diagnosis((10, 10), None, hopeless=True).readable


@pytest.mark.parametrize("picture", ["drawn", "blank", "canonical"])
def test_a_diagnosis_goes_into_json(draw_digit, picture):
    drawn = draw_digit(4)
    array = {
        "drawn": np.asarray(drawn),
        "blank": np.zeros((20, 30)),
        "canonical": np.rint(255 * canonical_digit(drawn)[0]).astype(np.uint8),
    }[picture]
    diagnosis = canonical_digit(array)[1]
    told = json.loads(json.dumps(diagnosis.to_dict()))
    assert told["description"] == diagnosis.describe()
    assert tuple(told["size"]) == diagnosis.size
    assert told["blank"] is (picture == "blank")
    assert told["canonical"] is (picture == "canonical")


def test_several_pictures_are_several_images(tmp_path, draw_digit):
    drawn = draw_digit(4)
    path = tmp_path / "four.png"
    drawn.save(path)
    images, diagnoses = canonical_digits([drawn, path, np.asarray(drawn), encode(drawn)])
    assert images.shape == (4, 28, 28)
    assert images.dtype == np.float32
    assert len(diagnoses) == 4
    np.testing.assert_array_equal(images[0], canonical_digit(drawn)[0])
    assert canonical_digits([])[0].shape == (0, 28, 28)
    assert canonical_digits(np.zeros((2, 30, 30, 3), np.uint8))[0].shape == (2, 28, 28)


def test_the_picture_that_is_wrong_is_named(tmp_path, draw_digit):
    drawn = draw_digit(4)
    with pytest.raises(InputError, match=r"picture 2: .*NaN"):
        canonical_digits([drawn, np.full((9, 9), np.nan)])
    with pytest.raises(DatasetError, match=r"picture 3: .*gone\.png"):
        canonical_digits([drawn, drawn, tmp_path / "gone.png"])


@pytest.mark.parametrize("picture", ["four.png", b"\x89PNG"])
def test_one_picture_is_not_taken_for_several(picture):
    with pytest.raises(InputError, match="in a list"):
        canonical_digits(picture)


def test_pictures_are_read_without_heavy_packages():
    code = (
        "import sys, jaxdigits.data.images as images; images.canonical_digit(__import__('numpy').eye(40));"
        "print(*sorted({name.split('.')[0] for name in sys.modules}),"
        " *[name for name in sys.modules if name.startswith('scipy.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"numpy", "scipy", "PIL"} <= loaded
    heavy = {"jax", "flax", "optax", "sklearn", "matplotlib", "pandas", "scipy.stats", "scipy.optimize", "scipy.signal"}
    assert not heavy & loaded
