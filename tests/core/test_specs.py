import json

import pytest

from jaxdigits.core.specs import (
    KINDS,
    Activation,
    AveragePool,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    ModelSpec,
    Residual,
)
from jaxdigits.errors import InputError

EVERY_KIND = ModelSpec(
    (28, 28),
    10,
    (
        Conv(8, (5, 3), stride=2, padding="VALID"),
        Residual((Conv(8), Activation("gelu"), Residual((Conv(8),)))),
        MaxPool(3),
        AveragePool(),
        Flatten(),
        Dropout(),
        GlobalAveragePool(),
        Dense(10),
    ),
)


def test_every_kind_survives_json():
    text = json.dumps(EVERY_KIND.to_plain())
    restored = ModelSpec.from_plain(json.loads(text))
    assert restored == EVERY_KIND
    assert hash(restored) == hash(EVERY_KIND)
    assert {layer["kind"] for layer in EVERY_KIND.to_plain()["layers"]} == set(KINDS) - {"Activation"}


def test_plain_form_is_what_model_files_hold():
    assert EVERY_KIND.to_plain()["layers"][0] == {
        "kind": "Conv",
        "features": 8,
        "kernel_size": [5, 3],
        "stride": 2,
        "padding": "VALID",
    }
    assert Dropout in {type(layer) for layer in EVERY_KIND.layers}
    assert {"kind": "Dropout"} in EVERY_KIND.to_plain()["layers"]


@pytest.mark.parametrize(
    "other",
    [
        ModelSpec((28, 28), 9, EVERY_KIND.layers),
        ModelSpec((28, 27), 10, EVERY_KIND.layers),
        ModelSpec((28, 28), 10, (Conv(8, (5, 3), stride=1, padding="VALID"), *EVERY_KIND.layers[1:])),
        ModelSpec((28, 28), 10, EVERY_KIND.layers[:-1]),
    ],
)
def test_specs_that_differ_anywhere_are_different_keys(other):
    assert other != EVERY_KIND
    assert len({other, EVERY_KIND}) == 2


def test_unknown_kind_is_refused_in_one_line_that_names_the_known_ones():
    plain = {"input_shape": [8, 8], "n_classes": 2, "layers": [{"kind": "Convolution"}]}
    with pytest.raises(InputError, match="got 'Convolution'") as caught:
        ModelSpec.from_plain(plain)
    message = str(caught.value)
    assert "\n" not in message
    assert all(kind in message for kind in KINDS)


def test_unknown_kind_is_found_within_a_residual():
    inner = {"kind": "Residual", "layers": [{"kind": "Norm"}]}
    with pytest.raises(InputError, match="got 'Norm'"):
        ModelSpec.from_plain({"input_shape": [8, 8], "n_classes": 2, "layers": [inner]})


def test_widened_changes_the_last_dense_layer_alone():
    spec = ModelSpec((20,), 3, (Flatten(), Dense(3), Activation(), Dense(3), Activation("log_sigmoid")))
    wide = spec.widened(input_shape=(64,), n_classes=10)
    assert wide == ModelSpec((64,), 10, (Flatten(), Dense(3), Activation(), Dense(10), Activation("log_sigmoid")))
    assert spec.n_classes == 3
