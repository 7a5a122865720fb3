import jax
import numpy as np
import pytest

from jaxdigits.core.models import MODELS, CustomModel, Options, Variables, apply
from jaxdigits.core.padding import check_same_network, pad_arrays, pad_model, param_shapes, trim_arrays
from jaxdigits.errors import InputError

OPTIONS = Options(hidden_sizes=(6,), channels=(3, 4))


def draw_params(model):
    generator = np.random.default_rng(0)
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in param_shapes(model).items()}


@pytest.mark.parametrize("name", ["linear", "mlp"])
@pytest.mark.parametrize(("n_features", "n_classes"), [(4, 3), (64, 10), (100, 2), (30, 12)])
def test_rows_are_padded_to_64_columns_and_10_classes(name, n_features, n_classes):
    padded = pad_model(MODELS[name]((n_features,), n_classes, OPTIONS))
    assert padded == MODELS[name]((max(64, n_features),), max(10, n_classes), OPTIONS)


@pytest.mark.parametrize("name", MODELS)
def test_pictures_keep_their_size(name):
    assert pad_model(MODELS[name]((8, 8), 3, OPTIONS)) == MODELS[name]((8, 8), 10, OPTIONS)


def test_a_network_of_the_users_own_is_not_padded():
    model = CustomModel(lambda *_: None, (5,), 3)
    assert pad_model(model) is model


@pytest.mark.parametrize(("name", "shape"), [("mlp", (5,)), ("resnet", (8, 8)), ("lenet5", (12, 9))])
def test_padding_and_trimming_are_inverse_and_padding_is_zero(name, shape):
    model = MODELS[name](shape, 3, OPTIONS)
    params = draw_params(model)
    padded = pad_arrays(params, pad_model(model))
    assert {name: array.shape for name, array in padded.items()} == param_shapes(pad_model(model))
    assert all(np.abs(padded[name]).sum() == np.abs(params[name]).sum() for name in params)
    trimmed = trim_arrays(padded, model)
    for name, array in params.items():
        np.testing.assert_array_equal(trimmed[name], array)
        assert trimmed[name].base is None


def test_a_padded_network_has_the_logits_of_the_real_one():
    model = MODELS["mlp"]((5,), 3, OPTIONS)
    params = draw_params(model)
    rows = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
    wide = np.pad(rows, ((0, 0), (0, 59)))
    real, _ = apply(model, Variables(params, {}), rows, platform="cpu")
    padded, _ = apply(pad_model(model), Variables(pad_arrays(params, pad_model(model)), {}), wide, platform="cpu")
    np.testing.assert_allclose(padded[:, :3], real, atol=1e-5)


def test_parameter_shapes_are_found_without_making_parameters():
    shapes = param_shapes(MODELS["mlp"]((10_000_000,), 3, Options((10_000,))))
    assert shapes["layers.1.kernel"] == (10_000_000, 10_000)
    assert not any(isinstance(shape, jax.Array) for shape in shapes.values())


def test_only_the_same_network_may_go_on():
    params = draw_params(MODELS["mlp"]((5,), 3, OPTIONS))
    check_same_network(params, MODELS["mlp"]((5,), 3, OPTIONS))
    for other in (MODELS["mlp"]((5,), 4, OPTIONS), MODELS["linear"]((5,), 3, OPTIONS)):
        with pytest.raises(InputError, match=r"got other layers with 57\. Leave") as caught:
            check_same_network(params, other)
        assert "\n" not in str(caught.value)
