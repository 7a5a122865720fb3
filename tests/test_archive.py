"""Fitted attributes to a bundle and back; whole files are tested in test_estimator and test_persistence."""

import json
from functools import partial

import numpy as np
import pytest

from jaxdigits.archive import all_or_nothing, pack, unpack
from jaxdigits.bundle import check_bundle
from jaxdigits.errors import InputError

DEFAULTS = {
    "model": "auto",
    "hidden_sizes": (128,),
    "class_weight": None,
    "optimizer": "auto",
    "random_state": None,
    "augment": "auto",
}


def make_fitted(**changes):
    spec = {"input_shape": [2, 2], "n_classes": 2, "layers": [{"kind": "Flatten"}, {"kind": "Dense", "features": 2}]}
    params = {"layers.1.kernel": np.ones((4, 2), np.float32), "layers.1.bias": np.zeros(2, np.float32)}
    return {
        "spec_": spec,
        "params_": params,
        "extras_": {},
        "classes_": np.array(["a", "b"]),
        "n_features_in_": 4,
        "offset_": np.zeros(1, np.float32),
        "scale_": np.ones(1, np.float32),
        "image_shape_": (2, 2),
        "pixel_range_": (0.0, 255.0),
        "recipe_": {"model": "linear", "learning_rate": np.float32(0.5)},
        "history_": [{"epoch": 1, "loss": 0.5, "validation_loss": None}],
        "n_epochs_": 1,
        "best_epoch_": 1,
        "device_": "cpu",
        "n_steps_": 3,
        "temperature_": 1.5,
        "n_members_": 1,
        "_opt_leaves": [np.zeros(3)],
    } | changes


def there_and_back(params, fitted):
    bundle = pack(DEFAULTS | params, fitted)
    check_bundle(bundle)
    bundle = type(bundle)(bundle.spec, bundle.arrays, json.loads(json.dumps(bundle.metadata, allow_nan=False)))
    return unpack(bundle, DEFAULTS)


def test_attributes_come_back():
    fitted = make_fitted()
    _, back = there_and_back({}, fitted)
    for name in ("n_features_in_", "image_shape_", "pixel_range_", "history_", "n_epochs_", "best_epoch_", "device_"):
        assert back[name] == fitted[name]
    assert back["recipe_"] == {"model": "linear", "learning_rate": 0.5}
    np.testing.assert_array_equal(back["classes_"], fitted["classes_"])
    for name, array in fitted["params_"].items():
        np.testing.assert_array_equal(back["params_"][name], array)
    assert "_opt_leaves" not in back


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"hidden_sizes": [64, np.int64(32)]}, {"hidden_sizes": (64, 32)}),
        ({"class_weight": {"a": 2}}, {"class_weight": {"a": 2}}),
        ({"class_weight": {0: 2, 1: np.float32(0.5)}}, {"class_weight": {0: 2.0, 1: 0.5}}),
        ({"class_weight": {True: 2.0}}, {"class_weight": {True: 2.0}}),
        ({"class_weight": {}}, {"class_weight": {}}),
        ({"optimizer": partial(make_fitted)}, {"optimizer": "auto"}),
        ({"random_state": np.random.RandomState(0)}, {"random_state": None}),
        ({"random_state": np.int32(7)}, {"random_state": 7}),
        ({"hidden_sizes": np.array([3, 4])}, {"hidden_sizes": (3, 4)}),
        ({"augment": ["shift", "blur"]}, {"augment": ("shift", "blur")}),
        ({"augment": ["shift", partial(make_fitted)]}, {"augment": "auto"}),
        ({"augment": make_fitted}, {"augment": "auto"}),
    ],
    ids=lambda value: "-".join(value),
)
def test_parameters_come_back_as_far_as_a_file_can_hold_them(given, kept):
    params, _ = there_and_back(given, make_fitted())
    assert params == DEFAULTS | kept


def test_the_temperature_comes_back_and_is_one_in_a_file_without():
    bundle = pack(DEFAULTS, make_fitted())
    assert bundle.metadata["temperature"] == 1.5
    assert unpack(bundle, DEFAULTS)[1]["temperature_"] == 1.5
    del bundle.metadata["temperature"]
    assert unpack(bundle, DEFAULTS)[1]["temperature_"] == 1.0


def test_members_come_back_and_are_one_in_a_file_without():
    single = make_fitted()
    stacked = {name: np.stack([array, 2 * array]) for name, array in single["params_"].items()}
    _, back = there_and_back({}, make_fitted(params_=stacked, n_members_=2))
    assert back["n_members_"] == 2
    assert back["params_"]["layers.1.kernel"].shape == (2, 4, 2)
    bundle = pack(DEFAULTS, single)
    del bundle.metadata["n_members"]
    assert unpack(bundle, DEFAULTS)[1]["n_members_"] == 1


def test_augmentations_of_the_recipe_come_back_by_name():
    recipe = {"augment": ("shift", make_fitted)}
    _, back = there_and_back({}, make_fitted(recipe_=recipe))
    assert back["recipe_"]["augment"][0] == "shift"
    assert "make_fitted" in back["recipe_"]["augment"][1]["callable"]


def test_gaps_in_the_record_become_none():
    history = [{"epoch": 1, "loss": np.float32(np.nan), "validation_loss": float("inf")}]
    _, back = there_and_back({}, make_fitted(history_=history))
    assert back["history_"] == [{"epoch": 1, "loss": None, "validation_loss": None}]


def test_the_canvas_of_rows_comes_back():
    fitted = make_fitted(n_features_in_=3, offset_=np.zeros(3, np.float32), scale_=np.ones(3, np.float32))
    _, back = there_and_back({}, fitted)
    assert back["image_shape_"] == (2, 2)


def test_rows_that_are_no_pictures_stay_so():
    _, back = there_and_back({}, make_fitted(image_shape_=None, pixel_range_=None))
    assert back["image_shape_"] is None
    assert back["pixel_range_"] is None


def test_column_names_come_back():
    names = np.array(["p", "q", "r", "s"], dtype=object)
    _, back = there_and_back({}, make_fitted(feature_names_in_=names))
    assert back["feature_names_in_"].tolist() == names.tolist()
    assert back["feature_names_in_"].dtype == object
    assert "feature_names_in_" not in there_and_back({}, make_fitted())[1]


def test_an_older_file_may_lack_parameters():
    bundle = pack(DEFAULTS, make_fitted())
    bundle.metadata["params"] = {"gone": 1, "hidden_sizes": [8]}
    params, _ = unpack(bundle, DEFAULTS)
    assert params == DEFAULTS | {"hidden_sizes": (8,)}


def test_a_users_own_network_is_refused():
    with pytest.raises(InputError, match=r"built-in model, got model=.*make_fitted.*Pickle the estimator"):
        pack(DEFAULTS | {"model": make_fitted}, make_fitted(spec_=None))


def fail_after(error, attributes, **changes):
    with all_or_nothing(attributes):
        attributes.update(changes)
        raise error


def test_a_failure_before_anything_was_learned_brings_the_fitted_attributes_back():
    attributes = {"model": "mlp", "classes_": [0, 1], "history_": [1]}
    with pytest.raises(ValueError, match="broken"):
        fail_after(ValueError("broken"), attributes, classes_=[5], n_features_in_=3)
    assert attributes == {"model": "mlp", "classes_": [0, 1], "history_": [1]}


def test_a_failure_after_something_was_learned_keeps_it():
    attributes = {"classes_": [0, 1], "history_": [1]}
    with pytest.raises(KeyboardInterrupt):
        fail_after(KeyboardInterrupt(), attributes, classes_=[5], history_=[2])
    assert attributes == {"classes_": [5], "history_": [2]}
