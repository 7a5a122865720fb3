"""Pictures in bulk."""

import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.damage import DAMAGES
from benchmarks.handwriting import (
    CHUNK,
    compose_copies,
    damage_copies,
    damage_image,
    draw_outliers,
    find_real_set,
    join,
    make_outliers,
    prepare,
    read_by_tutorial,
    run_tasks,
    split_tasks,
)
from benchmarks.shapes import TEST_OUTLIERS


@pytest.fixture
def images(small_mnist):
    return small_mnist[0][:4]


def test_real_sets_are_read_from_names(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXDIGITS_DATA", str(tmp_path))
    assert find_real_set("mine") is None
    (tmp_path / "mine").mkdir()
    for name in ("7_0001.png", "3_0000.jpg", "notes.txt"):
        (tmp_path / "mine" / name).write_bytes(b"")
    paths, labels = find_real_set("mine")
    assert [path.name for path in paths] == ["3_0000.jpg", "7_0001.png"]
    assert labels.tolist() == [3, 7]


def test_the_tutorials_way_turns_over_what_is_bright():
    page = np.full((56, 56), 255, np.uint8)
    page[20:40, 24:32] = 0
    buffer = io.BytesIO()
    Image.fromarray(page).save(buffer, "PNG")
    for picture in (page, buffer.getvalue()):
        assert read_by_tutorial(picture).shape == (28, 28)
        assert read_by_tutorial(picture)[0, 0] == 0
        assert read_by_tutorial(picture).max() > 200
    assert read_by_tutorial(255 - page)[0, 0] == 0


def test_what_cannot_be_read_is_said(images):
    prepared = prepare([255 - images[0], np.full((50, 50), 200, np.uint8)])
    assert prepared.readable.tolist() == [True, False]
    assert prepared.canonical.shape == prepared.tutorial.shape == (2, 28, 28)


def test_a_picture_is_the_same_alone_and_in_a_chunk(images):
    kind = next(iter(DAMAGES))
    whole = damage_copies((images, 10, kind, 2))
    alone = prepare([damage_image(images[3], kind, 2, 13)])
    assert np.array_equal(whole.canonical[3], alone.canonical[0])


def test_copies_in_settings_do_not_depend_on_the_chunk(images):
    whole, parts = compose_copies((images, 0, 5)), [compose_copies((images[at : at + 2], at, 5)) for at in (0, 2)]
    assert np.array_equal(whole[0], np.concatenate([part[0] for part in parts]))
    assert not np.array_equal(whole[0], compose_copies((images, 0, 6))[0])


def test_outliers_come_in_the_form_that_is_trained_on(small_mnist):
    made = make_outliers((small_mnist[0][:50], small_mnist[2][:50], 3, (0, 1)))
    assert made.shape == (3, 28, 28)
    assert made.dtype == np.uint8
    kind = next(iter(TEST_OUTLIERS))
    whole, part = draw_outliers((kind, 0, 3)), draw_outliers((kind, 1, 2))
    assert np.array_equal(whole.canonical[1:], part.canonical)


def test_tasks_cover_every_image_once():
    images = np.zeros((2 * CHUNK + 5, 28, 28), np.uint8)
    tasks = split_tasks(images, "blur", 1)
    assert [(len(task[0]), *task[1:]) for task in tasks] == [
        (CHUNK, 0, "blur", 1),
        (CHUNK, CHUNK, "blur", 1),
        (5, 2 * CHUNK, "blur", 1),
    ]


def test_joined_parts_keep_their_order(images):
    parts = [prepare([255 - image]) for image in images]
    joined = join(parts)
    assert np.array_equal(joined.canonical, np.concatenate([part.canonical for part in parts]))


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order(processes):
    assert list(run_tasks(abs, [-3, -1, -2], processes=processes)) == [3, 1, 2]
