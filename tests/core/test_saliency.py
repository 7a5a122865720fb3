"""Tests of jaxdigits.core.saliency."""

import numpy as np
import pytest

from jaxdigits.core import inference
from jaxdigits.core.inference import Predictor
from jaxdigits.core.models import MODELS, Options, Variables
from jaxdigits.core.padding import param_shapes
from jaxdigits.core.saliency import SALIENCY, gradient, occlusion
from jaxdigits.core.specs import Dense, ModelSpec

PREDICTORS = {
    name: Predictor(MODELS[name]((8, 8), 10, Options(hidden_sizes=(24,), channels=(4, 6)))) for name in ("mlp", "cnn")
}


def make_members(predictor, n_members):
    generator = np.random.default_rng(0)
    shapes = param_shapes(predictor.model)
    return [
        inference.place(
            Variables({name: generator.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}, {}),
            predictor=predictor,
            scale=1 / 16,
        )
        for _ in range(n_members)
    ]


def log_probability(row, label, members, predictor, temperature):
    """Log of the mean probability of the members, tempered, in float64."""
    logits = np.stack([inference.logits(row[None], each, predictor=predictor)[0] for each in members]).astype(float)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    pooled = np.log(np.exp(logs).mean(axis=0)) / temperature
    return pooled[label] - np.log(np.exp(pooled).sum())


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("name", PREDICTORS)
def test_the_gradient_is_that_of_the_tempered_log_probability(name, n_members):
    predictor = PREDICTORS[name]
    members = make_members(predictor, n_members)
    row = np.random.default_rng(1).uniform(0, 16, 64).astype(np.float32)
    found = gradient(row[None], np.array([3]), members, predictor=predictor, image_shape=(8, 8), temperature=1.5)
    for pixel in (9, 27, 44):
        step = np.zeros(64, np.float32)
        step[pixel] = 0.05
        ends = [log_probability(row + sign * step, 3, members, predictor, 1.5) for sign in (1, -1)]
        assert found[0].ravel()[pixel] == pytest.approx((ends[0] - ends[1]) / 0.1, rel=0.05, abs=2e-3)


@pytest.mark.parametrize("n_members", [1, 2])
def test_occlusion_is_what_is_lost_where_patches_are_hidden(n_members):
    predictor = PREDICTORS["mlp"]
    members = make_members(predictor, n_members)
    row = np.zeros((8, 8), np.float32)
    row[1:3, 1:3] = 16
    found = occlusion(row.reshape(1, 64), np.array([2]), members, predictor=predictor, image_shape=(8, 8))[0]
    assert np.all(found[5:, 5:] == 0)  # paper hidden by paper
    whole, hidden = (log_probability(each.ravel(), 2, members, predictor, 1.0) for each in (row, 0 * row))
    # Of the four patches that hide the pixel, one hides all ink; the others are between it and none.
    corner = row.copy()
    corner[0:2, 0:2] = 0
    side, above = row.copy(), row.copy()
    side[1:3, 0:2] = 0
    above[0:2, 1:3] = 0
    parts = [log_probability(each.ravel(), 2, members, predictor, 1.0) for each in (corner, side, above)]
    assert found[1, 1] == pytest.approx(whole - np.mean([hidden, *parts]), abs=1e-4)


def test_dark_ink_on_white_paper_is_hidden_by_white():
    predictor = PREDICTORS["mlp"]
    members = make_members(predictor, 1)
    row = np.full((8, 8), 16, np.uint8)
    row[1:3, 1:3] = 0
    found = occlusion(row.reshape(1, 64), np.array([2]), members, predictor=predictor, image_shape=(8, 8))[0]
    assert np.all(found[5:, 5:] == 0)
    assert found[1, 1] != 0


@pytest.mark.parametrize("method", SALIENCY)
@pytest.mark.parametrize("shape", [(8, 8), (4, 16), (1, 64)])
def test_any_number_of_pictures_of_any_shape(method, shape):
    predictor = Predictor(ModelSpec((64,), 10, (Dense(10),)))
    members = make_members(predictor, 1)
    rows = np.random.default_rng(2).integers(0, 17, (3, 64)).astype(np.uint8)
    options = {"predictor": predictor, "image_shape": shape}
    found = SALIENCY[method](rows, np.array([0, 5, 9]), members, **options)
    assert (found.shape, found.dtype) == ((3, *shape), np.float64)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(SALIENCY[method](rows[1:2], np.array([5]), members, **options), found[1:2], atol=1e-6)
    assert SALIENCY[method](rows[:0], np.array([], int), members, **options).shape == (0, *shape)


def test_one_program_serves_all_rows_and_temperatures():
    predictor = PREDICTORS["mlp"]
    members = make_members(predictor, 1)
    rows = np.zeros((70, 64), np.float32)
    from jaxdigits.core.saliency import chunk_gradients

    before = chunk_gradients._cache_size()
    for n, temperature in ((1, 1.0), (70, 2.0), (5, 0.5)):
        options = {"predictor": predictor, "image_shape": (8, 8), "temperature": temperature}
        gradient(rows[:n], np.zeros(n, int), members, **options)
    assert chunk_gradients._cache_size() - before <= 1
