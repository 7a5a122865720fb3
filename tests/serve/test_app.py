"""Tests of jaxdigits.serve.app: what a client gets, over real HTTP."""

import base64
import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from jaxdigits import __version__
from jaxdigits.serve.guard import HEADERS
from jaxdigits.serve.limits import Limits
from tests.serve.conftest import draw_seven, running, to_bytes

PREDICT, READ = "/api/v1/predict", "/api/v1/read"


def check_refusal(answer, status, *words):
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"status", "error"}
    assert answer.json["status"] == status
    said = answer.json["error"]
    assert "\n" not in said
    assert said.endswith((".", "?"))
    for word in words:
        assert word in said


def png_claiming(width, height):
    """Make a PNG whose header claims a size, with hardly any data behind it."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_picture_as_the_body_is_read(client, seven):
    answer = client.post(PREDICT, seven)
    assert answer.status == 200
    told = answer.json
    assert (told["model"], told["classes"]) == ("small", list(range(10)))
    (result,) = told["results"]
    assert (result["digit"], result["sure"], result["looks_like_digit"]) == (7, True, True)
    assert result["probability"] == result["probabilities"][7] > 0.9
    assert sum(result["probabilities"]) == pytest.approx(1, abs=1e-4)
    seen = np.frombuffer(base64.b64decode(result["image"]), np.uint8)
    assert seen.shape == (784,)
    assert seen.max() > 200
    assert result["diagnosis"]["n_digits"] == 1
    assert (result["file"], result["size"]) == (None, [224, 224])


def test_several_files_of_a_form_are_read_in_order(client, seven):
    white = to_bytes(draw_seven(ink=255, paper=0))
    blank = to_bytes(Image.new("L", (40, 40), 255))
    answer = client.send_files(PREDICT, seven, white, blank)
    assert [result["file"] for result in answer.json["results"]] == ["0.png", "1.png", "2.png"]
    assert [result["digit"] for result in answer.json["results"]] == [7, 7, None]
    assert "turned over" in answer.json["results"][1]["diagnosis"]["description"]
    assert answer.json["results"][2]["diagnosis"]["blank"]
    assert answer.json["results"][2]["probabilities"] is None


@pytest.mark.parametrize("white", [255, 1])
@pytest.mark.parametrize("shape", [(784,), (28, 28)])
@pytest.mark.parametrize("named", [True, False])
def test_pixels_are_read_as_json(client, white, shape, named):
    levels = 1 - np.asarray(draw_seven(1).resize((28, 28)), float) / 255
    pixels = (levels * white).round(4).reshape(shape).tolist()
    body = json.dumps({"pixels": pixels} if named else pixels)
    answer = client.post(PREDICT, body, "application/json; charset=utf-8")
    assert answer.json["results"][0]["digit"] == 7


def test_a_page_is_read_in_lines_with_boxes(client, page):
    answer = client.send_files(READ, page)
    (result,) = answer.json["results"]
    assert result["text"] == "7777\n7777"
    assert [len(line) for line in result["lines"]] == [4, 4]
    left, top, right, bottom = result["lines"][0][0]["box"]
    assert 0 <= left < right < 112
    assert 0 <= top < bottom < 112
    assert client.post(READ, page).json["results"][0]["text"] == result["text"]


@pytest.mark.parametrize(
    ("form", "mode", "options"),
    [
        ("JPEG", "L", {}),
        ("JPEG", "CMYK", {}),
        ("GIF", "P", {}),
        ("BMP", "L", {}),
        ("TIFF", "L", {}),
        ("WEBP", "RGB", {"lossless": True}),
        ("PNG", "I;16", {}),
        ("PNG", "1", {}),
        ("PNG", "LA", {}),
        ("PNG", "RGBA", {}),
    ],
)
def test_pictures_of_every_common_kind_are_read(client, form, mode, options):
    gray = draw_seven()
    picture = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257) if mode == "I;16" else gray.convert(mode)
    answer = client.post(PREDICT, to_bytes(picture, form, **options), "application/octet-stream")
    assert answer.json["results"][0]["digit"] == 7


def test_a_large_picture_is_read_too(client):
    assert client.post(PREDICT, to_bytes(draw_seven(60))).json["results"][0]["digit"] == 7


def test_what_is_known_of_the_model_is_told(client):
    told = client.get("/api/v1/model").json
    assert (told["name"], told["version"], told["classes"]) == ("small", __version__, list(range(10)))
    counts = np.array(told["card"]["confusion"]["counts"])
    assert counts.shape == (10, 10)
    assert np.trace(counts) == told["card"]["measured"][0]["n_right"]


def test_health_and_timing(client, seven):
    assert client.get("/healthz").json == {"status": "ok"}
    timing = ", ".join(client.post(PREDICT, seven).headers.get_all("server-timing"))
    assert {part.partition(";")[0].strip() for part in timing.split(",")} == {"wait", "decode", "model", "total"}


@pytest.mark.parametrize("path", ["/", "/model", "/static/style.css", "/healthz", "/nothing", "/openapi.json"])
def test_every_answer_has_the_headers_that_keep_a_browser_safe(client, path):
    headers = client.get(path).headers
    for name, value in HEADERS:
        assert headers[name.decode()] == value.decode()
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/static/%2e%2e/app.py", 404),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("POST", "/api/v1/predict/", 404),
        ("GET", PREDICT, 405),
        ("DELETE", READ, 405),
        ("POST", "/", 405),
        ("TRACE", "/healthz", 405),
    ],
)
def test_what_is_not_there_is_refused_in_the_form_of_all_errors(client, method, path, status):
    answer = client.ask(method, path)
    check_refusal(answer, status)
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (b"hello", "text/plain", 415, "text/plain"),
        (b"%PDF-1.7", "application/pdf", 415, "application/pdf"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "expected a picture"),
        (b"<svg/>", "image/svg+xml", 415, "no format that is known"),
        (b"no picture", "image/png", 415, "no format that is known"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "image/x-eps", 415, "no format that is known"),
        (b"", "image/png", 400, "empty"),
        (b"\x89PNG\r\n\x1a\n", "image/png", 400, "broken"),
        (png_claiming(0, 0), "image/png", 400, ""),
        (png_claiming(60_000, 60_000), "image/png", 400, "too many pixels"),
        (png_claiming(9_000, 9_000), "image/png", 400, "at most 50 million"),
        (png_claiming(900, 900), "image/png", 400, ""),
        (b"GIF89a\0\0\0\0\0\0\0", "image/gif", 400, ""),
        (b"[1, 2", "application/json", 400, "no valid JSON"),
        (b"\xff\xfe", "application/json", 400, "no valid JSON"),
        (b"[" * 100_000, "application/json", 400, "no valid JSON"),
        (b"[NaN]", "application/json", 400, "finite"),
        (b"[1e999]", "application/json", 400, "784"),
        (b"null", "application/json", 400, "784"),
        (b'{"pixels": [1], "more": 2}', "application/json", 400, "'pixels'"),
        (json.dumps([0] * 783).encode(), "application/json", 400, "784"),
        (json.dumps([[0] * 28] * 27 + [[0] * 27]).encode(), "application/json", 400, "28 rows"),
        (json.dumps([-1] + [0] * 783).encode(), "application/json", 400, "between 0 and 255"),
        (json.dumps([256] + [0] * 783).encode(), "application/json", 400, "between 0 and 255"),
        (json.dumps([True] + [0] * 783).encode(), "application/json", 400, "numbers"),
        (json.dumps(["1"] + [0] * 783).encode(), "application/json", 400, "numbers"),
        (b"[" + b"0," * 200_000 + b"0]", "application/json", 413, "256 KiB"),
        (b"no form", "multipart/form-data; boundary=x", 400, "form"),
        (b"no form", "multipart/form-data", 400, "form"),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 400, "form"),
    ],
)
def test_bad_input_gets_one_plain_sentence(client, body, kind, status, words):
    check_refusal(client.post(PREDICT, body, kind), status, words)


def test_truncated_pictures_are_refused(client):
    for form in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"):
        content = to_bytes(draw_seven(), form)
        check_refusal(client.post(PREDICT, content[: len(content) // 3], "image/*"), 400)


def test_animations_are_refused(client):
    for form in ("GIF", "TIFF", "PNG", "WEBP"):
        content = to_bytes(draw_seven(), form, save_all=True, append_images=[draw_seven(ink=90)])
        check_refusal(client.post(PREDICT, content, "image/*"), 400, "animated")


def test_one_bad_file_of_several_is_named(client, seven):
    check_refusal(client.send_files(PREDICT, seven, b"no picture"), 415, "File 2: ")
    check_refusal(client.send_files(PREDICT, seven, seven[:60]), 400, "File 2: ")
    check_refusal(client.send_files(PREDICT, seven, seven, kind="text/plain"), 415, "File 1")
    check_refusal(client.send_files(PREDICT, seven, b""), 400, "File 2 is empty")
    check_refusal(client.send_files(PREDICT, seven, field="picture"), 400, "'picture'")


def test_too_many_files_are_refused(client, seven):
    assert client.send_files(PREDICT, *[seven] * 16).status == 200
    check_refusal(client.send_files(PREDICT, *[seven] * 17), 400, "at most 16")


def test_pixels_of_several_files_count_together(seven):
    with running(Limits(n_pixels=100_000)) as client:
        assert client.send_files(PREDICT, seven).status == 200
        check_refusal(client.send_files(PREDICT, seven, seven), 400, "together")


def test_a_page_takes_no_pixels(client):
    check_refusal(client.post(READ, json.dumps([0] * 784), "application/json"), 415)


def test_a_body_over_the_limit_is_refused_before_it_is_read(client):
    answer = client.ask("POST", PREDICT, b"x", {"content-type": "image/png", "content-length": str(10**12)})
    check_refusal(answer, 413, "20 MiB")


def test_a_body_over_the_limit_is_refused_though_its_length_is_not_told(client):
    def chunks():
        for _ in range(22):
            yield bytes(2**20)

    check_refusal(client.post(PREDICT, chunks()), 413)


def test_a_body_of_another_type_is_refused_though_it_is_large(client):
    check_refusal(client.post(PREDICT, bytes(10 * 2**20), "video/mp4"), 415)


def test_a_full_queue_says_when_to_come_again(seven):
    with running(Limits(n_waiting=0)) as client:
        answer = client.post(PREDICT, seven)
        check_refusal(answer, 503, "busy")
        assert int(answer.headers["retry-after"]) >= 1


def test_bodies_that_would_fill_the_memory_wait_outside(seven):
    with running(Limits(held_bytes=len(seven) // 2)) as client:
        check_refusal(client.post(PREDICT, seven), 503, "busy")
        assert client.get("/healthz").status == 200


def test_nothing_is_written_to_disk(client, page, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    large = to_bytes(Image.fromarray(np.random.default_rng(0).integers(0, 256, (1200, 1600), np.uint8)))
    assert len(large) > 2**20
    assert client.send_files(PREDICT, large, page).status == 200
    assert list(tmp_path.iterdir()) == []


def test_names_of_files_come_back_as_plain_text(client, seven):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="<b>\x07 a\tb"\r\n\r\n'
        + seven
        + b"\r\n--x--\r\n"
    )
    answer = client.post(PREDICT, body, "multipart/form-data; boundary=x")
    assert answer.json["results"][0]["file"] == "<b> a b"


def test_the_openapi_document_tells_of_every_answer(client):
    document = client.get("/openapi.json").json
    assert set(document["paths"]) == {PREDICT, READ, "/api/v1/model", "/healthz"}
    post = document["paths"][PREDICT]["post"]
    assert set(post["requestBody"]["content"]) == {"multipart/form-data", "image/*", "application/json"}
    assert {"200", "400", "408", "413", "415", "503"} <= set(post["responses"])


def test_answers_hold_what_the_document_promises(client, seven, page):
    schemas = client.get("/openapi.json").json["components"]["schemas"]
    blank = to_bytes(Image.new("L", (40, 40), 255))
    for name, result in (
        ("OnePicture", client.post(PREDICT, seven).json["results"][0]),
        ("OnePicture", client.post(PREDICT, blank).json["results"][0]),
        ("OnePage", client.post(READ, page).json["results"][0]),
        ("ModelAnswer", client.get("/api/v1/model").json),
    ):
        assert set(schemas[name]["properties"]) == set(result)
    assert set(schemas["Found"]["properties"]) == set(client.post(PREDICT, seven).json["results"][0]["diagnosis"])


def test_a_second_look_costs_the_browser_nothing(client):
    first = client.get("/static/style.css")
    again = client.ask("GET", "/static/style.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_pictures_come_in_through_pillow_alone_once_they_name_their_format(client):
    # What starts as one format is never tried as another, whatever follows.
    polyglot = io.BytesIO()
    Image.new("L", (30, 30)).save(polyglot, "EPS")
    check_refusal(client.post(PREDICT, b"II*\0" + polyglot.getvalue()), 400)
