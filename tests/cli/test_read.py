"""Tests of jaxdigits.cli.read."""

import json

import numpy as np
import pytest
from PIL import Image

from jaxdigits import recognize
from jaxdigits.cli import main
from jaxdigits.data.decoding import open_picture
from jaxdigits.data.images import Diagnosis
from jaxdigits.recognize import Digit, Reading

WIDTH, HEIGHT = 540, 300


def make_digit(label, line, place, *, sure=True, looks_like_digit=True):
    share = 0.91 if sure else 0.4
    probabilities = np.full(10, (1 - share) / 9)
    probabilities[label] = share
    box = (30 + 120 * place, 40 + 120 * line, 110 + 120 * place, 140 + 120 * line)
    diagnosis = Diagnosis((WIDTH, HEIGHT), box)
    return Digit(label, share, probabilities, 0.1, looks_like_digit, sure, box, np.zeros((28, 28)), diagnosis)


@pytest.fixture
def reads(packaged, monkeypatch):
    r"""Have any picture that is not of one level read as the text "31\n59", the 5 unsurely, beside a scribble."""

    def read_page(_self, picture):
        empty = np.ptp(open_picture(picture).levels) == 0
        diagnosis = Diagnosis((WIDTH, HEIGHT), None, blank=bool(empty))
        if empty:
            return Reading((), (WIDTH, HEIGHT), diagnosis)
        lines = (
            (make_digit(3, 0, 0), make_digit(1, 0, 1)),
            (make_digit(5, 1, 0, sure=False), make_digit(9, 1, 1)),
        )
        scribble = make_digit(8, 1, 3, sure=False, looks_like_digit=False)
        return Reading(lines, (WIDTH, HEIGHT), diagnosis, 1.5, (scribble,))

    monkeypatch.setattr(recognize.Recognizer, "read_page", read_page)
    return packaged


@pytest.fixture
def save(folder):
    """Write a picture that is not of one level."""

    def write(*names):
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            Image.linear_gradient("L").resize((WIDTH, HEIGHT)).save(folder / name)

    return write


@pytest.mark.usefixtures("reads")
def test_a_page_is_told_line_by_line_and_drawn(folder, save, capsys):
    save("elsewhere/page.png")
    assert main(["read", "elsewhere/page.png"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "31\n59\nSaved page-read.png.\n"
    with Image.open("page-read.png") as picture:
        picture.verify()
        assert min(picture.size) >= 300
    assert sorted(path.name for path in folder.iterdir()) == ["elsewhere", "page-read.png"]


@pytest.mark.usefixtures("reads")
def test_what_is_unsure_or_left_out_is_noted(save, capsys):
    save("page.png")
    assert main(["read", "page.png"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "jaxdigits: note: page.png: left out 1 thing that looks like no digit.",
        "jaxdigits: note: page.png: not sure of 1 of 4 digits.",
    ]


@pytest.mark.usefixtures("reads")
def test_json_tells_the_box_and_the_probabilities_of_each_digit_and_draws_nothing(folder, save, capsys):
    save("page.png")
    assert main(["read", "page.png", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["size"], told["angle"]) == ("page.png", [WIDTH, HEIGHT], 1.5)
    assert (told["lines"], told["n_left_out"]) == (["31", "59"], 1)
    assert [(each["digit"], each["line"], each["sure"]) for each in told["digits"]] == [
        (3, 1, True),
        (1, 1, True),
        (5, 2, False),
        (9, 2, True),
    ]
    first = told["digits"][0]
    assert first["box"] == [30, 40, 110, 140]
    assert first["probability"] == first["probabilities"]["3"] == 0.91
    assert list(first["probabilities"]) == list("0123456789")
    assert first["diagnosis"]["n_digits"] == 1
    assert [path.name for path in folder.iterdir()] == ["page.png"]


@pytest.mark.usefixtures("folder", "packaged")
def test_a_real_page_comes_out_with_boxes_within_it(save_page, capsys):
    save_page("page.png", [0, 1, 2, 3])
    assert main(["read", "page.png", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["size"] == [WIDTH, 180]
    assert "".join(told["lines"]) == "".join(str(each["digit"]) for each in told["digits"])
    for each in told["digits"]:
        left, top, right, bottom = each["box"]
        assert 0 <= left < right <= WIDTH
        assert 0 <= top < bottom <= 180


@pytest.mark.usefixtures("reads")
def test_the_picture_is_written_where_it_is_asked_for(folder, save, capsys):
    save("page.png")
    assert main(["read", "page.png", "--json", "-o", "drawn.pdf"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == "page.png"
    assert (folder / "drawn.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.usefixtures("reads")
def test_several_pages_have_headings_and_pictures_of_their_own(folder, save, capsys):
    save("a/page.png", "b/page.png", "b/other.png")
    (folder / "out").mkdir()
    assert main(["read", "a/page.png", "b", "-o", "out"]) == 0
    shown = capsys.readouterr().out.replace("\\", "/")
    assert shown == "".join(
        f"{name}:\n31\n59\nSaved out/{drawn}.\n"
        for name, drawn in (
            ("a/page.png", "page-read.png"),
            ("b/other.png", "other-read.png"),
            ("b/page.png", "page-2-read.png"),
        )
    )
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "other-read.png",
        "page-2-read.png",
        "page-read.png",
    ]


@pytest.mark.usefixtures("reads")
def test_a_page_without_digits_is_told_as_such_and_the_others_are_read(folder, save, capsys):
    Image.new("L", (300, 200), 200).save("blank.png")
    save("page.png")
    assert main(["read", "blank.png", "page.png"]) == 2
    shown = capsys.readouterr()
    assert "jaxdigits: blank.png: no digits found." in shown.err
    assert shown.out == "page.png:\n31\n59\nSaved page-read.png.\n"
    assert not (folder / "blank-read.png").exists()


@pytest.mark.usefixtures("reads")
def test_a_page_comes_through_a_pipe(folder, save, pipe, capsys):
    save("page.png")
    pipe((folder / "page.png").read_bytes())
    assert main(["read", "-"]) == 0
    assert capsys.readouterr().out == "31\n59\nSaved standard-input-read.png.\n"


def test_the_packaged_model_is_chosen_by_name(reads, save, capsys):
    save("page.png")
    assert main(["read", "page.png", "--json"]) == 0
    assert main(["read", "page.png", "--json", "--model", "accurate"]) == 0
    assert reads == ["small", "accurate"]
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.jpg"], "missing.jpg: no such file or folder"),
        (["-", "-"], "must be given once"),
        (["-"], "standard input is empty"),
        (["digits"], "digits is a data set"),
        (["digits.npz"], "digits.npz is a data set, but read takes photos and scans of pages"),
        (["empty"], "empty: folder without a data set"),
        (["page.png", "bad.png"], "bad.png: "),
        (["page.pdf"], "page.pdf: "),
        (["page.png", "page.png", "-o", "a.png"], "-o must name a folder that exists for several pages"),
        (["page.png", "-o", "a.xyz"], "ends in .png or .svg or .pdf"),
        (["page.png", "-o", "page.png"], "must not overwrite what is read"),
        (["page.png", "page-read.png"], "must not overwrite what is read"),
        (["page.png", "--model", "ROWS"], "page.png is a picture, but the model reads rows of 64 numbers"),
    ],
)
@pytest.mark.usefixtures("reads")
def test_mistakes_are_one_line_and_leave_nothing(folder, row_model_file, save, pipe, fails, arguments, words):
    (folder / "empty").mkdir()
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "page.pdf").write_bytes(b"%PDF-1.7\n")
    save("page.png", "page-read.png")
    np.savez("digits.npz", X=np.zeros((2, 28, 28)))
    pipe(b"")
    before = {path: path.is_file() and path.read_bytes() for path in folder.iterdir()}
    assert words in fails("read", *(row_model_file if each == "ROWS" else each for each in arguments))
    assert {path: path.is_file() and path.read_bytes() for path in folder.iterdir()} == before
