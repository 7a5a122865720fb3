"""Tests of jaxdigits.cli.predict."""

import csv
import json
import re
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from jaxdigits import lite, recognize
from jaxdigits.bundle import encode_labels
from jaxdigits.cli import main
from jaxdigits.data.images import canonical_digits
from jaxdigits.persistence import read_bundle, write_bundle


def told(capsys, *arguments, status=0):
    assert main(["predict", *map(str, arguments), "--json"]) == status
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def make_bomb(side):
    """Make the beginning of a PNG that says it has side x side pixels."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.usefixtures("folder")
def test_a_picture_gets_a_line_with_its_digit_and_how_sure_that_is(packaged, save_page, capsys):
    [[label]] = save_page("photo.png", [7])
    assert main(["predict", "photo.png"]) == 0
    shown = capsys.readouterr()
    assert re.fullmatch(rf"photo\.png  {label}  >?\d+\.\d %(  .*)?\n", shown.out)
    assert shown.err == ""
    assert packaged == ["small"]


@pytest.mark.usefixtures("folder")
def test_a_packaged_model_is_chosen_by_name_unless_a_file_has_it(packaged, packaged_file, save_page, folder, capsys):
    save_page("a.png", [7])
    assert main(["predict", "a.png", "--model", "accurate"]) == 0
    assert packaged == ["accurate"]
    (folder / "accurate").write_bytes(packaged_file.read_bytes())
    assert main(["predict", "a.png", "--model", "accurate"]) == 0
    assert packaged == ["accurate"]
    capsys.readouterr()


@pytest.mark.usefixtures("folder", "packaged")
def test_json_is_one_object_a_picture(save_page, capsys):
    labels = [save_page("a.png", [0])[0][0], save_page("b.png", [1], inverted=True)[0][0]]
    objects = told(capsys, "a.png", "b.png")
    assert [each["file"] for each in objects] == ["a.png", "b.png"]
    assert [each["digit"] for each in objects] == labels
    for each in objects:
        assert set(each) == {"file", "digit", "probability", "probabilities", "not_a_digit", "sure", "diagnosis"}
        assert list(each["probabilities"]) == list("0123456789")
        assert each["probability"] == max(each["probabilities"].values())
        assert sum(each["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert [each["diagnosis"]["inverted"] for each in objects] == [False, True]


@pytest.mark.usefixtures("folder", "packaged")
def test_what_was_mended_is_told_in_words(save_page, capsys):
    save_page("dark.png", [7], inverted=True)
    assert main(["predict", "dark.png"]) == 0
    assert "light ink on dark, turned over" in capsys.readouterr().out


@pytest.mark.usefixtures("folder", "packaged")
def test_a_picture_with_several_digits_is_not_guessed_and_the_others_are_told(save_page, capsys):
    [[label]] = save_page("one.png", [7])
    save_page("my photo.png", [0, 1, 2, 3])
    assert main(["predict", "my photo.png", "one.png"]) == 2
    shown = capsys.readouterr()
    assert shown.out.startswith(f"one.png  {label}  ")
    assert shown.out.count("\n") == 1
    assert shown.err == "jaxdigits: my photo.png: found 4 digits. Use: jaxdigits read 'my photo.png'\n"
    several, one = told(capsys, "my photo.png", "one.png", status=2)
    assert (several["digit"], several["probability"], several["probabilities"]) == (None, None, None)
    assert (several["sure"], several["diagnosis"]["n_digits"]) == (False, 4)
    assert one["digit"] == label


@pytest.mark.usefixtures("folder", "packaged")
@pytest.mark.parametrize("model", ["packaged", "own", "letters"])
def test_a_blank_picture_is_told_as_such_and_never_guessed(model_file, letters_file, capsys, model):
    Image.new("L", (30, 40), 200).save("blank.png")
    arguments = {"packaged": [], "own": ["--model", str(model_file)], "letters": ["--model", str(letters_file)]}[model]
    assert main(["predict", "blank.png", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("jaxdigits: blank.png: no digit, the picture is blank.")
    assert shown.err.count("\n") == 1


@pytest.mark.usefixtures("folder", "packaged")
def test_of_what_does_not_look_like_a_digit_nothing_sure_is_said(save_page, monkeypatch, capsys):
    save_page("horse.png", [7])
    load_pretrained = recognize.load_pretrained
    monkeypatch.setattr(
        recognize,
        "load_pretrained",
        lambda name: recognize.Recognizer(load_pretrained(name).model, outlier_threshold=0),
    )
    assert main(["predict", "horse.png"]) == 0
    shown = capsys.readouterr().out
    assert re.match(r"horse\.png  \?  does not look like a digit; \d is the best guess", shown)
    [read] = told(capsys, "horse.png")
    assert read["sure"] is False
    assert 0 <= read["not_a_digit"] <= 1


@pytest.mark.usefixtures("folder", "packaged")
def test_a_csv_keeps_a_row_with_an_empty_digit_for_what_was_not_read(save_page, capsys):
    [[label]] = save_page("pictures/a.png", [7])
    save_page("pictures/b.png", [0, 1, 2])
    assert main(["predict", "pictures", "-o", "out.csv"]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    first, second = read_csv("out.csv")
    assert (first["digit"], 0 < float(first["confidence"]) <= 1) == (str(label), True)
    assert (second["file"].replace("\\", "/"), second["digit"], second["confidence"]) == ("pictures/b.png", "", "")


@pytest.mark.usefixtures("packaged")
def test_a_folder_is_read_whole_into_a_csv_and_nothing_is_shown(folder, save_page, capsys):
    labels = {f"pictures/{index}.png": save_page(f"pictures/{index}.png", [index])[0][0] for index in range(3)}
    assert main(["predict", "pictures", "-o", "out.csv"]) == 0
    assert capsys.readouterr() == ("", "")
    rows = read_csv("out.csv")
    assert {row["file"].replace("\\", "/"): int(row["digit"]) for row in rows} == labels
    assert all(0 < float(row["confidence"]) <= 1 for row in rows)
    assert sorted(path.name for path in folder.iterdir()) == ["out.csv", "pictures"]


@pytest.mark.usefixtures("folder", "packaged")
def test_pictures_with_and_without_labels_in_their_names_are_read_alike(save_page, capsys):
    save_page("mixed/7_a.png", [7])
    save_page("mixed/nameless.png", [8])
    assert len(told(capsys, "mixed")) == 2


@pytest.mark.usefixtures("packaged")
def test_show_draws_what_the_model_saw_and_says_where(folder, save_page, capsys):
    save_page("elsewhere/photo.png", [7])
    assert main(["predict", "elsewhere/photo.png", "--show"]) == 0
    assert capsys.readouterr().out.endswith("Saved photo-seen.png.\n")
    with Image.open("photo-seen.png") as picture:
        picture.verify()
        assert min(picture.size) >= 300
    save_page("photo.png", [7, 8, 9])
    Image.new("RGBA", (30, 40)).save("blank.png")
    assert main(["predict", "elsewhere/photo.png", "photo.png", "blank.png", "--picture", "all.svg"]) == 2
    assert (folder / "all.svg").stat().st_size > 1000
    capsys.readouterr()
    assert [each["digit"] for each in told(capsys, "elsewhere/photo.png", "--show")] != [None]


@pytest.mark.usefixtures("tables")
def test_every_row_of_a_table_is_read(model_file, digits, capsys):
    assert main(["predict", "test.csv", "--model", str(model_file)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == [f"test.csv:{row}" for row in range(1, 21)]
    assert np.mean([int(line[1]) for line in lines] == digits[1][160:180]) > 0.9


@pytest.mark.usefixtures("folder", "packaged")
@pytest.mark.parametrize(("white", "dtype"), [(255, np.uint8), (1, np.float32), (65535, np.uint16)])
def test_rows_of_any_range_are_brought_to_a_packaged_model(digits, save_page, capsys, white, dtype):
    for index in range(10):
        save_page(f"{index}.png", [index])
    images = canonical_digits([f"{index}.png" for index in range(10)])[0]
    expected = [each["probability"] for each in told(capsys, *(f"{index}.png" for index in range(10)))]
    np.savez(
        "digits.npz", X=np.rint(images * white * 255) / 255 if white == 1 else np.rint(images * white).astype(dtype)
    )
    objects = told(capsys, "digits.npz")
    assert [each["digit"] for each in objects] == digits[1][:10].tolist()
    assert objects[0]["diagnosis"] is None
    np.testing.assert_allclose([each["probability"] for each in objects], expected, atol=0.02)


@pytest.mark.parametrize("layout", ["images", "rows"])
@pytest.mark.usefixtures("folder", "packaged")
def test_images_of_another_size_are_brought_to_a_packaged_model(digits, capsys, layout):
    X = digits[0][:50]
    np.savez("small.npz", X=X if layout == "images" else X.reshape(50, -1))
    read = np.array([each["digit"] for each in told(capsys, "small.npz")])
    assert np.mean(read == digits[1][:50]) > 0.6


@pytest.mark.parametrize("kind", ["png", "csv", "npz"])
def test_standard_input_may_hold_a_picture_a_table_or_an_archive(
    folder, model_file, packaged, save_page, digits, pipe, capsys, kind
):
    [[label]] = save_page("a.png", [4])
    if kind == "csv":
        np.savetxt("a.csv", digits[0][4:5].reshape(1, -1), fmt="%d", delimiter=",")
    if kind == "npz":
        np.savez("a.npz", X=digits[0][4:5])
    pipe((folder / f"a.{kind}").read_bytes())
    [read] = told(capsys, "-", *([] if kind == "png" else ["--model", model_file]))
    assert (read["file"], read["digit"]) == ("-" if kind == "png" else "-:1", label)
    assert packaged == (["small"] if kind == "png" else [])


@pytest.fixture
def letters_file(folder, model_file):
    """Path of a model that reads 8x8 pictures as other classes than digits."""
    bundle = read_bundle(model_file)
    bundle.metadata["classes"] = encode_labels(np.array(list("ABCDEFGHIJ")))
    write_bundle(bundle, folder / "letters.safetensors")
    return folder / "letters.safetensors"


@pytest.mark.parametrize("kind", ["digits", "letters"])
def test_a_model_of_the_users_own_reads_pictures_at_its_own_size(model_file, letters_file, save_page, capsys, kind):
    truths = [save_page(f"{index:02}.png", [index])[0][0] for index in range(30)]
    model = model_file if kind == "digits" else letters_file
    objects = told(capsys, *(f"{index:02}.png" for index in range(30)), "--model", model)
    expected = truths if kind == "digits" else ["ABCDEFGHIJ"[label] for label in truths]
    # Fitted on rows that were never brought in as pictures are, so that some are read wrongly.
    assert np.mean([each["digit"] == label for each, label in zip(objects, expected, strict=True)]) > 0.6
    assert list(objects[0]["probabilities"]) == list("0123456789" if kind == "digits" else "ABCDEFGHIJ")
    assert set(objects[0]["diagnosis"]) >= {"blank", "inverted", "n_digits"}


@pytest.mark.usefixtures("folder")
def test_pictures_of_the_models_own_size_are_read_as_the_samples_they_are(model_file, save_picture, digits, capsys):
    for index in range(20):
        save_picture(f"{index:02}.png", index, scale=1)
    objects = told(capsys, *(f"{index:02}.png" for index in range(20)), "--model", model_file)
    expected = lite.load_model(model_file).predict_proba(digits[0][:20])
    # Levels of 0 to 16 are rounded to 0 to 255 in a picture.
    np.testing.assert_allclose([each["probability"] for each in objects], expected.max(axis=1), atol=0.01)
    assert {each["diagnosis"]["inverted"] for each in objects} == {False}
    assert main(["predict", "00.png", "--model", str(model_file), "--show"]) == 0
    capsys.readouterr()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", ["predict", "read"])
def test_it_starts_neither_jax_nor_scikit_learn(packaged_file, save_page, command):
    save_page("a.png", [7])
    code = (
        "import sys; from jaxdigits.cli import main; status = main(sys.argv[1:]); "
        "heavy = {'jax', 'flax', 'optax', 'sklearn', 'matplotlib', 'rich', 'pooch', 'scipy.stats'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    arguments = [command, "a.png", "--json", "--model", str(packaged_file)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["file"] == "a.png"


@pytest.mark.usefixtures("packaged")
def test_one_file_that_cannot_be_read_leaves_no_output_at_all(folder, save_page, fails):
    save_page("good.png", [7])
    (folder / "bad.png").write_bytes(b"no picture")
    message = fails("predict", "good.png", "bad.png", "-o", "out.csv")
    assert "bad.png: " in message
    assert not (folder / "out.csv").exists()
    assert "bad.png: " in fails("predict", "good.png", "bad.png")


def test_what_is_read_is_never_overwritten(folder, model_file, save_page, fails):
    save_page("a.png", [7])
    before = (folder / "a.png").read_bytes()
    assert "must not overwrite" in fails("predict", "a.png", "--model", model_file, "-o", "a.png")
    assert "must not overwrite" in fails("predict", "a.png", "--model", model_file, "--picture", "a.png")
    (folder / "link.csv").symlink_to("a.png")
    assert "must not overwrite" in fails("predict", "a.png", "--model", model_file, "-o", "link.csv")
    assert "must not overwrite" in fails("predict", "a.png", "--model", model_file, "-o", model_file)
    (folder / "b-seen.png").symlink_to("a.png")
    assert (folder / "a.png").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.png"], "missing.png: no such file or folder"),
        (["-"], "standard input is empty"),
        (["-", "-"], "must be given once"),
        (["a.png", "--json", "-o", "out.csv"], "got both"),
        (["empty"], "empty: folder without a data set"),
        (["papers"], "papers: folder without a data set"),
        (["page.pdf"], "page.pdf: "),
        (["short.jpg"], "short.jpg: "),
        (["bomb.png"], "bomb.png: "),
        (["a.png", "--model", "large"], "must name a model file, or small or accurate, got 'large'"),
        (["a.png", "--model", "a.png"], "cannot read model file 'a.png'"),
        (["a.png", "--picture", "a.xyz"], "ends in .png or .svg or .pdf"),
        (["digits", "--show"], "--show draws pictures, got data sets alone"),
        (["rows.npz"], "rows.npz holds rows of 5 numbers that are no square pictures"),
        (["scaled.npz"], "scaled.npz holds levels of -1 to 0"),
        (["rows.npz", "--model", "MODEL"], "rows.npz holds rows of 5 numbers, but the model reads rows of 64 numbers"),
        (["large.npz", "--model", "MODEL"], "large.npz holds images of 9 x 9, but the model reads images of 8 x 8"),
    ],
)
@pytest.mark.usefixtures("packaged")
def test_mistakes_are_one_line(folder, model_file, save_page, pipe, fails, arguments, words):
    save_page("a.png", [7])
    Image.effect_noise((200, 200), 60).save("whole.jpg")
    (folder / "short.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:5000])
    (folder / "page.pdf").write_bytes(b"%PDF-1.7\n")
    (folder / "bomb.png").write_bytes(make_bomb(30_000))
    (folder / "empty").mkdir()
    (folder / "papers").mkdir()
    (folder / "papers" / "page.pdf").write_bytes(b"%PDF-1.7\n")
    np.savez("rows.npz", X=np.zeros((2, 5)))
    np.savez("large.npz", X=np.zeros((2, 9, 9)))
    np.savez("scaled.npz", X=np.stack([np.zeros((28, 28)), -np.ones((28, 28))]))
    pipe(b"")
    assert words in fails("predict", *(model_file if each == "MODEL" else each for each in arguments))


@pytest.mark.usefixtures("folder")
def test_a_model_of_plain_rows_reads_no_pictures(row_model_file, save_page, fails):
    save_page("a.png", [7])
    assert "numbers that are no pixels" in fails("predict", "a.png", "--model", row_model_file)


@pytest.mark.usefixtures("folder", "packaged")
def test_text_on_standard_input_that_is_no_table_is_told_as_such(pipe, fails):
    pipe(b"hello\nworld\n")
    message = fails("predict", "-")
    assert message.startswith("jaxdigits: standard input: ")
    assert "tmp" not in message
