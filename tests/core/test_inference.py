import numpy as np
import pytest

from jaxdigits.core import inference
from jaxdigits.core.inference import Predictor
from jaxdigits.core.models import MODELS, Options, Variables
from jaxdigits.core.padding import param_shapes
from jaxdigits.core.specs import Dense, ModelSpec

OPTIONS = Options(hidden_sizes=(24,), channels=(4, 6))
PREDICTORS = {name: Predictor(MODELS[name]((8, 8), 10, OPTIONS)) for name in ("mlp", "cnn")}


def draw_variables(model):
    generator = np.random.default_rng(0)
    shapes = param_shapes(model)
    return Variables({name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}, {})


@pytest.fixture(scope="module", params=PREDICTORS)
def network(request):
    predictor = PREDICTORS[request.param]
    return predictor, inference.place(draw_variables(predictor.model), predictor=predictor, scale=1 / 16)


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(1).integers(0, 17, (300, 64)).astype(np.uint8)


@pytest.mark.parametrize("n", [1, 2, 7, 31, 32, 33, 63, 64, 65, 100, 255, 300])
def test_bits_of_a_row_do_not_depend_on_how_many_rows_there_are(network, rows, n):
    predictor, constants = network
    whole = inference.logits(rows, constants, predictor=predictor)
    found = inference.logits(rows[-n:], constants, predictor=predictor)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, whole[-n:])


def test_bits_of_a_row_do_not_depend_on_its_neighbors_or_its_place(network, rows):
    predictor, constants = network
    whole = inference.logits(rows, constants, predictor=predictor)
    generator = np.random.default_rng(2)
    for _ in range(30):
        chosen = generator.integers(0, len(rows), generator.integers(1, 100))
        found = inference.logits(rows[chosen], constants, predictor=predictor)
        np.testing.assert_array_equal(found, whole[chosen])
    wild = rows.astype(np.float32)
    wild[1::2] = 1e30
    whole = inference.logits(rows.astype(np.float32), constants, predictor=predictor)
    np.testing.assert_array_equal(inference.logits(wild, constants, predictor=predictor)[::2], whole[::2])


def test_a_row_in_every_place_of_a_chunk_has_the_same_bits(network, rows):
    predictor, constants = network
    found = inference.logits(np.repeat(rows[:1], predictor.chunk_size, axis=0), constants, predictor=predictor)
    assert len(np.unique(found, axis=0)) == 1


def test_any_number_of_rows_is_one_program(network, rows):
    predictor, constants = network
    inference.logits(rows, constants, predictor=predictor)
    before = inference.compile_count()
    for n in (1, 7, 32, 300):
        inference.logits(rows[:n], constants, predictor=predictor)
    inference.logits(np.tile(rows, (17, 1)), constants, predictor=predictor)
    assert inference.compile_count() == before


def test_no_rows_give_no_logits(network):
    predictor, constants = network
    assert inference.logits(np.zeros((0, 64)), constants, predictor=predictor).shape == (0, 10)


def test_bytes_floats_and_pictures_are_read_alike(network, rows):
    predictor, constants = network
    expected = inference.logits(rows, constants, predictor=predictor)
    for same in (rows.astype(np.float32), rows.astype(np.float64), rows.reshape(-1, 8, 8), rows.reshape(-1, 8, 8, 1)):
        np.testing.assert_allclose(inference.logits(same, constants, predictor=predictor), expected, rtol=1e-5)


def test_the_network_sees_normalized_rows_and_zeros_beside_them():
    spec = ModelSpec((64,), 10, (Dense(10),))
    predictor, variables = Predictor(spec), draw_variables(spec)
    rows = np.random.default_rng(0).normal(5, 2, (40, 3)).astype(np.float32)
    offset, scale = np.array([5.0, 4.0, 6.0]), np.array([0.5, 1.0, 2.0])
    for width in (1, 3):
        constants = inference.place(
            variables, predictor=predictor, offset=offset[:width], scale=scale[:width], n_features=width
        )
        seen = (rows[:, :width] - offset[:width]) * scale[:width]
        expected = seen @ variables.params["layers.0.kernel"][:width] + variables.params["layers.0.bias"]
        found = inference.logits(rows[:, :width], constants, predictor=predictor)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_chunks_are_small_on_a_cpu_and_large_on_an_accelerator():
    spec = PREDICTORS["mlp"].model
    assert 1 < Predictor(spec).chunk_size <= 64
    assert {Predictor(spec, platform).chunk_size for platform in ("cuda", "gpu", "tpu")} == {512}


def test_matrices_are_multiplied_at_the_highest_precision(rows):
    for predictor in PREDICTORS.values():
        constants = inference.place(draw_variables(predictor.model), predictor=predictor)
        text = inference.chunk_logits.lower(constants, rows[:32], predictor=predictor).as_text()
        products = [line for line in text.splitlines() if "dot_general" in line]
        assert products
        assert all("precision = [HIGHEST, HIGHEST]" in line for line in products)
