"""Tests of jaxdigits.recognize: with models made here, and with the packaged ones where they are there."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
from importlib import resources
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from jaxdigits import recognize
from jaxdigits.bundle import Bundle, encode_labels
from jaxdigits.data import pages
from jaxdigits.data.images import Diagnosis, canonical_digit, canonical_digits
from jaxdigits.data.resampling import make_views, resize_canonical
from jaxdigits.errors import InputError, ModelFileError
from jaxdigits.lite import LiteModel
from jaxdigits.persistence import write_bundle
from jaxdigits.recognize import PRETRAINED, Recognizer, fit_images, load_pretrained

FONT = ImageFont.load_default(size=80)


def draw(text, *, angle=0.0, size=None):
    """Write text in black on white: an array of uint8."""
    left, top, right, bottom = FONT.getbbox(text)
    picture = Image.new("L", size or (right - left + 80, bottom - top + 80), 255)
    at = ((picture.width - right - left) // 2, (picture.height - bottom - top) // 2)
    ImageDraw.Draw(picture).text(at, text, fill=0, font=FONT)
    return np.asarray(picture.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255))


def fit_bundle(images, columns, *, labels, **metadata):
    """Return a linear model as plain data that knows these images, by ridge regression."""
    rows = np.c_[images.reshape(len(images), -1), np.ones(len(images))]
    targets = 16.0 * np.eye(len(labels))[columns]
    weights = (rows.T @ np.linalg.solve(rows @ rows.T + 2.0 * np.eye(len(rows)), targets)).astype(np.float32)
    low, high = metadata.setdefault("pixel_range", [0, 1])
    shape = list(images.shape[1:])
    arrays = {
        "input.offset": np.full(1, low, np.float32),
        "input.scale": np.full(1, 1 / (high - low), np.float32),
        "layers.0.kernel": weights[:-1],
        "layers.0.bias": weights[-1],
    }
    spec = {
        "input_shape": [weights.shape[0] - 1],
        "n_classes": len(labels),
        "layers": [{"kind": "Dense", "features": len(labels)}],
    }
    known = {"classes": encode_labels(np.array(labels)), "n_features": weights.shape[0] - 1, "image_shape": shape}
    return Bundle(spec, arrays, known | metadata)


def fit_model(images, columns, *, labels, **metadata):
    return LiteModel(fit_bundle(images, columns, labels=labels, **metadata))


@pytest.fixture(scope="module")
def samples():
    """Make canonical images of printed digits, a few angles each, and their labels; and images that are no digits."""
    pictures = [(draw(str(digit), angle=angle), digit) for digit in range(10) for angle in (-8, -4, 0, 4, 8)]
    images = canonical_digits([picture for picture, _ in pictures])[0]
    labels = np.array([digit for _, digit in pictures])
    noise = np.random.default_rng(0).uniform(0, 1, (40, 28, 28)).astype(np.float32)
    return SimpleNamespace(images=images, labels=labels, noise=noise)


def fit_packaged(samples):
    images = np.concatenate([samples.images, samples.noise])
    columns = np.r_[samples.labels + 1, np.zeros(len(samples.noise), int)]
    return fit_bundle(images, columns, labels=range(-1, 10), temperature=1.5, card={"name": "printed"})


@pytest.fixture(scope="module")
def model(samples):
    """Make a model as the packaged ones are: -1, then the digits."""
    return LiteModel(fit_packaged(samples))


@pytest.fixture(scope="module")
def plain(samples):
    """Make a model of the ten digits alone."""
    return fit_model(samples.images, samples.labels, labels=range(10))


@pytest.fixture
def recognizer(model):
    return Recognizer(model)


# ---- canonical images ----


@pytest.mark.parametrize("layout", [(-1, 28, 28), (-1, 784), (-1, 28, 28, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_canonical_images_of_any_layout_are_read(recognizer, samples, layout, dtype):
    images = np.rint(samples.images * 255).astype(np.uint8) if dtype == np.uint8 else samples.images.astype(dtype)
    predictions = recognizer.predict(images.reshape(layout))
    assert predictions.dtype == np.int64
    np.testing.assert_array_equal(predictions, samples.labels)


def test_images_in_a_wrong_range_are_refused(recognizer, samples):
    with pytest.raises(InputError, match="uint8 from 0 to 255 or float from 0 to 1"):
        recognizer.predict(samples.images * 255)


def test_digit_probabilities_leave_out_the_class_of_everything_else(recognizer, model, samples):
    images = np.concatenate([samples.images, samples.noise])
    probabilities = recognizer.predict_proba(images)
    every = model.predict_proba(images)
    assert recognizer.classes_.tolist() == list(range(10))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_allclose(probabilities, every[:, 1:] / every[:, 1:].sum(axis=1, keepdims=True), rtol=1e-9)
    np.testing.assert_allclose(recognizer.not_a_digit(images), every[:, 0], rtol=1e-9)


def test_noise_does_not_look_like_a_digit(recognizer, samples):
    assert recognizer.not_a_digit(samples.images).max() < 0.5 < recognizer.not_a_digit(samples.noise).min()


def test_without_a_class_of_everything_else_doubt_stands_for_it(plain, samples):
    recognizer = Recognizer(plain)
    doubt = 1 - recognizer.predict_proba(samples.noise).max(axis=1)
    np.testing.assert_allclose(recognizer.not_a_digit(samples.noise), doubt)
    assert recognizer.classes_.tolist() == list(range(10))


def test_minus_one_among_labels_that_are_no_integers_is_a_label(samples):
    labels = np.array([-1.0, *range(1, 10)])
    recognizer = Recognizer(fit_model(samples.images, samples.labels, labels=labels))
    assert recognizer.classes_.tolist() == labels.tolist()


def test_the_models_own_number_of_views_is_taken(samples):
    model = fit_model(samples.images, samples.labels, labels=np.arange(10))
    model.metadata_["n_views"] = 3
    assert Recognizer(model).n_views == 3
    assert Recognizer(model, n_views=1).n_views == 1
    model.metadata_["n_views"] = 10
    with pytest.raises(ModelFileError, match=r"n_views.*an int from 1 to 9"):
        Recognizer(model)


def test_views_average_probabilities(model, samples):
    averaged = Recognizer(model, n_views=5)
    single = Recognizer(model)
    views = make_views(samples.images, 5)
    expected = np.mean([single.predict_proba(view) for view in views], axis=0)
    np.testing.assert_allclose(averaged.predict_proba(samples.images), expected, atol=1e-6)
    outliers = np.mean([single.not_a_digit(view) for view in views], axis=0)
    np.testing.assert_allclose(averaged.not_a_digit(samples.images), outliers, atol=1e-6)


# ---- models of every kind ----


@pytest.mark.parametrize(("side", "pixel_range"), [(8, [0, 16]), (16, [-1, 1]), (32, [0, 255]), (28, [0, 255])])
def test_images_come_to_a_models_own_size_and_range(samples, side, pixel_range):
    low, high = pixel_range
    images = low + (high - low) * resize_canonical(samples.images, (side, side))
    model = fit_model((images - low) / (high - low), samples.labels, labels=range(10), pixel_range=pixel_range)
    np.testing.assert_allclose(fit_images(samples.images, model), images, rtol=1e-6, atol=1e-5)
    assert fit_images(samples.images, model).dtype == np.float32
    np.testing.assert_array_equal(Recognizer(model).predict(samples.images), samples.labels)


def test_labels_are_returned_as_given(samples):
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    recognizer = Recognizer(fit_model(samples.images, samples.labels, labels=names))
    assert recognizer.predict(samples.images[-1:]).tolist() == ["nine"]
    reading = recognizer.read(draw("7"))
    assert (reading.digit, reading.text) == ("seven", "seven")
    json.dumps(reading.to_dict())


def test_a_model_of_rows_that_are_no_pixels_is_refused(samples):
    model = fit_model(samples.images, samples.labels, labels=range(10), image_shape=None)
    with pytest.raises(InputError, match="rows of 784 numbers that are no pixels"):
        Recognizer(model)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"threshold": 1.5}, "threshold must be a number from 0 to 1, or None"),
        ({"threshold": "0.5"}, "threshold must be a number"),
        ({"threshold": float("nan")}, "threshold must be a number"),
        ({"outlier_threshold": -0.1}, "outlier_threshold must be a number"),
        ({"n_views": 0}, "n_views must be an int from 1 to 9"),
    ],
)
def test_wrong_parameters_are_named(model, options, match):
    with pytest.raises(InputError, match=match):
        Recognizer(model, **options)


def test_thresholds_come_from_the_caller_then_the_model_then_a_half(samples):
    def make(**metadata):
        return fit_model(samples.images, samples.labels, labels=range(10), **metadata)

    own = make(rejection_threshold=0.9, outlier_threshold=0.7)
    assert (Recognizer(own).threshold, Recognizer(own).outlier_threshold) == (0.9, 0.7)
    chosen = Recognizer(own, threshold=0.2, outlier_threshold=0.0)
    assert (chosen.threshold, chosen.outlier_threshold) == (0.2, 0.0)
    assert (Recognizer(make()).threshold, Recognizer(make()).outlier_threshold) == (0.5, 0.5)
    with pytest.raises(ModelFileError, match="outlier_threshold: got 'high', expected a number from 0 to 1"):
        Recognizer(make(outlier_threshold="high"))


def test_the_card_is_the_models_own_and_repr_names_it(recognizer, plain):
    assert recognizer.card == {"name": "printed"}
    recognizer.card["name"] = "changed"
    assert repr(recognizer) == "Recognizer('printed', 10 classes, threshold=0.5, n_views=1)"
    assert Recognizer(plain).card == {}
    assert repr(Recognizer(plain)) == "Recognizer(10 classes, threshold=0.5, n_views=1)"


def test_a_recognizer_can_be_sent_to_another_process(recognizer, samples):
    copied = pickle.loads(pickle.dumps(recognizer))
    np.testing.assert_array_equal(copied.predict_proba(samples.images), recognizer.predict_proba(samples.images))


# ---- one digit ----


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_is_read_from_an_array_a_file_bytes_and_pillow(recognizer, digit, tmp_path):
    picture = draw(str(digit), size=(200, 160))
    path, encoded = tmp_path / "digit.png", io.BytesIO()
    Image.fromarray(picture).save(path)
    Image.fromarray(picture).save(encoded, format="PNG")
    for source in (picture, path, str(path), encoded.getvalue(), Image.fromarray(picture)):
        reading = recognizer.read_digit(source)
        assert (reading.digit, reading.text, reading.size) == (digit, str(digit), (200, 160))
    assert type(reading.digit) is int
    assert reading.probability == reading.probabilities.max() == reading.probabilities[digit]
    (only,) = reading.digits
    ink = np.argwhere(picture < 128)
    assert only.box[:2] == pytest.approx(ink.min(axis=0)[::-1], abs=5)
    assert only.box[2:] == pytest.approx(ink.max(axis=0)[::-1] + 1, abs=5)
    assert (only.image.shape, only.diagnosis) == ((28, 28), reading.diagnosis)


def test_a_blank_picture_is_never_guessed(recognizer):
    reading = recognizer.read(np.full((50, 70), 255, np.uint8))
    assert reading.diagnosis.blank
    assert (reading.digits, reading.lines, reading.text, reading.size) == ((), (), "", (70, 50))
    assert (reading.digit, reading.probability, reading.probabilities, reading.sure) == (None, None, None, False)


def test_what_is_no_digit_is_still_the_best_guess_but_not_sure(recognizer, monkeypatch, samples):
    diagnosis = Diagnosis((28, 28), (0, 0, 28, 28))
    monkeypatch.setattr("jaxdigits.data.images.canonical_digit", lambda picture: (picture, diagnosis))
    reading = recognizer.read_digit(samples.noise[0])
    assert reading.digit in range(10)
    assert not reading.digits[0].looks_like_digit
    assert not reading.digits[0].sure
    assert not reading.sure


def test_below_the_threshold_nothing_is_sure(model):
    picture = draw("4")
    probability = Recognizer(model).read(picture).probability
    assert Recognizer(model, threshold=probability).read(picture).sure
    reading = Recognizer(model, threshold=min(1.0, probability + 1e-9)).read(picture)
    assert (reading.digit, reading.sure, reading.digits[0].looks_like_digit) == (4, False, True)


def test_what_is_no_picture_is_an_error_of_one_line(recognizer, tmp_path):
    path = tmp_path / "letter.png"
    path.write_bytes(b"Dear all")
    for read in (recognizer.read, recognizer.read_digit, recognizer.read_page):
        with pytest.raises(InputError, match=r"letter\.png") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_a_reading_becomes_json(recognizer):
    told = json.loads(json.dumps(recognizer.read(draw("3")).to_dict()))
    assert (told["digit"], told["text"], len(told["probabilities"])) == (3, "3", 10)
    assert told["lines"][0][0]["label"] == 3
    assert told["diagnosis"]["blank"] is False
    blank = json.loads(json.dumps(recognizer.read(np.zeros((40, 40), np.uint8)).to_dict()))
    assert (blank["digit"], blank["probabilities"], blank["lines"], blank["diagnosis"]["blank"]) == (
        None,
        None,
        [],
        True,
    )


# ---- pages ----


def test_a_page_is_read_in_lines(recognizer):
    page = np.full((480, 600), 255, np.uint8)
    for row, line in enumerate(("314", "15", "926")):
        for column, digit in enumerate(line):
            glyph = Image.fromarray(draw(digit, size=(70, 90))).resize((42, 54))
            page[60 + 80 * row : 114 + 80 * row, 90 + 70 * column : 132 + 70 * column] = glyph
    reading = recognizer.read_page(page)
    assert reading.text == "314\n15\n926"
    assert [len(line) for line in reading.lines] == [3, 2, 3]
    assert (reading.digit, reading.size, reading.diagnosis.several) == (None, (600, 480), True)
    lefts = [digit.box[0] for digit in reading.lines[0]]
    assert lefts == sorted(lefts)
    assert recognizer.read(page).text == reading.text
    json.dumps(reading.to_dict())


def test_a_blank_page_has_no_lines(recognizer):
    reading = recognizer.read_page(np.full((300, 200), 255, np.uint8))
    assert (reading.lines, reading.text, reading.digit) == ((), "", None)


def fake_page(monkeypatch, *lines):
    """Make find_digits return these lines of blobs."""
    diagnosis = Diagnosis((100, 60), None, n_digits=sum(map(len, lines)))
    monkeypatch.setattr(pages, "find_digits", lambda _: pages.Page(lines, 1.5, (100, 60), diagnosis))


def make_part(image, box=(0, 0, 10, 20), **found):
    return pages.Part(box, image, Diagnosis((100, 60), box, **found))


def make_blob(image, *splits, box=(0, 0, 20, 20), **found):
    return pages.Blob(box, image, Diagnosis((100, 60), box, **found), splits)


def sample(samples, digit):
    return samples.images[5 * digit + 2]


def test_touching_digits_are_read_in_parts_and_a_digit_whole(recognizer, monkeypatch, samples):
    one, four, eight = (sample(samples, digit) for digit in (1, 4, 8))
    noise = [make_part(image) for image in samples.noise[:3]]
    joined = make_blob(samples.noise[5], (make_part(one), noise[0]), (make_part(four, (0, 0, 9, 9)), make_part(one)))
    whole = make_blob(eight, (noise[1], noise[2]), (make_part(one), noise[0]))
    fake_page(monkeypatch, (joined, whole))
    reading = recognizer.read_page("page")
    assert reading.text == "418"
    assert reading.lines[0][0].box == (0, 0, 9, 9)
    assert (reading.angle, reading.size, reading.others) == (1.5, (100, 60), ())


def test_between_a_whole_and_parts_that_look_alike_the_whole_wins(recognizer, monkeypatch, samples):
    eight = sample(samples, 8)
    fake_page(monkeypatch, (make_blob(eight, (make_part(eight), make_part(eight))),))
    assert recognizer.read_page("page").text == "8"


def test_parts_without_anything_to_read_are_not_chosen(recognizer, monkeypatch, samples):
    four, empty = sample(samples, 4), np.zeros((28, 28), np.float32)
    blob = make_blob(samples.noise[0], (make_part(four), make_part(empty, blank=True)))
    fake_page(monkeypatch, (blob,))
    assert recognizer.read_page("page").text == ""


def test_what_does_not_look_like_a_digit_is_left_out_of_a_page(recognizer, monkeypatch, samples):
    scribble = make_blob(samples.noise[0], box=(40, 0, 60, 20))
    fake_page(monkeypatch, (make_blob(sample(samples, 2)), scribble), (make_blob(samples.noise[1]),))
    reading = recognizer.read_page("page")
    assert (reading.text, len(reading.lines)) == ("2", 1)
    assert [other.box for other in reading.others] == [(40, 0, 60, 20), (0, 0, 20, 20)]


def test_all_that_is_on_a_page_goes_through_the_model_at_once(model, monkeypatch, samples):
    one, four = make_part(sample(samples, 1)), make_part(sample(samples, 4))
    blob = make_blob(samples.noise[0], (one, four), (one, one, four))
    fake_page(monkeypatch, (blob, make_blob(sample(samples, 3))), (make_blob(sample(samples, 5)),))
    recognizer, sizes = Recognizer(model), []
    logits = model.logits
    monkeypatch.setattr(model, "logits", lambda X: sizes.append(len(X)) or logits(X))
    recognizer.read_page("page")
    assert sizes == [5]  # three wholes and two parts, each part once


def test_read_keeps_the_single_digit_where_the_page_shows_no_more(recognizer, monkeypatch):
    fake_page(monkeypatch)
    two = np.concatenate([draw("7"), draw("7")], axis=1)
    assert recognizer.read_digit(two).diagnosis.several
    assert recognizer.read(two).digit == 7


# ---- abstaining ----


def test_the_threshold_for_a_risk_can_be_used_at_once(model, samples):
    images, labels = np.tile(samples.images, (8, 1, 1)), np.tile(samples.labels, 8)
    threshold = Recognizer(model).rejection_threshold(images, labels, risk=0.02)
    recognizer = Recognizer(model, threshold=threshold)
    accepted = recognizer.predict_proba(images).max(axis=1) >= recognizer.threshold
    assert accepted.mean() > 0.5
    with pytest.raises(InputError, match=r"risk 0\.001 can't be reached .* 400 samples, 0 of them wrong"):
        recognizer.rejection_threshold(images, labels)


def test_wrong_labels_count_as_errors(model, samples):
    images, labels = np.tile(samples.images, (8, 1, 1)), np.tile(samples.labels, 8)
    with pytest.raises(InputError, match="400 of them wrong"):
        Recognizer(model).rejection_threshold(images, (labels + 1) % 10, risk=0.02)


def test_pictures_serve_as_well_and_what_can_not_be_read_does_not_count(recognizer):
    pictures = [draw(str(digit), angle=angle) for digit in range(10) for angle in (-6, -2, 2, 6)]
    labels = np.repeat(np.arange(10), 4)
    blank = np.full((60, 60), 255, np.uint8)
    threshold = recognizer.rejection_threshold(pictures, labels, risk=0.1)
    assert recognizer.rejection_threshold([*pictures, blank], [*labels, 3], risk=0.1) == threshold
    with pytest.raises(InputError, match="y must have one label a picture, 40"):
        recognizer.rejection_threshold(pictures, labels[1:], risk=0.1)


def test_noise_never_counts_because_it_is_never_sure(recognizer, samples):
    images, labels = np.tile(samples.images, (4, 1, 1)), np.tile(samples.labels, 4)
    mixed = np.concatenate([images, samples.noise])
    threshold = recognizer.rejection_threshold(images, labels, risk=0.02)
    assert recognizer.rejection_threshold(mixed, np.r_[labels, [0] * 40], risk=0.02) == threshold
    with pytest.raises(InputError, match="got none that looks like one"):
        recognizer.rejection_threshold(samples.noise, [0] * 40)


# ---- models that come with the package ----


@pytest.fixture
def packaged(samples, tmp_path, monkeypatch):
    """Let the packaged models be one that is made here."""
    path = tmp_path / "tiny.safetensors"
    write_bundle(fit_packaged(samples), path)
    monkeypatch.setattr(recognize, "PRETRAINED", dict.fromkeys(PRETRAINED, str(path)))


@pytest.mark.usefixtures("packaged")
def test_without_a_name_the_accurate_model_is_loaded_once():
    first, second = load_pretrained(), load_pretrained("accurate", threshold=0.9, n_views=3)
    assert first.model is second.model
    assert (second.threshold, second.n_views) == (0.9, 3)


@pytest.mark.usefixtures("packaged")
def test_the_functions_of_the_module_read_with_the_packaged_model():
    assert recognize.read_digit(draw("6")).digit == 6
    assert recognize.read_page(draw("6")).text == "6"


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="name must be one of small, accurate, got 'huge'"):
        load_pretrained("huge")


def test_a_missing_model_says_how_to_make_one(monkeypatch, tmp_path):
    monkeypatch.setattr(recognize, "PRETRAINED", {"small": str(tmp_path / "none.safetensors")})
    with pytest.raises(ModelFileError, match=r"none\.safetensors.* python -m benchmarks\.train_pretrained") as caught:
        load_pretrained("small")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", PRETRAINED)
def test_packaged_models_read_digits_and_say_what_they_are(name):
    if not resources.files("jaxdigits").joinpath("pretrained", PRETRAINED[name]).is_file():
        pytest.skip(f"the packaged model {name!r} has not been trained yet")
    recognizer = load_pretrained(name)
    assert recognizer.classes_.tolist() == list(range(10))
    assert recognizer.model.classes_.tolist() == list(range(-1, 10))
    assert recognizer.card["name"] == name
    assert [recognizer.read_digit(draw(str(digit))).digit for digit in (0, 2, 3, 5, 8)] == [0, 2, 3, 5, 8]
    noise = np.random.default_rng(0).uniform(0, 1, (20, 28, 28))
    digits = [canonical_digit(draw(str(digit)))[0] for digit in (0, 2, 3, 5, 8)]
    assert recognizer.not_a_digit(noise).min() > recognizer.not_a_digit(digits).max()
    assert np.median(recognizer.not_a_digit(noise)) > 0.9


@pytest.mark.usefixtures("packaged")
def test_recognizing_needs_no_jax_no_scikit_learn_no_matplotlib(tmp_path):
    path = tmp_path / "three.png"
    Image.fromarray(draw("3")).save(path)
    heavy = {"jax", "jaxlib", "flax", "optax", "sklearn", "matplotlib", "safetensors", "pandas"}
    code = (
        "import sys; from jaxdigits import recognize; "
        f"recognize.PRETRAINED['accurate'] = {recognize.PRETRAINED['accurate']!r}; "
        f"print(recognize.load_pretrained().read({str(path)!r}).digit, sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3 []"
