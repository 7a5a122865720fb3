"""The page and the picture of the handwriting benchmark."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import handwriting_page
from benchmarks.bench_handwriting import RESULTS
from benchmarks.damage import DAMAGES
from benchmarks.handwriting_page import draw_picture, make_page, make_summary, mean_over_kinds


def counts(n=200, pretrained=198, refused=1):
    rest = {"refused": refused, "unreadable": 0, "calibration_error": 0.004}
    return {"n": n, "tutorial": 150, "pipeline": 190, "pretrained": pretrained, **rest}


@pytest.fixture
def results():
    return {
        "machine": {"cores": 2, "processor": "Abacus"},
        "model": {"name": "small", "n_weights": 56_781, "temperature": 1.1, "outlier_threshold": 0.9},
        "n_images": 200,
        "quick": False,
        "photo": [400, 300],
        "mnist": {"with": counts(), "without": counts(pretrained=197)},
        "real": {"mine": counts(pretrained=180)},
        "damaged": {kind: [counts(), counts(pretrained=180), counts(pretrained=100)] for kind in DAMAGES},
        "outliers": {
            "n_digits": 400,
            "auroc": 0.98765,
            "kinds": {"letters": {"n": 100, "auroc": 0.975, "refused": 90, "unreadable": 1}},
        },
        "seconds": {"photo, JPEG": 0.1234},
        "examples": [
            {"kind": "blur", "strength": 2, "index": 0, "label": 1, "read": 1, "probability": 0.9, "refused": True},
            {"kind": "thin", "strength": 1, "index": 1, "label": 1, "read": None, "probability": 0.1, "refused": False},
        ],
    }


def test_the_page_holds_the_figures_and_their_interval(results):
    page = make_page(results)
    assert "| mine (real) | 200 | 75.00 % | 95.00 % | 90.00 % | 85.06 to 93.43 % |" in page
    assert "| blur | 75.0 / 75.0 / 75.0 | 95.0 / 95.0 / 95.0 | 99.0 / 90.0 / 50.0 | 0.4 / 0.4 / 0.4 |" in page
    assert "| **mean over all kinds** | **75.0 / 75.0 / 75.0** |" in page
    assert "| letters | 100 | 0.9750 | 90.00 % |" in page
    assert "**0.9877**" in page
    assert "| photo, JPEG | 123 |" in page
    assert "a photo has 400x300 pixels" in page
    assert "quick run" not in page
    assert "quick run" in make_page({**results, "quick": True})


def test_the_summary_holds_sets_and_means(results):
    summary = make_summary(results)
    assert "| mine, 200 digits | 75.00 % | 95.00 % | 90.00 % |" in summary
    assert "| 200 of them in 15 kinds of damage, middle | 75.00 % | 95.00 % | 90.00 % |" in summary


def test_a_mean_takes_every_kind_alike(results):
    results["damaged"]["blur"][1]["pretrained"] = 30
    assert mean_over_kinds(results, 1, "pretrained") == pytest.approx(90 - 75 / len(DAMAGES))


@pytest.mark.usefixtures("small_mnist")
def test_the_picture_follows_the_results(results, tmp_path):
    contents = []
    for read in (1, 1, 7):
        results["examples"][0]["read"] = read
        draw_picture(results, tmp_path / "new" / "picture.png")
        contents.append((tmp_path / "new" / "picture.png").read_bytes())
    assert contents[0] == contents[1] != contents[2]
    with Image.open(tmp_path / "new" / "picture.png") as picture:
        assert np.ptp(picture.convert("L")) > 100


def test_committed_results_make_the_committed_page():
    path = RESULTS / "handwriting.json"
    if not path.exists():
        pytest.skip("results/handwriting.json is not there: python -m benchmarks.bench_handwriting makes it")
    results = json.loads(path.read_text(encoding="utf-8"))
    assert not results["quick"]
    assert handwriting_page.make_page(results) == path.with_suffix(".md").read_text(encoding="utf-8")
    assert make_summary(results) == path.with_name("handwriting-summary.md").read_text(encoding="utf-8")
