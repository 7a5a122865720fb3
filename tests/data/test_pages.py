"""Pages of digits drawn with a pen of straight strokes."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from jaxdigits.data.pages import find_digits
from jaxdigits.errors import InputError

SIZE = 60
# Strokes in heights of a digit.
SEVEN = [(0, 0), (0.55, 0), (0.2, 1)]
ONE = [(0.12, 0), (0, 1)]
FIVE_BODY = [(0.06, 0.12), (0, 0.45), (0.4, 0.5), (0.45, 0.8), (0.2, 1), (0, 0.9)]
FIVE_BAR = [(0.15, 0), (0.5, 0)]


class Sheet:
    """Paper to draw on; what is drawn is noted down, to be compared with what is found."""

    def __init__(self, width=600, height=320, paper=225, ink=45):
        self.image = Image.new("L", (width, height), paper)
        self.paper, self.ink = paper, ink
        self.drawn = []

    def draw(self, strokes, left, top, size=SIZE, width=7):
        points = [[(left + size * x, top + size * y) for x, y in stroke] for stroke in strokes]
        for stroke in points:
            ImageDraw.Draw(self.image).line(stroke, fill=self.ink, width=width, joint="curve")
        flat = np.array([point for stroke in points for point in stroke])
        self.drawn.append(flat)
        return self

    def turned(self, angle):
        """Turn the sheet counter-clockwise about its middle; what was drawn turns along."""
        middle = np.array(self.image.size) / 2
        cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        turn = np.array([[cosine, -sine], [sine, cosine]])
        self.drawn = [(points - middle) @ turn + middle for points in self.drawn]
        self.image = self.image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=self.paper)
        return self

    @property
    def picture(self):
        return np.asarray(self.image)


def two_lines(sheet=None, **colors):
    sheet = sheet or Sheet(**colors)
    for line, top in enumerate((70, 190)):
        for place in range(5):
            sheet.draw([SEVEN if (place + line) % 2 else ONE], 90 + 80 * place, top)
    return sheet


def assert_boxes(page, sheet, tolerance=6):
    """Compare what was found with what was drawn, in the same order, within half a stroke."""
    boxes = [blob.box for line in page.lines for blob in line]
    truth = [(*points.min(axis=0), *points.max(axis=0)) for points in sheet.drawn]
    assert len(boxes) == len(truth)
    np.testing.assert_allclose(boxes, truth, atol=tolerance)


@pytest.mark.parametrize("angle", [0, 3, 10, -10, 14])
def test_digits_of_a_turned_page_are_found_in_reading_order(angle):
    sheet = two_lines().turned(angle)
    page = find_digits(sheet.picture)
    assert [len(line) for line in page.lines] == [5, 5]
    assert page.angle == pytest.approx(angle, abs=1.5)
    assert_boxes(page, sheet)


def test_images_are_canonical_and_turned_level():
    straight, turned = (find_digits(two_lines().turned(angle).picture) for angle in (0, 12))
    for one, other in zip(straight.lines[1], turned.lines[1], strict=True):
        assert one.image.shape == (28, 28)
        assert one.image.dtype == np.float32
        assert 0.9 < one.image.max() <= 1
        assert np.abs(one.image - other.image).mean() < 0.05


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_page_has_no_lines(level):
    page = find_digits(np.full((300, 400), level, np.uint8))
    assert page.lines == ()
    assert page.diagnosis.blank
    assert page.size == (400, 300)


def test_light_ink_on_a_dark_page_is_found():
    sheet = two_lines(paper=40, ink=230)
    page = find_digits(sheet.picture)
    assert_boxes(page, sheet)
    assert page.diagnosis.inverted
    assert not find_digits(two_lines().picture).diagnosis.inverted


def test_specks_and_dashes_are_no_digits():
    sheet = two_lines()
    drawn = list(sheet.drawn)
    for x, y in ((20, 20), (300, 30), (555, 290), (130, 100), (400, 160)):
        ImageDraw.Draw(sheet.image).ellipse((x, y, x + 3, y + 3), fill=45)
    ImageDraw.Draw(sheet.image).line((520, 100, 545, 100), fill=45, width=6)
    sheet.drawn = drawn
    assert_boxes(find_digits(sheet.picture), sheet)


def test_ruling_that_is_turned_with_the_page_is_no_digit():
    sheet = Sheet()
    for y in range(15, 320, 40):
        ImageDraw.Draw(sheet.image).line((0, y, 600, y), fill=170, width=2)
    two_lines(sheet).turned(8)
    page = find_digits(sheet.picture)
    assert [len(line) for line in page.lines] == [5, 5]
    assert_boxes(page, sheet)


def test_a_shadow_and_the_desk_around_a_sheet_are_no_digits():
    sheet = two_lines()
    shaded = sheet.picture * np.where(np.add(*np.indices((320, 600))) > 500, 0.55, 1.0)
    desk = np.full((400, 700), 60.0)
    desk[40:360, 50:650] = shaded
    sheet.drawn = [points + np.array([50, 40]) for points in sheet.drawn]
    page = find_digits(desk.astype(np.uint8))
    assert_boxes(page, sheet)
    assert page.diagnosis.shaded


def test_lines_may_differ_in_size():
    sheet = Sheet(height=400)
    for place in range(4):
        sheet.draw([SEVEN], 80 + 110 * place, 40, size=90, width=8)
    for place in range(6):
        sheet.draw([ONE if place % 2 else SEVEN], 80 + 70 * place, 230, size=45, width=5)
    page = find_digits(sheet.picture)
    assert [len(line) for line in page.lines] == [4, 6]
    assert_boxes(page, sheet)


def test_parts_of_a_line_beside_a_wide_gap_stay_one_line():
    sheet = Sheet(width=1000)
    for top in (60, 200):
        for left in (60, 130, 800, 870):
            sheet.draw([SEVEN], left, top)
    page = find_digits(sheet.picture)
    assert [len(line) for line in page.lines] == [4, 4]
    assert_boxes(page, sheet)


def test_the_bar_of_a_five_that_hangs_apart_belongs_to_it():
    sheet = Sheet()
    for place in range(4):
        sheet.draw([FIVE_BODY, FIVE_BAR] if place % 2 else [SEVEN], 100 + 90 * place, 100)
    assert_boxes(find_digits(sheet.picture), sheet)


def test_touching_digits_offer_a_split_where_they_touch():
    sheet = Sheet()
    for left in (60, 180, 450):
        sheet.draw([SEVEN], left, 100)
    # A foot that meets the stroke beside it at column 343.
    sheet.draw([[(0, 0), (0, 1), (0.6, 1)]], 310, 100).draw([[(0, 0), (0, 1)]], 347, 100)
    blobs = find_digits(sheet.picture).lines[0]
    assert len(blobs) == 4
    pair = blobs[2]
    assert pair.splits
    assert len(pair.odds) == len(pair.splits)
    assert list(pair.odds) == sorted(pair.odds, reverse=True)
    ends = [(parts[0].box[2], parts[1].box[0]) for parts in pair.splits if len(parts) == 2]
    assert any(abs(end - 343) <= 6 and abs(start - 343) <= 6 for end, start in ends)
    for part in (part for parts in pair.splits for part in parts):
        assert part.image.shape == (28, 28)
        assert pair.box[0] <= part.box[0] < part.box[2] <= pair.box[2]


def test_digits_that_stand_alone_offer_few_splits():
    blobs = [blob for line in find_digits(two_lines().picture).lines for blob in line]
    assert sum(len(blob.splits) for blob in blobs) <= 2


def test_boxes_are_in_pixels_of_a_picture_that_was_reduced():
    sheet = two_lines()
    large = sheet.image.resize((3000, 1600), Image.Resampling.BICUBIC)
    sheet.drawn = [points * 5 for points in sheet.drawn]
    page = find_digits(large)
    assert page.size == (3000, 1600)
    assert_boxes(page, sheet, tolerance=5 * 5)


def test_the_diagnosis_of_a_blob_is_its_own():
    page = find_digits(two_lines().picture)
    blob = page.lines[0][2]
    assert blob.diagnosis.box == blob.box
    assert blob.diagnosis.n_digits == 1
    assert page.diagnosis.n_digits == 10


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (2, 500), (500, 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_noise_of_any_size_is_survived(shape, seed):
    noise = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    assert find_digits(noise).size == shape[::-1]


def test_what_is_no_picture_is_refused():
    with pytest.raises(InputError):
        find_digits(np.zeros(5))
