"""Bundles: labels there and back, and the check that spec, arrays and metadata agree."""

import copy
import json

import numpy as np
import pytest

from jaxdigits.bundle import (
    LAYER_SHAPES,
    Bundle,
    check_bundle,
    decode_labels,
    defect,
    describe_layers,
    encode_labels,
    expected_shapes,
)
from jaxdigits.errors import InputError, ModelFileError

CONV = {"kind": "Conv", "features": 4, "kernel_size": [3, 3], "stride": 1, "padding": "SAME"}


def make_spec(*layers, input_shape=(8, 8), n_classes=3):
    return {"input_shape": list(input_shape), "n_classes": n_classes, "layers": list(layers)}


def make_metadata(**changes):
    return {"classes": encode_labels(["a", "b", "c"]), "n_features": 64, "image_shape": [8, 8]} | changes


def make_bundle():
    spec = make_spec({"kind": "Flatten"}, {"kind": "Dense", "features": 3})
    metadata = make_metadata(pixel_range=[0, 255])
    shapes = expected_shapes(spec, metadata)
    arrays = {name: np.ones(shape, np.float32) for name, (shape, *_) in shapes.items()}
    return Bundle(spec, arrays, metadata)


# ---- labels ----


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["zero", "one", "drei €", "\ud800"]),
        np.array(["a", "b"], dtype="U20"),
        np.array([b"x", b"\xff\x00y"]),
        np.array([False, True]),
        np.arange(-3, 7, dtype=np.int8),
        np.array([0, 2**64 - 1], dtype=np.uint64),
        np.array([-(2**63), 2**63 - 1]),
        np.array([1, 2], dtype=">i4"),
        np.array([0.1, -0.0, 1e300]),
        np.array([0.1, 3.5], dtype=np.float32),
        np.array([0.1, 3.5], dtype=np.float16),
        np.array(["one", "a much longer one"], dtype=object),
        np.array([7]),
    ],
    ids=lambda labels: labels.dtype.str,
)
def test_labels_survive_json_with_their_dtype(labels):
    decoded = decode_labels(json.loads(json.dumps(encode_labels(labels))))
    assert decoded.dtype == labels.dtype
    assert decoded.tolist() == labels.tolist()
    assert [type(label) for label in decoded] == [type(label) for label in labels]


def test_labels_may_be_a_plain_list():
    assert decode_labels(encode_labels(["a", "b"])).tolist() == ["a", "b"]


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1.0, np.nan]),
        np.array([np.inf]),
        np.array([1 + 2j]),
        np.array([1, "a"], dtype=object),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.zeros((2, 2)),
        np.array(3),
    ],
    ids=str,
)
def test_labels_that_json_cannot_hold_are_refused(labels):
    with pytest.raises(InputError, match="labels must be"):
        encode_labels(labels)


@pytest.mark.parametrize(
    "encoded",
    [
        None,
        [],
        {},
        {"dtype": "<i8"},
        {"dtype": "<i8", "values": "12"},
        {"dtype": "<i8", "values": [1.5]},
        {"dtype": "|i1", "values": [300]},
        {"dtype": "<i8", "values": [2**70]},
        {"dtype": "<i3", "values": [1]},
        {"dtype": "<U2", "values": ["longer"]},
        {"dtype": "<U2", "values": [1]},
        {"dtype": "<U9999999", "values": ["a"]},
        {"dtype": "|S2", "values": ["€"]},
        {"dtype": "|S2", "values": [1]},
        {"dtype": "|O", "values": [1]},
        {"dtype": "|O", "values": [["a"]]},
        {"dtype": "<f8", "values": [float("nan")]},
        {"dtype": "(99999999,)i8", "values": [1]},
        {"dtype": "<i8", "values": [1], "more": 1},
    ],
    ids=repr,
)
def test_malformed_labels_are_refused(encoded):
    with pytest.raises(InputError, match="encoded labels must be"):
        decode_labels(encoded)


# ---- shapes ----


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (
            [CONV, {"kind": "GlobalAveragePool"}, {"kind": "Dense", "features": 3}],
            {
                "layers.0.kernel": (9, 4),
                "layers.0.bias": (4,),
                "layers.2.kernel": (4, 3),
                "layers.2.bias": (3,),
            },
        ),
        (
            [
                CONV | {"stride": 2, "kernel_size": [5, 4]},
                {"kind": "Flatten"},
                {"kind": "Dense", "features": 3},
            ],
            {
                "layers.0.kernel": (20, 4),
                "layers.0.bias": (4,),
                "layers.2.kernel": (64, 3),
                "layers.2.bias": (3,),
            },
        ),
        (
            [CONV | {"padding": "VALID", "stride": 2}, {"kind": "Flatten"}, {"kind": "Dense", "features": 3}],
            {
                "layers.0.kernel": (9, 4),
                "layers.0.bias": (4,),
                "layers.2.kernel": (36, 3),
                "layers.2.bias": (3,),
            },
        ),
        (
            [
                {"kind": "MaxPool", "size": 3},
                {"kind": "AveragePool", "size": 2},
                {"kind": "Dropout"},
                {"kind": "Activation", "name": "tanh"},
                {"kind": "Flatten"},
                {"kind": "Dense", "features": 3},
            ],
            {"layers.5.kernel": (1, 3), "layers.5.bias": (3,)},
        ),
        (
            [
                {
                    "kind": "Residual",
                    "layers": [CONV, {"kind": "Residual", "layers": [CONV]}, CONV | {"features": 1}],
                },
                {"kind": "Flatten"},
                {"kind": "Dense", "features": 3},
            ],
            {
                "layers.0.scale": (),
                "layers.0.layers.0.kernel": (9, 4),
                "layers.0.layers.0.bias": (4,),
                "layers.0.layers.1.scale": (),
                "layers.0.layers.1.layers.0.kernel": (36, 4),
                "layers.0.layers.1.layers.0.bias": (4,),
                "layers.0.layers.2.kernel": (36, 1),
                "layers.0.layers.2.bias": (1,),
                "layers.2.kernel": (64, 3),
                "layers.2.bias": (3,),
            },
        ),
    ],
)
def test_shapes_follow_from_the_spec(layers, expected):
    shapes = expected_shapes(make_spec(*layers), make_metadata())
    assert shapes.pop("input.offset") == shapes.pop("input.scale") == ((1,), (64,))
    assert shapes == {name: (shape,) for name, shape in expected.items()}


def test_training_builds_the_arrays_that_every_spec_implies():
    from flax import nnx

    from jaxdigits.core.models import Network
    from jaxdigits.core.specs import KINDS, ModelSpec

    assert set(LAYER_SHAPES) == set(KINDS)
    inner = [CONV, {"kind": "Activation", "name": "relu"}, CONV | {"features": 4}]
    plain = make_spec(
        CONV | {"padding": "VALID"},
        {"kind": "Residual", "layers": inner},
        {"kind": "MaxPool", "size": 2},
        {"kind": "Flatten"},
        {"kind": "Dense", "features": 3},
    )
    network = Network(ModelSpec.from_plain(plain), rngs=nnx.Rngs(0))
    built = {
        ".".join(map(str, path)): variable[...].shape
        for path, variable in nnx.to_flat_state(nnx.state(network, nnx.Param))
    }
    shapes = expected_shapes(plain, make_metadata())
    assert built == {name: shape for name, (shape, *_) in shapes.items() if not name.startswith("input.")}


def test_members_are_the_first_axis_of_every_array_of_a_layer():
    shapes = expected_shapes(
        make_spec({"kind": "Flatten"}, {"kind": "Dense", "features": 3}), make_metadata(n_members=5)
    )
    assert shapes["layers.1.kernel"] == ((5, 64, 3),)
    assert shapes["input.offset"] == ((1,), (64,))


def test_layers_are_described_one_a_row():
    relu = {"kind": "Activation", "name": "relu"}
    spec = make_spec(
        CONV,
        relu,
        {"kind": "Residual", "layers": [CONV, relu, {"kind": "Residual", "layers": [CONV]}]},
        CONV | {"stride": 2, "kernel_size": [5, 4], "features": 6},
        {"kind": "AveragePool", "size": 2},
        {"kind": "MaxPool", "size": 2},
        {"kind": "GlobalAveragePool"},
        {"kind": "Dropout"},
        {"kind": "Dense", "features": 3},
    )
    assert describe_layers(spec) == [
        ("Conv 4 3x3", (8, 8, 4), 9 * 4 + 4),
        ("relu", (8, 8, 4), 0),
        ("Residual of 3 layers", (8, 8, 4), 2 * (36 * 4 + 4) + 2),
        ("Conv 6 5x4 stride 2", (4, 4, 6), 80 * 6 + 6),
        ("AveragePool 2x2", (2, 2, 6), 0),
        ("MaxPool 2x2", (1, 1, 6), 0),
        ("GlobalAveragePool", (6,), 0),
        ("Dropout", (6,), 0),
        ("Dense 3", (3,), 21),
    ]


@pytest.mark.parametrize("input_shape", [(4,), (2, 2), (2, 2, 1)])
def test_described_weights_are_those_that_the_spec_implies(input_shape):
    spec = make_spec({"kind": "Flatten"}, {"kind": "Dense", "features": 3}, input_shape=input_shape)
    arrays = expected_shapes(spec, make_metadata(n_features=4, image_shape=None))
    implied = sum(np.prod(shape) for name, (shape, *_) in arrays.items() if not name.startswith("input."))
    assert sum(row.n_weights for row in describe_layers(spec)) == implied == 15


def test_a_layer_that_cannot_be_described_is_named():
    with pytest.raises(ModelFileError, match=r"kind of layers\.1: got 'Lambda'"):
        describe_layers(make_spec({"kind": "Flatten"}, {"kind": "Lambda"}))


NESTED = {"kind": "Residual", "layers": []}
for _ in range(20):
    NESTED = {"kind": "Residual", "layers": [NESTED]}


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        ({"kind": "Lambda"}, "kind of layers.0: got 'Lambda', expected one of Conv, "),
        ({"kind": ["Conv"]}, "kind of layers.0"),
        ("Conv", "kind of layers.0"),
        ({"kind": "Conv", "features": 4}, "options of layers.0"),
        (CONV | {"groups": 2}, "options of layers.0"),
        (CONV | {"features": 0}, "features of layers.0: got 0, expected an int from 1 to"),
        (CONV | {"features": 2.0}, "features of layers.0"),
        (CONV | {"features": True}, "features of layers.0"),
        (CONV | {"kernel_size": [3]}, "kernel_size of layers.0"),
        (CONV | {"kernel_size": 3}, "kernel_size of layers.0"),
        (CONV | {"stride": "2"}, "stride of layers.0"),
        (CONV | {"padding": "FULL"}, "padding of layers.0"),
        (CONV | {"padding": "VALID", "kernel_size": [9, 3]}, "output shape of layers.0"),
        (CONV | {"features": 2**22}, "output shape of layers.0"),
        ({"kind": "MaxPool", "size": 9}, "output shape of layers.0"),
        ({"kind": "Activation", "name": "softmax"}, "name of layers.0"),
        ({"kind": "Residual", "layers": [CONV]}, "output shape of layers.0"),
        ({"kind": "Residual", "layers": None}, "layers.0.layers"),
        (
            {"kind": "Residual", "layers": [{"kind": "MaxPool", "size": 9}]},
            "output shape of layers.0.layers.0",
        ),
        (NESTED, "nested at most 16 deep"),
        ({"kind": "Flatten"}, "output shape of the last layer"),
        ({"kind": "Dense", "features": 3}, "output shape of the last layer"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_malformed_layers_are_named(layer, match):
    with pytest.raises(ModelFileError, match=match) as caught:
        expected_shapes(make_spec(layer), make_metadata())
    assert "\n" not in str(caught.value)


def test_images_are_needed_by_layers_of_images():
    for layer in (CONV, {"kind": "MaxPool", "size": 2}, {"kind": "GlobalAveragePool"}):
        with pytest.raises(ModelFileError, match=r"input of layers\.1: got \(64,\), expected an image"):
            expected_shapes(make_spec({"kind": "Flatten"}, layer), make_metadata())


@pytest.mark.parametrize(
    ("part", "change", "match"),
    [
        ("spec", {"input_shape": []}, "input_shape"),
        ("spec", {"input_shape": [8, 8, 1, 1]}, "input_shape"),
        ("spec", {"input_shape": [8, -8]}, "input_shape"),
        ("spec", {"input_shape": [2**26, 2]}, "input_shape"),
        ("spec", {"n_classes": None}, "n_classes"),
        ("spec", {"n_classes": 4}, "classes"),
        ("spec", {"extra": 1}, "spec"),
        ("metadata", {"classes": None}, "classes"),
        ("metadata", {"classes": encode_labels(["a", "a", "b"])}, "3 different labels"),
        ("metadata", {"n_features": 65}, "n_features"),
        ("metadata", {"n_features": "64"}, "n_features"),
        ("metadata", {"image_shape": [8, 9]}, "image_shape"),
        ("metadata", {"image_shape": 64}, "image_shape"),
        ("metadata", {"pixel_range": [1]}, "pixel_range"),
        ("metadata", {"pixel_range": [255, 0]}, "pixel_range"),
        ("metadata", {"pixel_range": ["0", "1"]}, "pixel_range"),
        ("metadata", {"n_members": 0}, "n_members"),
        ("metadata", {"n_members": True}, "n_members"),
        ("metadata", {"n_members": 2}, "shape of array 'layers.1.kernel'"),
        ("metadata", {"temperature": 0}, "temperature"),
        ("metadata", {"temperature": -1.5}, "temperature"),
        ("metadata", {"temperature": float("nan")}, "temperature"),
        ("metadata", {"temperature": float("inf")}, "temperature"),
        ("metadata", {"temperature": True}, "temperature"),
        ("metadata", {"temperature": None}, "temperature"),
        ("metadata", {"temperature": "1.0"}, "temperature"),
    ],
    ids=str,
)
def test_malformed_spec_and_metadata_are_named(part, change, match):
    bundle = make_bundle()
    getattr(bundle, part).update(change)
    with pytest.raises(ModelFileError, match=match):
        check_bundle(bundle)


@pytest.mark.parametrize("optional", ["image_shape", "pixel_range"])
def test_what_only_images_have_may_be_none_or_missing(optional):
    bundle = make_bundle()
    bundle.metadata[optional] = None
    check_bundle(bundle)
    del bundle.metadata[optional]
    check_bundle(bundle)


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("layers.1.kernel", None, r"1 missing .*layers\.1\.kernel.* 0 extra"),
        ("layers.9.kernel", np.ones(1, np.float32), "1 extra"),
        ("layers.1.bias", np.ones(3), "type of array 'layers.1.bias': got dtype"),
        ("layers.1.bias", [1.0, 1.0, 1.0], "type of array"),
        ("layers.1.bias", np.ones((3, 1), np.float32), "shape of array"),
        ("input.scale", np.ones(2, np.float32), r"shape of array .* \(1,\) or \(64,\)"),
        ("layers.1.bias", np.array([1, np.nan, 1], np.float32), "values of array"),
        ("layers.1.bias", np.array([1, np.inf, 1], np.float16), "values of array"),
    ],
    ids=str,
)
def test_arrays_must_be_those_of_the_spec(name, array, match):
    bundle = make_bundle()
    if array is None:
        del bundle.arrays[name]
    else:
        bundle.arrays[name] = array
    with pytest.raises(ModelFileError, match=match) as caught:
        check_bundle(bundle)
    assert "\n" not in str(caught.value)


def test_a_sound_bundle_passes_and_stays_as_it_is():
    bundle = make_bundle()
    spec, metadata = copy.deepcopy(bundle.spec), copy.deepcopy(bundle.metadata)
    bundle.arrays["input.offset"] = np.zeros(64, np.float16)
    check_bundle(bundle)
    assert (bundle.spec, bundle.metadata) == (spec, metadata)


def test_a_message_is_one_short_line_whatever_was_found():
    nested: list = []
    for _ in range(5000):
        nested = [nested]
    for got in (nested, "x\n" * 1000, list(range(10**5)), {"a": nested}):
        message = str(defect("part", got, "something else"))
        assert "\n" not in message
        assert len(message) < 400
