"""The training of the models that come with the package, at a small size."""

import numpy as np
import pytest

from benchmarks import train_pretrained
from benchmarks.train_pretrained import (
    NOT_A_DIGIT,
    RECIPES,
    Digits,
    finish_model,
    main,
    make_card,
    make_training_set,
    read_images,
)
from jaxdigits import DigitClassifier, load_model
from jaxdigits.persistence import read_bundle, write_bundle


@pytest.fixture
def tiny(small_mnist, monkeypatch):
    """MNIST's stand-in, and a quick run that is quicker still."""
    monkeypatch.setattr(train_pretrained, "load_mnist", lambda: small_mnist)
    monkeypatch.setattr(train_pretrained, "find_real_set", lambda _: None)
    monkeypatch.setitem(
        train_pretrained.RECIPES,
        "small",
        {**RECIPES["small"], "classifier": {"model": "mlp", "hidden_sizes": (16,)}},
    )
    quick = {"images": 140, "held_out": 40, "outliers": 12, "epochs": 2, "measured": 2}
    monkeypatch.setattr(train_pretrained, "QUICK", quick)
    return small_mnist


def fit_small(images, labels):
    n = len(images)
    noise = np.random.default_rng(0).integers(0, 256, (n // 4, 28, 28), dtype=np.uint8)
    X, y = np.concatenate([images, noise]), np.concatenate([labels, np.full(len(noise), NOT_A_DIGIT)])
    return DigitClassifier("mlp", hidden_sizes=(16,), max_epochs=8, augment=None, random_state=0).fit(X, y)


def test_every_recipe_is_one_of_the_classifier():
    for recipe in RECIPES.values():
        DigitClassifier(**recipe["classifier"])._validate_params()


def test_a_quick_run_writes_a_model_and_its_card(tiny, tmp_path, capsys):
    assert main(["--quick", "--name", "small", "--processes", "1", "--output", str(tmp_path)]) == 0
    bundle = read_bundle(tmp_path / "small.safetensors")
    assert {array.dtype for name, array in bundle.arrays.items() if "layers" in name} == {np.dtype(np.float16)}
    assert bundle.metadata["pixel_range"] == [0.0, 1.0]
    assert bundle.metadata["temperature"] > 0
    assert 0 <= bundle.metadata["outlier_threshold"] <= 1
    card = bundle.metadata["card"]
    assert card["n_held_out"] == 40
    assert card["measured"][0]["n"] == 2
    assert np.sum(card["confusion"]["counts"]) == 2
    assert np.trace(card["confusion"]["counts"]) == card["measured"][0]["n_right"]
    page = (tmp_path / "small.md").read_text(encoding="utf-8")
    assert page == make_card(card)
    assert page in capsys.readouterr().out
    model = load_model(tmp_path / "small.safetensors")
    assert model.classes_.tolist() == list(range(-1, 10))
    probabilities, not_a_digit = read_images(model, tiny[1][:7])
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert ((not_a_digit >= 0) & (not_a_digit <= 1)).all()


def test_a_training_set_holds_digits_copies_and_outliers(small_mnist):
    digits = Digits(small_mnist[0][:30], small_mnist[2][:30])
    images, labels = make_training_set(digits, {"seed": 0, "copies": 2, "outliers": 7}, processes=1)
    assert np.array_equal(images[:30], digits.images)
    assert (labels == NOT_A_DIGIT).sum() == 7
    counts = np.bincount(labels[labels != NOT_A_DIGIT], minlength=10)
    assert (counts <= 3 * np.bincount(digits.labels, minlength=10)).all()
    assert counts.sum() > 2.8 * 30
    assert images.dtype == np.uint8


@pytest.mark.parametrize("n_views", [1, 3])
def test_a_finished_model_reads_as_before_and_refuses_its_share(small_mnist, tmp_path, n_views):
    images, labels = small_mnist[0], small_mnist[2]
    classifier = fit_small(images[:1_000], labels[:1_000])
    checks = Digits(images[1_000:], labels[1_000:])
    bundle = finish_model(classifier, checks, checks, n_views=n_views)
    assert bundle.metadata["n_views"] == n_views
    write_bundle(bundle, tmp_path / "model.safetensors")
    model = load_model(tmp_path / "model.safetensors")
    probabilities, not_a_digit = read_images(model, checks.images, n_views=n_views)
    logits = classifier.decision_function(checks.images)[:, 1:]
    assert np.mean(probabilities.argmax(axis=1) == logits.argmax(axis=1)) > 0.99 - 0.02 * (n_views - 1)
    refused = np.mean(not_a_digit > bundle.metadata["outlier_threshold"])
    assert refused == pytest.approx(0.003, abs=0.003)


def test_a_classifier_of_other_units_is_refused(small_mnist):
    images, labels = small_mnist[0][:200] / np.float32(255), small_mnist[2][:200]
    classifier = DigitClassifier("linear", max_epochs=1, random_state=0).fit(images, labels)
    with pytest.raises(ValueError, match="ink 255"):
        finish_model(classifier, *[Digits(small_mnist[0][:10], labels[:10])] * 2)


def test_held_out_digits_are_not_trained_on(tiny):
    del tiny
    training, held_out = train_pretrained._split(0, quick=True)
    assert (len(training.labels), len(held_out.labels)) == (100, 40)
    seen = {image.tobytes() for image in training.images}
    assert not any(image.tobytes() in seen for image in held_out.images)


@pytest.mark.parametrize("words", [["--quick"], ["--name", "huge"]])
def test_wrong_options_are_refused(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "error" in capsys.readouterr().err
