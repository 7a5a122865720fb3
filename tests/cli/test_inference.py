"""Tests of jaxdigits.cli.inference."""

import numpy as np
import pytest
from PIL import Image

from jaxdigits import recognize
from jaxdigits.cli.inference import (
    PACKAGED,
    fit_arrays,
    has_own_size,
    model_files,
    open_model,
    open_reader,
    read_samples,
)
from jaxdigits.cli.sources import open_source
from jaxdigits.errors import InputError


@pytest.fixture
def model(model_file):
    return open_model(model_file)


@pytest.fixture
def reader(model_file):
    return open_reader(str(model_file))


def read(name, reader, **options):
    with open_source(name) as source:
        return read_samples(source, reader, **options)


def test_the_names_of_the_packaged_models_are_those_there_are():
    assert set(PACKAGED) == set(recognize.PRETRAINED)
    assert PACKAGED[0] == "small"


@pytest.mark.parametrize("name", [None, "small", "accurate"])
def test_a_packaged_model_reads_canonical_images_as_digits(packaged, name):
    reader = open_reader(name)
    assert packaged == [name or "small"]
    assert reader.name == packaged[0]
    assert reader.takes_canonical
    assert reader.classes_.tolist() == list(range(10))
    probabilities = reader.predict_proba(np.zeros((3, 28, 28), np.float32))
    assert probabilities.shape == (3, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_a_file_is_a_model_of_its_own(folder, model_file, row_model_file):
    (folder / "small").write_bytes(model_file.read_bytes())
    for name, reads_pictures in ((str(model_file), True), (str(row_model_file), False), ("small", True)):
        reader = open_reader(name)
        assert (reader.recognizer is not None, reader.takes_canonical) == (reads_pictures, False)
        assert model_files(name)[0].is_file()
    assert model_files("accurate") == []


def test_a_name_that_is_neither_a_file_nor_packaged_is_refused():
    with pytest.raises(InputError, match="or small or accurate, got 'smal'"):
        open_reader("smal")


@pytest.mark.usefixtures("folder")
def test_a_picture_is_one_sample_of_the_models_shape_and_range(reader, save_page):
    save_page("a.png", [3])
    samples = read("a.png", reader)
    assert (samples.names, samples.labels, samples.split) == (["a.png"], None, None)
    assert samples.X.shape == (1, 8, 8)
    assert samples.X.min() >= 0
    assert 8 < samples.X.max() <= 16


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("dark", [False, True])
def test_a_picture_of_the_models_own_size_is_taken_as_it_is(reader, digits, dark):
    levels = digits[0][3] * 15
    Image.fromarray(255 - levels if dark else levels).save("a.png")
    samples = read("a.png", reader)
    np.testing.assert_allclose(samples.X[0], digits[0][3] * (15 / 255 * 16), atol=1e-5)
    assert samples.how == "pictures of the model's own size, ink light, 0 to 16"
    assert has_own_size("a.png", reader)
    assert not has_own_size("missing.png", reader)


@pytest.mark.usefixtures("folder", "packaged")
def test_a_packaged_model_takes_no_picture_as_it_is():
    Image.new("L", (28, 28), 255).save("a.png")
    assert not has_own_size("a.png", open_reader(None))


@pytest.mark.usefixtures("folder")
def test_pictures_of_different_sizes_in_folders_by_label(reader, save_picture):
    labels = [save_picture(f"set/{int(digit)}/{digit}.png", digit, scale=4 + digit) for digit in range(10)]
    samples = read("set", reader)
    assert samples.X.shape == (10, 8, 8)
    assert samples.labels.tolist() == sorted(labels)
    assert samples.names[0].endswith("0.png")


@pytest.mark.usefixtures("folder", "packaged")
def test_pictures_stay_canonical_for_a_packaged_model(save_page):
    save_page("set/7.png", [7])
    samples = read("set", open_reader(None))
    assert (samples.X.shape, samples.X.dtype) == ((1, 28, 28), np.float32)
    assert samples.how == "pictures brought to 28 x 28, ink light, 0 to 1"


@pytest.mark.usefixtures("folder")
def test_pictures_without_a_digit_are_counted_and_told(reader, save_page, capsys):
    save_page("set/7_a.png", [7])
    for name in ("3_b.png", "4_c.png"):
        Image.new("L", (40, 40), 200).save(f"set/{name}")
    assert len(read("set", reader).X) == 3
    note = capsys.readouterr().err
    assert "3_b.png and 1 more: no digit to be seen" in note
    assert note.count("\n") == 1


@pytest.mark.usefixtures("folder")
def test_the_test_folder_is_read_where_there_are_two(reader, save_picture):
    save_picture("set/train/0/a.png", 0)
    save_picture("set/test/1/b.png", 1)
    assert (read("set", reader).labels.tolist(), read("set", reader).split) == ([1], "test")
    assert read("set", reader, split="train").labels.tolist() == [0]


@pytest.mark.usefixtures("npz")
def test_rows_are_named_by_file_and_number(reader, digits):
    samples = read("digits.npz", reader)
    assert samples.names[:2] == ["digits.npz:1", "digits.npz:2"]
    np.testing.assert_array_equal(samples.X, digits[0])


@pytest.mark.usefixtures("folder", "packaged")
@pytest.mark.parametrize("dark", [False, True])
def test_images_of_28_x_28_come_to_a_packaged_model_as_they_are(dark):
    X = np.zeros((4, 28, 28), np.uint8)
    X[:, 4:20, 10:14] = 255
    np.savez("images.npz", X=255 - X if dark else X)
    samples = read("images.npz", open_reader(None))
    np.testing.assert_array_equal(samples.X, X / np.float32(255))
    assert samples.how == ("dark ink turned light" if dark else "")


@pytest.mark.usefixtures("folder")
def test_a_model_of_rows_takes_them_as_they_are(row_model_file):
    model = open_model(row_model_file)
    X = np.full((2, 64), 200)
    assert fit_arrays(X, model, name="rows") == (X, False)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 63), "some holds rows of 63 numbers, but the model reads rows of 64 numbers"),
        ((2, 4, 16), "some holds images of 4 x 16, but the model reads images of 8 x 8"),
    ],
)
def test_samples_of_another_size_are_refused(model, shape, words):
    with pytest.raises(InputError, match=words):
        fit_arrays(np.zeros(shape), model, name="some")
