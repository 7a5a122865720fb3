import optax
import pytest

from jaxdigits.core.augmentation import AUGMENTATIONS, shift
from jaxdigits.core.models import IMAGE_MODELS, MODELS, Options
from jaxdigits.core.optimizers import OPTIMIZERS, SCHEDULES
from jaxdigits.core.recipes import AUTO, RECIPES, ignored_options, is_image_model, make_spec, resolve_recipe
from jaxdigits.errors import InputError

OPEN = {
    "model": AUTO,
    "optimizer": AUTO,
    "learning_rate": AUTO,
    "schedule": AUTO,
    "momentum": 0.9,
    "nesterov": False,
    "weight_decay": AUTO,
    "dropout": AUTO,
    "label_smoothing": AUTO,
    "augment": AUTO,
    "average_weights": AUTO,
    "batch_size": AUTO,
    "max_epochs": AUTO,
    "max_seconds": None,
    "early_stopping": False,
}

ASKED = {
    "model": "linear",
    "optimizer": "sgd",
    "learning_rate": 0.125,
    "schedule": "cosine",
    "weight_decay": 0.25,
    "dropout": 0.5,
    "label_smoothing": 0.0625,
    "augment": ("blur", shift),
    "average_weights": True,
    "batch_size": 17,
    "max_epochs": 3,
}


def resolve(is_image=True, n_samples=1437, is_ink=False, incremental=False, **asked):
    return resolve_recipe(
        {**OPEN, **asked}, is_image=is_image, n_samples=n_samples, is_ink=is_ink, incremental=incremental
    )


def make_own_optimizer():
    return optax.adam(1e-3)


def test_a_convolutional_network_trains_shorter_and_with_less_on_rows_that_are_no_pictures():
    pictures, rows = resolve(model="cnn", n_samples=200), resolve(is_image=False, model="cnn", n_samples=200)
    assert (pictures.optimizer, rows.optimizer) == ("muon", "adamw")
    assert rows.max_epochs < pictures.max_epochs
    assert rows.label_smoothing == 0
    assert not rows.augment


@pytest.mark.parametrize("model", [AUTO, *MODELS, lambda *_: None])
@pytest.mark.parametrize("is_image", [False, True])
@pytest.mark.parametrize("optimizer", [AUTO, *OPTIMIZERS, make_own_optimizer])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_every_auto_is_resolved(model, is_image, optimizer, early_stopping):
    recipe = resolve(is_image, model=model, optimizer=optimizer, early_stopping=early_stopping)
    assert AUTO not in recipe
    assert callable(recipe.model) or recipe.model in MODELS
    assert callable(recipe.optimizer) or (recipe.optimizer in OPTIMIZERS and recipe.learning_rate > 0)
    assert recipe.schedule in SCHEDULES
    assert recipe.weight_decay >= 0
    assert 0 <= recipe.dropout < 1
    assert 0 <= recipe.label_smoothing < 1
    assert isinstance(recipe.average_weights, bool)
    assert recipe.batch_size >= 1
    assert recipe.max_epochs >= 1


@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_for_is_kept(name):
    assert getattr(resolve(**{name: ASKED[name]}), name) == ASKED[name]


def test_all_that_is_asked_for_is_kept_together():
    assert resolve(**ASKED)._asdict() == ASKED


@pytest.mark.parametrize(("is_image", "model"), [(True, "cnn"), (False, "mlp")])
def test_pictures_get_convolutions_and_other_rows_a_perceptron(is_image, model):
    assert resolve(is_image).model == model


@pytest.mark.parametrize("asked", [{"early_stopping": True}, {"incremental": True}])
def test_a_run_of_unknown_length_gets_a_constant_and_smaller_rate(asked):
    recipe = resolve(**asked)
    assert recipe.schedule == "constant"
    assert recipe.learning_rate < resolve().learning_rate


def test_weights_are_averaged_where_nothing_else_settles_them():
    assert resolve(early_stopping=True).average_weights
    assert not resolve().average_weights
    assert not resolve(incremental=True).average_weights


def test_partial_fit_is_one_pass():
    assert resolve(incremental=True).max_epochs == 1
    assert resolve(incremental=True, max_epochs=9).max_epochs == 1


def test_a_full_batch_takes_one_step_an_epoch_and_so_more_epochs():
    recipe = resolve(batch_size="full")
    assert recipe.batch_size == "full"
    assert recipe.max_epochs > resolve(batch_size=32).max_epochs


def test_few_samples_get_small_batches_and_more_epochs():
    assert resolve(n_samples=1000).batch_size < resolve(n_samples=60_000).batch_size
    assert resolve(n_samples=1000).max_epochs > resolve(n_samples=60_000).max_epochs


def test_a_time_budget_alone_sets_no_number_of_epochs():
    assert resolve(max_seconds=60.0).max_epochs >= 1000
    assert resolve(max_seconds=60.0, max_epochs=4).max_epochs == 4


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_decay_within_the_gradient_is_not_set_by_default(optimizer):
    assert resolve(optimizer=optimizer).weight_decay == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"learning_rate": 0.1},
        {"schedule": "cosine"},
        {"weight_decay": 0.1},
        {"momentum": 0.5},
        {"nesterov": True},
        {"momentum": 0.5, "weight_decay": 0.0},
    ],
)
def test_a_factory_beside_settings_that_it_would_ignore_is_refused_in_one_line(asked):
    with pytest.raises(InputError, match="must stay at the default when optimizer is a factory") as caught:
        resolve(optimizer=make_own_optimizer, **asked)
    message = str(caught.value)
    assert "\n" not in message
    assert all(name in message and repr(value) in message for name, value in asked.items())


def test_a_factory_goes_with_all_other_settings():
    recipe = resolve(optimizer=make_own_optimizer, dropout=0.5, batch_size=64, max_epochs=2)
    assert (recipe.optimizer, recipe.schedule, recipe.batch_size) == (make_own_optimizer, "constant", 64)


@pytest.mark.parametrize(
    ("model", "options", "ignored"),
    [
        ("linear", Options((9,), (9,), "tanh"), ["hidden_sizes", "channels", "activation"]),
        ("mlp", Options((9,), (9,), "tanh"), ["channels"]),
        ("mlp", Options((), (32, 64), "tanh"), ["activation"]),
        ("cnn", Options((9,), (9,), "tanh"), []),
        ("strided_cnn", Options((9,), (9,), "tanh"), []),
        ("lenet5", Options((9,), (9,), "tanh"), ["hidden_sizes", "channels"]),
        ("resnet", Options((9,), (9,), "tanh"), ["hidden_sizes"]),
        *((model, Options(), []) for model in MODELS),
    ],
)
def test_options_that_change_nothing_are_named(model, options, ignored):
    assert ignored_options(model, (28, 28), options) == ignored


def test_image_models_are_known_by_name():
    assert {name for name in MODELS if is_image_model(name)} == set(IMAGE_MODELS)
    assert not is_image_model(make_own_optimizer)


def test_make_spec_reads_the_registry():
    assert make_spec("cnn", (8, 8), 4, Options()) == MODELS["cnn"]((8, 8), 4, Options())


def test_a_network_of_the_users_own_is_not_given_muon():
    assert resolve(model=make_own_optimizer).optimizer == "adamw"


@pytest.mark.parametrize("model", [AUTO, "cnn", "strided_cnn", "lenet5", "resnet"])
def test_the_ink_of_few_pictures_is_moved_and_they_are_seen_more_often(model):
    recipe = resolve(is_ink=True, model=model)
    assert recipe.augment
    assert set(recipe.augment) <= set(AUGMENTATIONS)
    assert recipe.max_epochs > resolve(is_ink=False, model=model).max_epochs


@pytest.mark.parametrize(
    "asked",
    [
        {"is_ink": False},
        {"n_samples": 60_000},
        {"incremental": True},
        {"model": "mlp"},
        {"model": "linear"},
        {"model": make_own_optimizer},
        {"augment": None},
        {"augment": ()},
    ],
    ids=["no ink", "many", "incremental", "mlp", "linear", "a factory", "none", "empty"],
)
def test_all_others_are_left_as_they_are(asked):
    recipe = resolve(**{"is_ink": True} | asked)
    assert recipe.augment == ()
    assert recipe == resolve(**asked | {"is_ink": False, "augment": None})


def test_augmentations_asked_for_are_taken_wherever_they_are():
    for asked in ({"n_samples": 60_000}, {"model": "mlp"}, {"incremental": True}):
        assert resolve(augment=["blur", shift], **asked).augment == ("blur", shift)
    assert resolve(augment="elastic").augment == ("elastic",)


@pytest.mark.parametrize("name", RECIPES)
def test_a_named_recipe_is_taken_as_it_stands(name):
    asked = RECIPES[name]
    recipe = resolve(**asked, n_samples=60_000, is_ink=True)._asdict()
    widths = {key: asked[key] for key in Options._fields if key in asked}
    assert {key: recipe[key] for key in asked if key not in widths} | widths == asked
    assert not ignored_options(asked["model"], (28, 28), Options(**widths))
