"""Tests of jaxdigits.report."""

import os
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from jaxdigits import DigitClassifier, load_digits
from jaxdigits.errors import InputError
from jaxdigits.metrics import mean_log_loss
from jaxdigits.report import write_report

EVIL = "<script>alert(1)</script>"
VOID = {"meta", "img", "br", "path", "use", "rect", "circle", "line"}


class Page(HTMLParser):
    """What stands in a page: tags with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open, self.strays = [], "", [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.strays.append(tag)

    def handle_data(self, data):
        self.text += data

    def all(self, tag, **attributes):
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [each for name, each in self.tags if name == tag and wanted.items() <= each.items()]


class Guesser:
    """Gives the probabilities that it was made with."""

    def __init__(self, probabilities, classes):
        self.probabilities = np.asarray(probabilities, dtype=float)
        self.classes_ = np.asarray(classes)

    def predict_proba(self, X):
        return self.probabilities[: X.shape[0]]


@pytest.fixture(scope="module")
def split():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order].astype(np.uint8).reshape(-1, 8, 8), y[order]
    return X[:400], X[400:900], y[:400], y[400:900]


@pytest.fixture(scope="module")
def clf(split):
    return DigitClassifier("linear", max_epochs=8, random_state=3, early_stopping=True).fit(split[0], split[2])


@pytest.fixture
def read(tmp_path):
    """Write a report and return the page and its text."""

    def write(clf, X, y, **options):
        write_report(clf, X, y, tmp_path / "report.html", **options)
        text = (tmp_path / "report.html").read_text(encoding="utf-8")
        return Page(text), text

    return write


def test_the_summary_agrees_with_the_classifier(clf, split, read):
    page, text = read(clf, split[1], split[3])
    n_wrong = int((clf.predict(split[1]) != split[3]).sum())
    assert f"{100 * clf.score(split[1], split[3]):.2f} %<small>95 % interval" in text
    assert f"{n_wrong}<small>of 500 samples</small>" in text
    assert f"{mean_log_loss(split[3], clf.predict_proba(split[1]), clf.classes_):.4f}<small>nats" in text
    assert "650<small>weights, 3 KiB</small>" in text
    assert not page.strays
    assert not page.open


def test_every_cell_with_mistakes_leads_to_their_pictures(clf, split, read):
    page, text = read(clf, split[1], split[3])
    predictions = clf.predict(split[1])
    links = [each["href"].removeprefix("#") for each in page.all("a")]
    boxes = [each["id"] for each in page.all("details")]
    wrong = {
        f"cell-{true}-{predicted}" for true, predicted in zip(split[3], predictions, strict=True) if true != predicted
    }
    assert set(links) == set(boxes) == wrong
    assert len(boxes) == len(wrong)
    assert len(page.all("img")) == int((predictions != split[3]).sum())
    row = int(np.flatnonzero(predictions != split[3])[0])
    assert f"row {row}<" in text
    assert f"a {split[3][row]} read as {predictions[row]}, " in text


def test_links_say_in_words_what_they_lead_to_and_every_picture_has_a_text(clf, split, read):
    page, _ = read(clf, split[1], split[3])
    assert all(re.fullmatch(r"\d read as \d: \d+", each["aria-label"]) for each in page.all("a"))
    assert all("sure" in each["alt"] for each in page.all("img"))
    drawings = page.all("svg")
    assert len(drawings) == 4
    assert all(each["role"] == "img" and each["aria-label"] for each in drawings)


def test_nothing_is_loaded_and_no_name_stands_twice(clf, split, read):
    page, _ = read(clf, split[1], split[3])
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png"))
    assert not page.all("link")
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    targets = [each["href"][1:] for each in page.all("a")]
    assert set(targets) <= set(names)


def test_how_it_was_made_is_told(clf, split, read):
    page, _ = read(clf, split[1], split[3])
    assert "DigitClassifier(early_stopping=True, max_epochs=8, model='linear', random_state=3)" in page.text
    assert "The same seed, 3," in page.text
    for name in ("jaxdigits", "jax", "numpy", "weight_decay", "learning_rate"):
        assert name in page.text
    assert "How it learned" in page.text


def test_labels_cannot_run_or_break_the_page(read):
    probabilities = [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]
    clf = Guesser(probabilities, [EVIL, "\"&'"])
    page, text = read(clf, np.zeros((3, 4, 4)), [EVIL, EVIL, "\"&'"])
    assert EVIL not in text
    assert EVIL in page.text
    assert [each for each in page.all("script") if each] == []
    assert len(page.all("script")) == 1
    assert not page.strays
    (policy,) = page.all("meta", http_equiv="Content-Security-Policy") or [
        each for each in page.all("meta") if "http-equiv" in each
    ]
    assert re.search(r"default-src 'none'.*script-src 'sha256-[\w+/=]+'", policy["content"])


def test_the_same_model_gives_the_same_page_but_for_times(clf, split, read):
    (_, first), (_, second) = (read(clf, split[1], split[3]) for _ in range(2))
    timeless = [re.sub(r'<(\w+) class="time".*?</\1>', "", text) for text in (first, second)]
    assert timeless[0] == timeless[1]
    assert len(timeless[0]) < len(first)


def test_a_model_without_mistakes_has_none_to_show(read):
    page, _ = read(Guesser(np.eye(3), ["a", "b", "c"]), np.zeros((3, 4, 4)), ["a", "b", "c"])
    assert "all of them were read right" in page.text
    assert not page.all("details")


def test_rows_that_are_no_pictures_are_told_by_number(read):
    page, text = read(Guesser([[0.9, 0.1]] * 2, [0, 1]), np.zeros((2, 5)), [1, 0])
    assert not page.all("img")
    assert "row 0<" in text


def test_pictures_can_be_given_beside_features(read):
    page, _ = read(Guesser([[0.9, 0.1]] * 2, [0, 1]), np.zeros((2, 5)), [1, 0], images=np.eye(200)[None].repeat(2, 0))
    (picture,) = page.all("img")
    assert len(picture["src"]) < 4000  # reduced


def test_a_pipeline_tells_its_last_steps_training(split, read):
    pipeline = make_pipeline(MinMaxScaler(clip=True), DigitClassifier("linear", max_epochs=2, random_state=0))
    rows = [each.reshape(len(each), -1) for each in split[:2]]
    page, _ = read(pipeline.fit(rows[0], split[2]), rows[1], split[3])
    assert "How it learned" in page.text
    assert "MinMaxScaler(clip=True)" in page.text
    assert "DigitClassifier(max_epochs=2" in page.text
    assert page.all("img")


def test_ten_thousand_samples_of_a_bad_model_stay_small(read, tmp_path):
    generator = np.random.default_rng(0)
    X = generator.integers(0, 256, (10_000, 28, 28)).astype(np.uint8)  # noise, which no format makes smaller
    read(Guesser(generator.dirichlet(np.ones(10), 10_000), range(10)), X, generator.integers(0, 10, 10_000))
    assert (tmp_path / "report.html").stat().st_size < 2e6


def test_very_many_classes_show_those_with_the_most_mistakes(read):
    n = 60
    shares = np.eye(n)
    shares[7, [7, 8]] = 0.4, 0.6
    page, _ = read(Guesser(shares, range(n)), np.zeros((n, 4, 4)), np.arange(n))
    assert "The 20 classes with the fewest mistakes are left out." in page.text
    assert [each["href"] for each in page.all("a")] == ["#cell-7-8"]


def test_a_function_is_told_by_its_name_and_not_its_address(read):
    clf = Guesser([[0.9, 0.1]], [0, 1])
    clf.recipe_ = {"model": make_pipeline, "hidden_sizes": (64,), "learning_rate": np.float64(0.5)}
    page, text = read(clf, np.zeros((1, 4, 4)), [0])
    assert "make_pipeline" in page.text
    assert "(64,)" in page.text
    assert " at 0x" not in text
    assert "float64" not in text


@pytest.mark.parametrize(
    ("y", "words"),
    [([0, 7], "got 7"), ([0], "for each row"), ([], "for each row")],
)
def test_labels_that_do_not_fit_are_refused_and_no_file_is_left(tmp_path, y, words):
    clf = Guesser([[0.9, 0.1]] * 2, [0, 1])
    with pytest.raises(InputError, match=words):
        write_report(clf, np.zeros((2, 4, 4)), y, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told_and_what_was_there_stays(tmp_path, monkeypatch):
    clf = Guesser([[0.9, 0.1]], [0, 1])
    with pytest.raises(InputError, match="cannot write"):
        write_report(clf, np.zeros((1, 4, 4)), [0], tmp_path / "no" / "report.html")
    (tmp_path / "report.html").write_text("old", encoding="utf-8")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError, match="No space left on device"):
        write_report(clf, np.zeros((1, 4, 4)), [0], tmp_path / "report.html")
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old"]


def test_the_users_own_figures_and_style_are_left_alone(clf, split, read):
    import matplotlib.pyplot as plt

    before = (plt.get_fignums(), dict(plt.rcParams))
    read(clf, split[1][:50], split[3][:50])
    assert (plt.get_fignums(), dict(plt.rcParams)) == before
