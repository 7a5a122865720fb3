"""Tests of jaxdigits.serve.readers."""

import asyncio
import base64
import gc
import io
import sys

import numpy as np
import pytest
from PIL import Image

from jaxdigits.recognize import load_pretrained
from jaxdigits.serve.bodies import Upload
from jaxdigits.serve.limits import Limits
from jaxdigits.serve.readers import Readers
from jaxdigits.serve.refusals import Refusal


@pytest.fixture(scope="module")
def recognizer():
    return load_pretrained("small")


def with_readers(recognizer, use, **limits):
    async def run():
        readers = Readers(recognizer, Limits(**limits))
        try:
            return await use(readers)
        finally:
            readers.close()

    return asyncio.run(run())


def test_pictures_and_pixels_are_read_in_their_order(recognizer, seven):
    one = np.zeros((28, 28), np.uint8)
    one[5:23, 13:15] = 255
    uploads = [Upload("seven.png", seven), Upload(None, one)]
    answer = with_readers(recognizer, lambda readers: readers.predict(uploads))
    assert [(told["file"], told["digit"]) for told in answer.results] == [("seven.png", 7), (None, 1)]
    assert {"wait", "decode", "model"} == answer.seconds.keys()
    told = answer.results[0]
    assert len(base64.b64decode(told["image"])) == 28 * 28
    assert told["probability"] == max(told["probabilities"])
    assert told["sure"]


def test_requests_read_together_get_their_own_answers(recognizer, seven):
    async def use(readers):
        blank = Upload("blank", np.zeros((28, 28), np.uint8))
        jobs = [readers.predict([Upload("7", seven)]), readers.predict([blank]), readers.predict([Upload("bad", b"x")])]
        return await asyncio.gather(*jobs, readers.predict([Upload("again", seven)]), return_exceptions=True)

    first, blank, broken, again = with_readers(recognizer, use)
    assert first.results[0]["digit"] == again.results[0]["digit"] == 7
    assert blank.results[0]["digit"] is None
    assert blank.results[0]["diagnosis"]["blank"]
    assert isinstance(broken, Refusal)


def test_a_page_is_told_line_by_line(recognizer, page):
    answer = with_readers(recognizer, lambda readers: readers.read([Upload(None, page)]))
    told = answer.results[0]
    assert told["text"] == "7777\n7777"
    assert [len(line) for line in told["lines"]] == [4, 4]
    assert all(digit["box"] is not None for line in told["lines"] for digit in line)


def test_a_broken_picture_among_several_is_named(recognizer, seven):
    uploads = [Upload("a", seven), Upload("b", seven[: len(seven) // 2])]
    with pytest.raises(Refusal, match=r"^File 2: .*[^\n]$") as caught:
        with_readers(recognizer, lambda readers: readers.predict(uploads))
    assert caught.value.status == 400


def test_pixels_are_counted_over_all_pictures_before_any_is_decoded(recognizer, seven):
    uploads = [Upload("a", seven)] * 2  # 224 x 224 each
    with pytest.raises(Refusal, match="together") as caught:
        with_readers(recognizer, lambda readers: readers.predict(uploads), n_pixels=60_000)
    assert caught.value.status == 400
    assert with_readers(recognizer, lambda readers: readers.predict(uploads[:1]), n_pixels=60_000).results


def test_a_large_picture_waits_with_the_pages(recognizer):
    large = np.full((1200, 1200), 255, np.uint8)
    large[300:900, 560:640] = 0
    file = io.BytesIO()
    Image.fromarray(large).save(file, "PNG")
    answer = with_readers(recognizer, lambda readers: readers.predict([Upload(None, file.getvalue())]))
    assert answer.results[0]["digit"] == 1


def test_a_queue_that_is_full_refuses(recognizer, seven):
    async def use(readers):
        jobs = [readers.read([Upload(None, seven)]) for _ in range(12)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    answers = with_readers(recognizer, use, n_waiting_long=2)
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert refused
    assert {refusal.status for refusal in refused} == {503}
    assert len(refused) < len(answers)
    assert all(refusal.retry_after for refusal in refused)


@pytest.mark.parametrize("task", ["predict", "read"])
@pytest.mark.parametrize("start", [b"GIF89a", b"\x89PNG\r\n\x1a\n", b"?"])
def test_nothing_holds_a_refused_picture(recognizer, seven, task, start):
    """Though Python's collector of circles does not come by."""
    broken = start + bytes(100)

    async def use(readers):
        with pytest.raises(Refusal):
            await getattr(readers, task)([Upload("broken", broken)])
        await readers.predict([Upload("7", seven)])
        await readers.read([Upload("7", seven)])

    gc.collect()
    gc.disable()
    try:
        before = sys.getrefcount(broken)
        with_readers(recognizer, use)
        assert sys.getrefcount(broken) == before
    finally:
        gc.enable()
