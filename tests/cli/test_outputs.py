"""Tests of jaxdigits.cli.outputs."""

import io
import os
import stat
import sys
from pathlib import Path

import pytest

from jaxdigits.cli import outputs
from jaxdigits.errors import InputError


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_a_file_is_written_whole_and_nothing_else_is_left(folder):
    outputs.write_whole(folder / "a.csv", b"new")
    assert (folder / "a.csv").read_bytes() == b"new"
    assert [path.name for path in folder.iterdir()] == ["a.csv"]


def test_a_writing_that_fails_leaves_the_old_file(folder, monkeypatch):
    (folder / "a.csv").write_bytes(b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError, match="No space left on device"):
        outputs.write_whole(Path("a.csv"), b"new")
    assert (folder / "a.csv").read_bytes() == b"old"
    assert [path.name for path in folder.iterdir()] == ["a.csv"]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_a_file_that_is_replaced_keeps_its_permissions(folder):
    (folder / "a.csv").touch()
    (folder / "a.csv").chmod(0o640)
    outputs.write_whole(Path("a.csv"), b"new")
    assert stat.S_IMODE((folder / "a.csv").stat().st_mode) == 0o640


def test_a_link_stays_and_its_file_is_replaced(folder):
    (folder / "real.csv").touch()
    (folder / "link.csv").symlink_to("real.csv")
    outputs.write_whole(Path("link.csv"), b"new")
    assert (folder / "link.csv").is_symlink()
    assert (folder / "real.csv").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("no/a.csv", "a folder that exists"),
        ("inside", "got a folder"),
        (os.devnull, "got a device"),
        ("data.csv", "must not overwrite"),
        ("inside/7.png", "must not overwrite"),
        ("train-labels-idx1-ubyte", "must not overwrite"),
    ],
)
def test_places_that_must_not_be_written_are_refused(folder, path, words):
    (folder / "inside").mkdir()
    for name in ("data.csv", "inside/7.png", "train-labels-idx1-ubyte"):
        (folder / name).touch()
    with pytest.raises(InputError, match=words):
        outputs.check_output(Path(path), option="-o", inputs=[Path("data.csv"), Path("inside"), Path("missing")])


def test_other_files_beside_the_inputs_may_be_replaced(folder):
    (folder / "inside").mkdir()
    for name in ("data.csv", "submission.csv", "inside/model.safetensors"):
        (folder / name).touch()
    for name in ("submission.csv", "inside/model.safetensors", "inside/new.csv", "new.csv"):
        outputs.check_output(Path(name), option="-o", inputs=[Path("data.csv"), Path("inside")])


def test_remarks_are_for_terminals_and_notes_for_all(monkeypatch):
    for stream, remarks in ((io.StringIO(), ""), (Terminal(), "Reading ...\n")):
        monkeypatch.setattr(sys, "stderr", stream)
        outputs.remark("Reading ...")
        outputs.warn("two\n lines")
        assert stream.getvalue() == f"{remarks}jaxdigits: note: two lines\n"


@pytest.mark.parametrize("stream", [None, "closed"])
def test_nobody_to_write_to_is_no_error(monkeypatch, stream):
    if stream == "closed":
        stream = Terminal()
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    outputs.remark("Reading ...")
    outputs.warn("Careful.")


def test_names_are_bold_on_a_terminal_alone(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert outputs.format_rows({"a": "1"}) == "\x1b[1ma\x1b[0m  1"
    monkeypatch.setenv("NO_COLOR", "1")
    assert outputs.format_rows({"a": "1"}) == "a  1"


@pytest.mark.usefixtures("folder")
def test_a_picture_needs_an_ending_that_can_be_drawn():
    outputs.check_picture(None)
    outputs.check_picture(Path("a.SVG"))
    with pytest.raises(InputError, match=r"\.png or \.svg or \.pdf, got 'a'"):
        outputs.check_picture(Path("a"))
