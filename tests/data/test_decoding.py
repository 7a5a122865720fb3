import io
import os

import numpy as np
import pytest
from PIL import Image

from jaxdigits.data import decoding
from jaxdigits.data.decoding import open_picture
from jaxdigits.errors import DatasetError, InputError

BLOCK = np.full((90, 60), 255, np.uint8)
BLOCK[10:40, 5:12] = 0
BLOCK[60:70, 20:50] = 100

# How an upright picture is stored for each EXIF orientation.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
DEGREES = {1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}


def encode(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def encode_turned(image: Image.Image, orientation: int, file_format: str = "PNG", **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    how = STORED[orientation]
    return encode(image if how is None else image.transpose(how), file_format, exif=exif, **options)


def test_path_bytes_image_and_array_are_the_same_picture(tmp_path):
    path = tmp_path / "block.png"
    Image.fromarray(BLOCK).save(path)
    for picture in (path, str(path), path.read_bytes(), Image.fromarray(BLOCK), BLOCK):
        raster = open_picture(picture)
        np.testing.assert_array_equal(raster.levels, BLOCK / np.float32(255))
        assert raster.levels.dtype == np.float32
        assert (raster.size, raster.scale, raster.rotated, raster.origin) == ((60, 90), 1.0, 0, (0, 0))
        assert raster.alpha is None


@pytest.mark.parametrize("mode", ["L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I", "F", "I;16"])
def test_every_mode_of_pillow_has_the_same_levels(mode):
    if mode == "I;16":
        image = Image.fromarray(BLOCK.astype(np.uint16) * 257)
    elif mode == "PA":
        image = Image.fromarray(BLOCK).convert("P").convert("PA")
    else:
        image = Image.fromarray(BLOCK).convert("RGB").convert(mode)
    assert image.mode == mode
    raster = open_picture(image)
    np.testing.assert_allclose(raster.levels, BLOCK / 255, atol=0.01)
    assert raster.alpha is None


def test_black_and_white_pictures_are_read():
    levels = open_picture(Image.fromarray(BLOCK > 128)).levels
    np.testing.assert_array_equal(levels, np.float32(BLOCK > 128))


@pytest.mark.parametrize(
    ("dtype", "white"),
    [
        (bool, 1),
        (np.uint8, 1),
        (np.uint8, 255),
        (np.uint16, 65535),
        (">u2", 65535),
        (np.uint16, 255),
        (np.int64, 255),
        (np.int32, 65535),
        (np.float16, 1),
        (np.float32, 255),
        (np.float64, 1),
        (np.float64, 16),
    ],
)
def test_arrays_of_every_type_have_the_same_levels(dtype, white):
    levels = np.array([[0, 1], [1, 0]]) * white
    np.testing.assert_allclose(open_picture(levels.astype(dtype)).levels, [[0, 1], [1, 0]], atol=1e-3)


def test_small_bitmaps_that_count_to_16_are_taken_for_counts():
    assert open_picture(np.full((8, 8), 16, np.uint8)).levels.max() == 1.0
    assert open_picture(np.full((200, 200), 16, np.uint8)).levels.max() == pytest.approx(16 / 255)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_arrays_may_have_1_to_4_channels(channels):
    array = np.repeat(BLOCK[:, :, None], channels, axis=2)
    if channels in (2, 4):
        array[:, :, -1] = 255
        array[0, 0, -1] = 0
    raster = open_picture(array)
    np.testing.assert_allclose(raster.levels, BLOCK / 255, atol=1e-6)
    assert (raster.alpha is not None) == (channels in (2, 4))


def test_colors_are_kept():
    red = np.zeros((10, 10, 3), np.uint8)
    red[..., 0] = 255
    assert open_picture(red).levels.shape == (10, 10, 3)


def test_a_16_bit_png_keeps_its_depth():
    deep = Image.fromarray(np.tile(np.arange(0, 4000, 40, dtype=np.uint16), (10, 1)))
    levels = open_picture(encode(deep)).levels
    assert len(np.unique(levels)) == 100
    assert levels.max() == pytest.approx(3960 / 65535)


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_one_color_may_be_declared_transparent(mode):
    image = Image.fromarray(BLOCK).convert(mode)
    clear = {"L": 255, "P": image.getpixel((0, 0)), "RGB": (255, 255, 255)}[mode]
    alpha = open_picture(encode(image, transparency=clear)).alpha
    assert alpha is not None
    np.testing.assert_array_equal(alpha == 0, BLOCK == 255)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("file_format", "options"),
    [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 95})],
)
def test_exif_turns_pictures_upright(file_format, options, orientation):
    stored = encode_turned(Image.fromarray(BLOCK), orientation, file_format, **options)
    for longest in (None, 45):
        raster = open_picture(stored, longest=longest)
        assert (raster.size, raster.rotated) == ((60, 90), DEGREES[orientation])
        expected = BLOCK / 255 if longest is None else BLOCK.reshape(45, 2, 30, 2).mean(axis=(1, 3)) / 255
        np.testing.assert_allclose(raster.levels, expected, atol=0.1)
    part = open_picture(stored, region=(0, 5, 20, 45))
    assert part.origin == (0, 5)
    np.testing.assert_allclose(part.levels, BLOCK[5:45, :20] / 255, atol=0.1)


@pytest.mark.parametrize("orientation", [1, 6])
def test_deep_pictures_are_turned_and_reduced_too(orientation):
    deep = Image.fromarray(BLOCK.astype(np.uint16) * 257)
    raster = open_picture(encode_turned(deep, orientation), longest=45)
    assert raster.levels.shape == (45, 30)


def test_broken_camera_notes_are_no_reason_to_refuse_a_picture():
    stored = encode(Image.fromarray(BLOCK), "JPEG", exif=b"Exif\0\0garbage")
    assert open_picture(stored).rotated == 0


@pytest.mark.parametrize("kind", ["array", "image", "jpeg", "png", "float", "deep"])
def test_reducing_averages_whole_blocks_and_says_by_how_much(kind):
    gray = np.tile(np.linspace(0, 255, 1003).astype(np.uint8), (407, 1))
    picture = {
        "array": gray,
        "image": Image.fromarray(gray),
        "jpeg": encode(Image.fromarray(gray), "JPEG", quality=95),
        "png": encode(Image.fromarray(gray)),
        "float": gray / 255,
        "deep": gray.astype(np.uint16) * 257,
    }[kind]
    raster = open_picture(picture, longest=200)
    assert raster.size == (1003, 407)
    assert max(raster.levels.shape) <= 200
    factor = round(1 / raster.scale)
    assert raster.scale == pytest.approx(1 / factor)
    assert raster.levels.shape == (-(-407 // factor), -(-1003 // factor))
    assert raster.levels[10, 50] == pytest.approx(gray[0, round(50.5 * factor)] / 255, abs=0.02)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_region_of_a_photo_is_where_its_origin_says(orientation):
    page = np.full((800, 600), 240, np.uint8)
    page[300:316, 100:140] = 0
    stored = encode_turned(Image.fromarray(page), orientation, "JPEG", quality=95)
    raster = open_picture(stored, longest=60, region=(50, 203, 250, 403))
    rows, columns = np.nonzero(raster.levels < 0.5)
    assert (columns.min() / raster.scale + raster.origin[0]) == pytest.approx(100, abs=1 / raster.scale)
    assert (rows.min() / raster.scale + raster.origin[1]) == pytest.approx(300, abs=1 / raster.scale)


def test_a_picture_that_someone_else_opened_is_left_as_it_was():
    image = Image.open(io.BytesIO(encode(Image.fromarray(BLOCK.repeat(20, 0).repeat(20, 1)), "JPEG")))
    open_picture(image, longest=100)
    assert image.size == (1200, 1800)
    assert open_picture(image, longest=100, region=(0, 0, 1200, 1800)).size == (1200, 1800)


def test_what_is_invisible_does_not_bleed_into_what_is_seen():
    array = np.zeros((8, 8, 4), np.uint8)
    array[:, ::2] = (255, 255, 255, 255)  # visible white beside invisible black
    raster = open_picture(array, longest=4)
    assert raster.levels.min() > 0.95
    assert raster.alpha.max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((8, 8, 5)), r"\(8, 8, 5\)"),
        (np.zeros(8), r"\(8,\)"),
        (np.zeros((2, 8, 8, 3)), r"\(2, 8, 8, 3\)"),
        (np.zeros((0, 8)), r"\(0, 8\)"),
        (np.full((8, 8), np.nan), "NaN"),
        (np.full((8, 8), np.inf), "infinity"),
        (np.full((8, 8), -0.5), "-0.5"),
        (np.zeros((8, 8), object), "object"),
        (np.zeros((8, 8), complex), "complex"),
        ([[0, 1], [1, 0]], "list"),
        (None, "NoneType"),
    ],
    ids=str,
)
def test_what_is_no_picture_is_refused_in_one_line(array, words):
    with pytest.raises(InputError, match=words) as caught:
        open_picture(array)
    assert "\n" not in str(caught.value)


def test_files_that_hold_no_picture_are_named(tmp_path):
    text = tmp_path / "notes.png"
    text.write_text("no picture")
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(encode(Image.fromarray(BLOCK.repeat(9, 0)), "JPEG")[:-400])
    cut_png = tmp_path / "cut.png"
    cut_png.write_bytes(encode(Image.fromarray(BLOCK))[:80])
    for path in (text, cut, cut_png, tmp_path, tmp_path / "missing.png"):
        with pytest.raises(DatasetError) as caught:
            open_picture(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
        assert "0x" not in str(caught.value)
    with pytest.raises(DatasetError, match=r"^picture: "):
        open_picture(b"")


def test_several_frames_are_no_picture():
    frames = [Image.fromarray(BLOCK), Image.fromarray(255 - BLOCK)]
    animated = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(DatasetError, match="2 frames"):
        open_picture(animated)


@pytest.mark.parametrize("side", [400, 9_700, 20_000])
def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch, side):
    if side == 400:
        monkeypatch.setattr(decoding, "MAX_PIXELS", 10_000)
    header = encode(Image.new("1", (side, side)))
    if side > 10_000 or side == 400:
        with pytest.raises(DatasetError, match="million"):
            open_picture(header[: len(header) // 2])  # decoding it would fail with another message
    else:
        with pytest.raises(DatasetError, match="cannot be decoded"):
            open_picture(header[: len(header) // 2])
    if side == 400:
        for picture in (np.zeros((400, 400), np.uint8), Image.new("L", (400, 400))):
            with pytest.raises(InputError, match="400 x 400"):
                open_picture(picture)


def test_a_lazy_picture_whose_file_is_cut_off_is_refused():
    image = Image.open(io.BytesIO(encode(Image.fromarray(BLOCK.repeat(9, 0)), "JPEG")[:-400]))
    with pytest.raises(InputError, match="cannot be decoded"):
        open_picture(image)


def test_any_path_like_object_is_a_path(tmp_path):
    class Place(os.PathLike):
        def __fspath__(self) -> str:
            return str(tmp_path / "block.bmp")

    Image.fromarray(BLOCK).save(Place())
    assert open_picture(Place()).size == (60, 90)


@pytest.mark.parametrize("size", [(3, 6000), (6000, 3), (1, 4000)])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_thin_pictures_are_reduced_to_a_pixel_and_no_further(size, form):
    file = io.BytesIO()
    Image.new("L", size, 200).save(file, form)
    found = open_picture(file.getvalue(), longest=512)
    assert min(found.levels.shape[:2]) >= 1
    assert abs(float(np.median(found.levels)) - 200 / 255) < 0.02
