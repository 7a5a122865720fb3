"""Tests of jaxdigits.serve.pictures."""

import pytest
from PIL import Image

from jaxdigits.serve.pictures import count_pixels
from jaxdigits.serve.refusals import Refusal
from tests.serve.conftest import to_bytes


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_pixels_are_counted_without_decoding(form):
    content = to_bytes(Image.new("L", (50, 40)), form)
    assert count_pixels(content, most=2000) == 2000
    with pytest.raises(Refusal, match="too many pixels") as caught:
        count_pixels(content, most=1999)
    assert caught.value.status == 400


@pytest.mark.parametrize("content", [b"", b"RIFF1234WAVE", b"%!PS-Adobe-3.0", b"<svg/>", b"P5 1 1 255 x"])
def test_what_is_of_another_format_is_no_picture(content):
    with pytest.raises(Refusal) as caught:
        count_pixels(content, most=100)
    assert caught.value.status == 415


@pytest.mark.parametrize("content", [b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0", b"RIFF1234WEBP"])
def test_a_header_that_breaks_off_is_a_broken_picture(content):
    with pytest.raises(Refusal, match="broken") as caught:
        count_pixels(content, most=100)
    assert caught.value.status == 400
