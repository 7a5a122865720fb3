"""Random settings to train on."""

import io

import numpy as np
import pytest
from PIL import Image

from benchmarks import compositions
from benchmarks.compositions import SETTINGS, compose_damage, main


@pytest.fixture
def seven():
    image = np.zeros((28, 28), np.uint8)
    image[4:7, 8:20] = image[6:24, 14:18] = 255
    return image


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture))) if isinstance(picture, bytes) else picture


def test_shares_sum_to_one():
    assert sum(SETTINGS.values()) == pytest.approx(1)


@pytest.mark.parametrize("compose", SETTINGS)
def test_every_setting_is_a_picture_with_something_in_it(compose, seven):
    for seed in range(15):
        picture = pixels(compose(seven, np.random.default_rng(seed)))
        assert picture.dtype == np.uint8
        assert min(picture.shape[:2]) >= 2
        assert np.ptp(picture) > 0


@pytest.mark.parametrize("compose", SETTINGS)
def test_blank_images_and_dots_do_no_harm(compose):
    image = np.zeros((28, 28), np.uint8)
    for seed in range(5):
        assert pixels(compose(image, np.random.default_rng(seed))).size
    image[14, 14] = 255
    for seed in range(5):
        assert pixels(compose(image, np.random.default_rng(seed))).size


def test_the_seed_decides_the_picture(seven):
    first, again, other = (pixels(compose_damage(seven, np.random.default_rng(seed))) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_settings_differ_in_size_polarity_and_form(seven):
    pictures = [compose_damage(seven, np.random.default_rng(seed)) for seed in range(80)]
    assert any(isinstance(picture, bytes) for picture in pictures)
    arrays = [pixels(picture) for picture in pictures]
    assert {array.ndim for array in arrays} == {2, 3}
    sides = [max(array.shape[:2]) for array in arrays]
    assert min(sides) <= 20
    assert max(sides) >= 150


def test_the_command_writes_a_sheet(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(compositions, "load_mnist", lambda: small_mnist)
    assert main([str(tmp_path / "sheet.png")]) == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (16 * 76, 18 * 76)
