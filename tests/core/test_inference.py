from functools import partial

import numpy as np
import pytest

from jaxdigits import runtime
from jaxdigits.core import inference
from jaxdigits.core.inference import Predictor
from jaxdigits.core.models import MODELS, CustomModel, Options, Variables
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


def make_host_network(spec, params, *, offset=0.0, scale=1.0):
    steps = runtime.make_steps(spec.to_plain()["layers"], params)
    return inference.HostNetwork(steps, spec.input_shape, spec.n_classes, np.float32(offset), np.float32(scale))


@pytest.fixture(scope="module", params=[*PREDICTORS, "mlp on the host"])
def read(request):
    if request.param in PREDICTORS:
        predictor = PREDICTORS[request.param]
        constants = inference.place(draw_variables(predictor.model), predictor=predictor, scale=1 / 16)
        return partial(inference.logits, constants=constants, predictor=predictor)
    model = PREDICTORS["mlp"].model
    network = make_host_network(model, draw_variables(model).params, scale=1 / 16)
    return partial(inference.host_logits, network=network)


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(1).integers(0, 17, (300, 64)).astype(np.uint8)


@pytest.mark.parametrize("n", [1, 2, 7, 31, 32, 33, 63, 64, 65, 100, 255, 300])
def test_bits_of_a_row_do_not_depend_on_how_many_rows_there_are(read, rows, n):
    found = read(rows[-n:])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, read(rows)[-n:])


def test_bits_of_a_row_do_not_depend_on_its_neighbors_or_its_place(read, rows):
    whole = read(rows)
    generator = np.random.default_rng(2)
    for _ in range(30):
        chosen = generator.integers(0, len(rows), generator.integers(1, 100))
        np.testing.assert_array_equal(read(rows[chosen]), whole[chosen])
    wild = rows.astype(np.float32)
    wild[1::2] = 1e30
    np.testing.assert_array_equal(read(wild)[::2], read(rows.astype(np.float32))[::2])


def test_a_row_in_every_place_of_a_chunk_has_the_same_bits(read, rows):
    chunk_size = PREDICTORS["mlp"].chunk_size
    assert len(np.unique(read(np.repeat(rows[:1], chunk_size, axis=0)), axis=0)) == 1


def test_any_number_of_rows_is_one_program(network, rows):
    predictor, constants = network
    inference.logits(rows, constants, predictor=predictor)
    before = inference.compile_count()
    for n in (1, 7, 32, 300):
        inference.logits(rows[:n], constants, predictor=predictor)
    inference.logits(np.tile(rows, (17, 1)), constants, predictor=predictor)
    assert inference.compile_count() == before


def test_no_rows_give_no_logits(read):
    assert read(np.zeros((0, 64))).shape == (0, 10)


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


@pytest.mark.parametrize("shape", [(64,), (8, 8)])
def test_dense_networks_read_the_same_on_the_host(rows, shape):
    spec = MODELS["mlp"](shape, 10, OPTIONS)
    variables = draw_variables(spec)
    predictor = Predictor(spec)
    offset, scale = np.linspace(0, 3, 50, dtype=np.float32), np.linspace(0.05, 0.1, 50, dtype=np.float32)
    constants = inference.place(variables, predictor=predictor, offset=offset, scale=scale, n_features=50)
    network = make_host_network(spec, variables.params, offset=offset, scale=scale)
    expected = inference.logits(rows[:, :50], constants, predictor=predictor)
    np.testing.assert_allclose(inference.host_logits(rows[:, :50], network), expected, rtol=1e-4, atol=1e-5)


def test_only_dense_networks_on_a_cpu_run_on_the_host():
    mlp, cnn = (PREDICTORS[name].model for name in ("mlp", "cnn"))
    assert inference.runs_on_host(mlp, "cpu")
    assert not inference.runs_on_host(mlp, "cuda")
    assert not inference.runs_on_host(cnn, "cpu")
    assert not inference.runs_on_host(CustomModel(lambda **_: None, (64,), 10), "cpu")


def test_numbers_too_large_for_the_host_pass_without_a_warning():
    spec = ModelSpec((2,), 10, (Dense(10),))
    network = make_host_network(spec, {"layers.0.kernel": np.ones((2, 10)), "layers.0.bias": np.zeros(10)}, scale=1e30)
    assert not np.isfinite(inference.host_logits(np.full((1, 2), 1e30, np.float32), network)).any()
