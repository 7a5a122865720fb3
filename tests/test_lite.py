"""The NumPy forward pass: every layer against JAX's own, the door it opens to users, and the golden files."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax

from jaxdigits.bundle import Bundle, encode_labels, expected_shapes
from jaxdigits.errors import InputError, ModelFileError
from jaxdigits.lite import LiteModel, load_model
from jaxdigits.persistence import FORMAT_VERSION, write_bundle
from jaxdigits.runtime import ACTIVATIONS

GOLDEN = Path(__file__).parent / "golden"
REFERENCE_ACTIVATIONS = {
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "gelu": jax.nn.gelu,
    "log_sigmoid": jax.nn.log_sigmoid,
}


def conv(features, kernel_size=(3, 3), stride=1, padding="SAME"):
    return {
        "kind": "Conv",
        "features": features,
        "kernel_size": list(kernel_size),
        "stride": stride,
        "padding": padding,
    }


def dense(features):
    return {"kind": "Dense", "features": features}


def activation(name):
    return {"kind": "Activation", "name": name}


def pool(size, kind="MaxPool"):
    return {"kind": kind, "size": size}


def residual(*layers):
    return {"kind": "Residual", "layers": list(layers)}


FLATTEN = {"kind": "Flatten"}
DROPOUT = {"kind": "Dropout"}
GLOBAL = {"kind": "GlobalAveragePool"}
MLP = (dense(20), activation("relu"), DROPOUT, dense(10))


def make_bundle(*layers, input_shape=(8, 8), n_features=None, n_classes=10, dtype=np.float32, **metadata):
    """Return a bundle with random weights that keep the values near 1."""
    n_features = n_features or int(np.prod(input_shape))
    spec = {"input_shape": list(input_shape), "n_classes": n_classes, "layers": list(layers)}
    image_shape = input_shape[:2] if len(input_shape) > 1 and n_features == np.prod(input_shape[:2]) else None
    metadata = {
        "classes": encode_labels(np.arange(n_classes)),
        "n_features": n_features,
        "image_shape": image_shape,
    } | metadata
    generator = np.random.default_rng(0)
    arrays = {
        name: np.asarray(generator.normal(size=shape) / np.sqrt(shape[0] if len(shape) > 1 else 1), dtype)
        for name, (shape, *_) in expected_shapes(spec, metadata).items()
    }
    arrays["input.offset"] = generator.uniform(0, 1, n_features).astype(dtype)
    arrays["input.scale"] = np.full(1, 2.5, dtype)
    return Bundle(spec, arrays, metadata)


def make_X(bundle, n=3, seed=1):
    size = (n, bundle.metadata["n_features"])
    return np.random.default_rng(seed).uniform(0, 1, size).astype(np.float32)


def reference_logits(bundle, X):
    """Run the bundle with JAX's and Flax's own layers, as the format describes it."""
    arrays = {name: jnp.asarray(array, jnp.float32) for name, array in bundle.arrays.items()}
    shape = bundle.spec["input_shape"]
    x = (jnp.asarray(X, jnp.float32) - arrays["input.offset"]) * arrays["input.scale"]
    x = jnp.pad(x, ((0, 0), (0, int(np.prod(shape)) - x.shape[1])))
    x = x.reshape(-1, *shape, 1) if len(shape) == 2 else x.reshape(-1, *shape)
    return reference_layers(bundle.spec["layers"], x, arrays, "")


def reference_layers(layers, x, arrays, prefix):
    for index, layer in enumerate(layers):
        x = reference_layer(layer, x, arrays, f"{prefix}layers.{index}.")
    return x


def reference_layer(layer, x, arrays, prefix):
    match layer["kind"]:
        case "Conv":
            window = (*layer["kernel_size"], x.shape[-1], layer["features"])
            strides = (layer["stride"],) * 2
            y = lax.conv_general_dilated(
                x,
                arrays[prefix + "kernel"].reshape(window),
                strides,
                layer["padding"],
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
                precision="highest",
            )
            return y + arrays[prefix + "bias"]
        case "Dense":
            return jnp.matmul(x, arrays[prefix + "kernel"], precision="highest") + arrays[prefix + "bias"]
        case "MaxPool":
            return nnx.max_pool(x, (layer["size"],) * 2, (layer["size"],) * 2)
        case "AveragePool":
            return nnx.avg_pool(x, (layer["size"],) * 2, (layer["size"],) * 2)
        case "GlobalAveragePool":
            return x.mean(axis=(1, 2))
        case "Flatten":
            return x.reshape(len(x), -1)
        case "Activation":
            return REFERENCE_ACTIVATIONS[layer["name"]](x)
        case "Dropout":
            return x
        case "Residual":
            return x + arrays[prefix + "scale"] * reference_layers(layer["layers"], x, arrays, prefix)
    raise AssertionError(layer)


# ---- layers ----


@pytest.mark.parametrize(
    ("input_shape", "layers"),
    [
        ((7,), (dense(10),)),
        ((8, 8), (FLATTEN, *MLP)),
        ((8, 8), (dense(3), activation("tanh"), FLATTEN, dense(10))),
        *[
            (shape, (conv(5, window, stride, padding), FLATTEN, dense(10)))
            for shape in ((8, 8), (7, 9), (5, 6, 3))
            for window in ((3, 3), (2, 5), (1, 1), (4, 2))
            for stride in (1, 2, 3)
            for padding in ("SAME", "VALID")
        ],
        ((3, 3), (conv(4, (7, 5)), FLATTEN, dense(10))),
        *[
            (shape, (conv(4), pool(size, kind), FLATTEN, dense(10)))
            for shape in ((8, 8), (7, 11))
            for size in (1, 2, 3)
            for kind in ("MaxPool", "AveragePool")
        ],
        ((7, 9), (conv(10), GLOBAL)),
        *[((8, 8), (conv(4), activation(name), FLATTEN, dense(10))) for name in ACTIVATIONS],
        ((6, 5), (conv(4), residual(activation("relu"), conv(4), DROPOUT), FLATTEN, dense(10))),
        ((6, 5), (residual(conv(3), residual(conv(3), residual()), conv(1)), FLATTEN, dense(10))),
        ((12,), (residual(dense(4), activation("gelu"), dense(12)), residual(activation("relu")), dense(10))),
    ],
    ids=str,
)
def test_logits_equal_those_of_jax(input_shape, layers):
    bundle = make_bundle(*layers, input_shape=input_shape)
    X = make_X(bundle)
    logits = LiteModel(bundle).logits(X)
    assert logits.dtype == np.float32
    assert logits.shape == (3, 10)
    np.testing.assert_allclose(logits, reference_logits(bundle, X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "layers",
    [
        (FLATTEN, *MLP),
        (conv(32), activation("relu"), pool(2), conv(64), activation("relu"), pool(2), FLATTEN, dense(10)),
        (
            conv(16, stride=2),
            residual(conv(16), activation("relu"), conv(16)),
            activation("relu"),
            GLOBAL,
            dense(10),
        ),
    ],
    ids=["mlp", "cnn", "resnet"],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_probabilities_of_whole_networks_equal_those_of_jax(layers, dtype):
    bundle = make_bundle(*layers, input_shape=(28, 28), dtype=dtype)
    X = make_X(bundle, n=90)
    probabilities = LiteModel(bundle).predict_proba(X)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(probabilities, jax.nn.softmax(reference_logits(bundle, X)), atol=1e-5)


@pytest.mark.parametrize("input_shape", [(9,), (3, 3)])
def test_rows_narrower_than_the_input_are_padded_after_scaling(input_shape):
    bundle = make_bundle(FLATTEN, dense(10), input_shape=input_shape, n_features=7)
    X = make_X(bundle)
    np.testing.assert_allclose(LiteModel(bundle).logits(X), reference_logits(bundle, X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("offset", "scale"), [(0, 1), (0, 2), (3, 1)])
def test_offset_and_scale_may_do_nothing(offset, scale):
    bundle = make_bundle(FLATTEN, *MLP)
    bundle.arrays["input.offset"] = np.full(1, offset, np.float32)
    bundle.arrays["input.scale"] = np.full(1, scale, np.float32)
    X = make_X(bundle)
    np.testing.assert_allclose(LiteModel(bundle).logits(X), reference_logits(bundle, X), rtol=1e-5, atol=1e-5)


def test_an_ensemble_answers_with_its_members_mean_probability():
    ensemble = make_bundle(FLATTEN, *MLP, n_members=3)
    members = []
    for index in range(3):
        own = {name: a if name.startswith("input.") else a[index] for name, a in ensemble.arrays.items()}
        members.append(LiteModel(Bundle(ensemble.spec, own, ensemble.metadata | {"n_members": 1})))
    X = make_X(ensemble)
    mean = np.mean([model.predict_proba(X) for model in members], axis=0)
    model = LiteModel(ensemble)
    np.testing.assert_allclose(model.predict_proba(X), mean, rtol=1e-5)
    assert model.logits(X).dtype == np.float32
    np.testing.assert_array_equal(model.predict(X), mean.argmax(axis=1))


def test_many_rows_are_the_rows_one_by_one():
    bundle = make_bundle(conv(4), pool(2), FLATTEN, dense(10))
    model = LiteModel(bundle)
    X = make_X(bundle, n=1100)
    logits = model.logits(X)
    assert logits.shape == (1100, 10)
    for row in (0, 511, 512, 1099):
        np.testing.assert_allclose(logits[row : row + 1], model.logits(X[row : row + 1]), rtol=1e-5, atol=1e-5)


def test_patches_of_large_images_are_made_in_parts():
    bundle = make_bundle(conv(2), conv(2, (5, 5)), GLOBAL, dense(10), input_shape=(200, 150))
    X = make_X(bundle, n=4)
    np.testing.assert_allclose(LiteModel(bundle).logits(X), reference_logits(bundle, X), rtol=1e-5, atol=1e-5)


# ---- the door ----


@pytest.fixture(scope="module")
def model():
    return LiteModel(make_bundle(conv(4), activation("relu"), FLATTEN, dense(10), pixel_range=[0, 16]))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(5).integers(0, 17, (6, 8, 8)).astype(np.uint8)


def test_attributes(model):
    assert model.classes_.tolist() == list(range(10))
    assert model.n_features_in_ == 64
    assert model.image_shape_ == (8, 8)
    assert model.pixel_range_ == (0.0, 16.0)
    tabular = LiteModel(make_bundle(*MLP, input_shape=(5,)))
    assert tabular.image_shape_ is None
    assert tabular.pixel_range_ is None


def test_every_layout_and_type_gives_the_same(model, images):
    expected = model.logits(images.reshape(6, 64).astype(np.float32))
    for X in (
        images,
        images[..., None],
        images.reshape(6, 64),
        images.astype(np.float64),
        images.astype(np.float16),
        images.astype(np.int64),
        images.astype(">f4"),
        images.tolist(),
        np.asfortranarray(images),
        np.repeat(images, 2, axis=0)[::2],
        images.reshape(6, 64).view(np.matrix) if hasattr(np, "matrix") else images,
    ):
        np.testing.assert_array_equal(model.logits(X), expected)
    np.testing.assert_array_equal(model.logits(images > 8), model.logits((images > 8).astype(float)))


def test_prediction_leaves_its_input_and_the_bundle_alone(images):
    for layers in (
        (activation("relu"), FLATTEN, dense(10)),
        (residual(activation("relu")), FLATTEN, dense(10)),
    ):
        bundle = make_bundle(*layers)
        bundle.arrays["input.offset"][:] = 0
        bundle.arrays["input.scale"][:] = 1
        weights = {name: array.copy() for name, array in bundle.arrays.items()}
        X = images.astype(np.float32) - 8
        X.flags.writeable = False
        model = LiteModel(bundle)
        model.logits(X)
        model.predict_proba(X)[...] += 1  # the caller owns what comes back
        for name, array in bundle.arrays.items():
            np.testing.assert_array_equal(array, weights[name])


@pytest.mark.parametrize(
    "labels",
    [["zwei", "eins"], np.array([b"x", b"y"]), [True, False], np.array([2.5, 7.0], np.float32)],
    ids=str,
)
def test_predictions_are_labels_as_given(labels):
    bundle = make_bundle(*MLP[:-1], dense(2), input_shape=(4,), n_classes=2, classes=encode_labels(labels))
    model = LiteModel(bundle)
    X = make_X(bundle, n=40)
    predictions = model.predict(X)
    assert predictions.dtype == np.asarray(labels).dtype
    assert predictions.shape == (40,)
    np.testing.assert_array_equal(predictions, np.asarray(labels)[model.predict_proba(X).argmax(axis=1)])
    assert len(set(predictions.tolist())) == 2


def test_probabilities_hold_for_large_logits():
    bundle = make_bundle(dense(3), input_shape=(3,), n_classes=3)
    bundle.arrays["layers.0.kernel"] = np.diag([1e4, 1e4, 1e4]).astype(np.float32)
    probabilities = LiteModel(bundle).predict_proba(np.array([[1.0, 0.0, 0.5]]) * 100)
    np.testing.assert_array_equal(probabilities, [[1.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (np.zeros((0, 64)), r"at least one row, got shape \(0, 64\)"),
        (np.zeros((0, 8, 8)), "at least one row"),
        (np.zeros((2, 63)), r"shape \(n, 64\), \(n, 8, 8\) or \(n, 8, 8, 1\), got \(2, 63\)"),
        (np.zeros(64), r"got \(64,\)\. A single row takes X\.reshape\(1, -1\)"),
        (np.zeros((8, 8)), "X must have shape"),
        (np.zeros((2, 4, 16)), "X must have shape"),
        (np.zeros((2, 8, 8, 3)), "X must have shape"),
        (np.zeros((2, 1, 8, 8, 1)), "X must have shape"),
        (np.float64(3), "X must have shape"),
        (None, "X must hold numbers, got object"),
        ([["a"] * 64], "X must hold numbers"),
        (np.zeros((2, 64), complex), "X must hold numbers, got complex128"),
        ([[1.0], [1.0, 2.0]], "X must be an array of numbers, got list"),
    ],
    ids=lambda value: getattr(value, "shape", None) or str(value)[:20],
)
def test_what_is_no_batch_of_images_is_refused_in_one_line(model, X, match):
    for method in (model.logits, model.predict_proba, model.predict):
        with pytest.raises(InputError, match=match) as caught:
            method(X)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
@pytest.mark.parametrize("n", [1, 1100])
def test_what_is_not_finite_is_refused(model, value, n):
    X = np.zeros((n, 64))
    X[-1, -1] = value
    with pytest.raises(InputError, match="X must be finite"):
        model.predict(X)


def test_large_values_are_used_and_too_large_ones_refused(model):
    assert np.isfinite(model.logits(np.full((1, 64), 1e25))).all()
    with pytest.raises(InputError, match="got values too large"):
        model.predict_proba(np.full((1, 64), 3e38))


def test_images_of_any_layout_suit_a_model_that_knows_no_image_shape():
    bundle = make_bundle(*MLP, input_shape=(6,))
    X = make_X(bundle)
    model = LiteModel(bundle)
    np.testing.assert_array_equal(model.logits(X.reshape(3, 2, 3)), model.logits(X))
    with pytest.raises(InputError, match=r"\(n, 6\), \(n, h, w\) or \(n, h, w, 1\), got \(3, 2, 2\)"):
        model.logits(np.zeros((3, 2, 2)))


def test_a_temperature_divides_the_logits_and_changes_no_prediction(model, images, tmp_path):
    layers = (conv(4), activation("relu"), FLATTEN, dense(10))
    path = tmp_path / "model.safetensors"
    write_bundle(make_bundle(*layers, pixel_range=[0, 16], temperature=2.5), path)
    cooler = load_model(path)
    assert (model.temperature_, cooler.temperature_) == (1.0, 2.5)
    np.testing.assert_array_equal(cooler.logits(images), model.logits(images))
    np.testing.assert_array_equal(cooler.predict(images), model.predict(images))
    odds = np.log(model.predict_proba(images))
    cooled = np.log(cooler.predict_proba(images))
    np.testing.assert_allclose(cooled - cooled[:, :1], (odds - odds[:, :1]) / 2.5, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(cooler.predict_proba(images).sum(axis=1), 1.0)


def test_a_wrong_temperature_is_refused():
    with pytest.raises(ModelFileError, match="temperature: got 0, expected a finite number > 0"):
        LiteModel(make_bundle(*MLP, input_shape=(6,), temperature=0))


def test_what_else_a_file_says_is_kept():
    card = {"name": "tiny"}
    assert LiteModel(make_bundle(*MLP, input_shape=(6,), card=card)).metadata_["card"] == card


def test_a_bundle_that_contradicts_itself_is_refused():
    bundle = make_bundle(*MLP, input_shape=(6,))
    del bundle.arrays["layers.0.bias"]
    with pytest.raises(ModelFileError, match=r"layers\.0\.bias"):
        LiteModel(bundle)


def test_a_model_can_be_sent_to_another_process(model, images):
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict_proba(images), model.predict_proba(images))


def test_load_model_reads_a_file(tmp_path, model, images):
    bundle = make_bundle(conv(4), activation("relu"), FLATTEN, dense(10), pixel_range=[0, 16])
    path = tmp_path / "model.safetensors"
    write_bundle(bundle, path)
    np.testing.assert_array_equal(load_model(path).predict_proba(images), model.predict_proba(images))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        load_model(path)


def test_prediction_needs_numpy_alone():
    heavy = {
        "jax",
        "jaxlib",
        "flax",
        "optax",
        "sklearn",
        "scipy",
        "safetensors",
        "matplotlib",
        "PIL",
        "pandas",
    }
    code = (
        "import sys; from jaxdigits.lite import load_model; "
        f"load_model({str(GOLDEN / 'format_1.safetensors')!r}).predict([[0.0] * 64]); "
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- golden files ----


def golden_images():
    """Return five strokes: images different enough for each layer to matter."""
    images = np.zeros((5, 8, 8), np.int64)
    images[0, 1:7, 4] = 16
    images[1, 2, 1:7] = 12
    images[2, range(1, 7), range(1, 7)] = 9
    images[3, 2:6, 2:6] = 16
    images[4] = np.arange(64).reshape(8, 8) // 4
    return images


def golden_bundle():
    """Return a bundle that uses every kind of layer, both types and text labels."""
    bundle = make_bundle(
        conv(4, (3, 3)),
        activation("gelu"),
        residual(conv(4), activation("relu"), residual(conv(4, (1, 1))), DROPOUT),
        pool(2, "AveragePool"),
        conv(6, (2, 3), 1, "VALID"),
        activation("tanh"),
        conv(12, (3, 2), 2),
        activation("sigmoid"),
        pool(1),
        GLOBAL,
        FLATTEN,
        dense(12),
        activation("log_sigmoid"),
        dense(10),
        classes=encode_labels(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]),
        pixel_range=[0, 16],
        params={"model": "cnn", "channels": [4, 6]},
    )
    for name, array in bundle.arrays.items():
        array *= 3 if name.endswith("kernel") else 1  # or the averages of this odd network are all alike
    bundle.arrays["layers.13.kernel"] = bundle.arrays["layers.13.kernel"].astype(np.float16)
    bundle.arrays["input.scale"] = np.full(1, 1 / 8, np.float32)
    return bundle


def write_golden():
    """Write the golden file of the current format version; the expectation comes from JAX, not from lite."""
    bundle, images = golden_bundle(), golden_images()
    write_bundle(bundle, GOLDEN / f"format_{FORMAT_VERSION}.safetensors")
    logits = np.asarray(reference_logits(bundle, images.reshape(5, 64)), np.float64)
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    expected = {
        "images": images.reshape(5, 64).tolist(),
        "probabilities": np.round(probabilities, 9).tolist(),
        "predictions": [bundle.metadata["classes"]["values"][index] for index in logits.argmax(axis=1)],
    }
    rows = {key: ",\n".join(map(json.dumps, value)) for key, value in expected.items()}
    text = ",\n".join(f'"{key}": [\n{value}\n]' for key, value in rows.items())
    (GOLDEN / f"format_{FORMAT_VERSION}.json").write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_files_of_every_format_version_predict_as_ever(version):
    if os.environ.get("JAXDIGITS_WRITE_GOLDEN") == str(version) == str(FORMAT_VERSION):
        write_golden()
    expected = json.loads((GOLDEN / f"format_{version}.json").read_text(encoding="utf-8"))
    model = load_model(GOLDEN / f"format_{version}.safetensors")
    images = np.array(expected["images"])
    np.testing.assert_allclose(model.predict_proba(images), expected["probabilities"], atol=5e-6)
    np.testing.assert_allclose(model.predict_proba(images.reshape(5, 8, 8)), expected["probabilities"], atol=1e-6)
    assert model.predict(images).tolist() == expected["predictions"]
    assert model.image_shape_ == (8, 8)
    assert model.pixel_range_ == (0.0, 16.0)
