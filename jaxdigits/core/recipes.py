"""What every "auto" becomes: settings that are good for the model at hand without tuning."""

from __future__ import annotations

from typing import Any, NamedTuple

from jaxdigits.core.augmentation import Augmentation, as_augmentations
from jaxdigits.core.models import IMAGE_MODELS, MODELS, Model, Options
from jaxdigits.core.optimizers import Optimizer
from jaxdigits.core.specs import ModelSpec
from jaxdigits.errors import InputError

AUTO = "auto"


class Recipe(NamedTuple):
    """The settings of a run, nothing left open."""

    model: Any
    optimizer: Optimizer
    learning_rate: float
    schedule: str
    weight_decay: float
    dropout: float
    label_smoothing: float
    augment: tuple[str | Augmentation, ...]
    average_weights: bool
    batch_size: int | str
    max_epochs: int


class Defaults(NamedTuple):
    """A family's settings for a run along one cycle: peak rate, regularization, and how long to train."""

    optimizer: str
    learning_rate: float
    weight_decay: float
    dropout: float
    label_smoothing: float
    min_epochs: int
    min_steps: int
    augment: tuple[str, ...] = ()
    max_epochs: int = 150


FAMILIES: dict[str, Defaults] = {
    "linear": Defaults("adamw", 1e-2, 0.0, 0.0, 0.0, 10, 1000),
    "tabular": Defaults("adamw", 5e-3, 1e-2, 0.0, 0.0, 10, 1000),
    "mlp": Defaults("adamw", 4e-3, 1e-2, 0.0, 0.1, 10, 1500),
    "image": Defaults("muon", 4e-3, 1e-2, 0.0, 0.1, 2, 900, ("shift", "rotation", "scale", "shear")),
    "canvas": Defaults("adamw", 4e-3, 1e-2, 0.0, 0.0, 2, 600, max_epochs=100),
}
"""Defaults by family; "tabular" is an MLP on rows that are no pictures, "image" a convolutional network on pictures,
"canvas" one on rows that are none and lie on a canvas.

`learning_rate` is Adam's; `RATE_FACTORS` brings it to the optimizer. Chosen on 10,000 held-out MNIST training images
and by cross-validation on the 8x8 digits: there Muon took the convolutional network from 0.976 to 0.983 over unshuffled
folds, and smoothing the perceptron from 0.941 to 0.965; on MNIST two epochs of Muon got 99.3 %, three of AdamW 99.25 %.
On a canvas neither Muon nor more steps gained anything: over folds of iris, wine and breast cancer, two seeds each,
0.947, 0.964 and 0.975, where the settings of pictures got 0.953, 0.969 and 0.968 in three times the time.
"""

RATE_FACTORS = {"sgd": 10.0, "adam": 1.0, "adamw": 1.0, "muon": 5.0}
"""An optimizer's rate against Adam's: an SGD step with momentum 0.9 sums ten gradients, a Muon step is a rotation."""

CONSTANT_RATE_FACTOR = 0.25
"""A constant rate against the peak of a cycle, whose mean is half of it and whose end is what settles the weights."""

AUGMENTED_FACTOR = 2
"""How much longer augmented pictures are trained on, since each is new every time.

Over the unshuffled folds of the 8x8 digits, moving the ink took the convolutional network from 0.983 to 0.986 in as
many steps as without, and to 0.988 in twice as many; elastic fields on top gained nothing there.
"""

RECIPES: dict[str, dict[str, Any]] = {
    "fast": {
        "model": "strided_cnn",
        "channels": (24, 48),
        "hidden_sizes": (64,),
        "max_epochs": 2,
    },
    "accurate": {
        "model": "cnn",
        "channels": (32, 64),
        "hidden_sizes": (128,),
        "augment": ("shift", "rotation", "scale", "shear"),
        "max_epochs": 20,
    },
}
"""Parameters of `DigitClassifier` by purpose: ``DigitClassifier(**RECIPES["accurate"])``.

"fast" is a short way to 99 % on MNIST: two epochs of a network that shrinks pictures by strides reach 99.03 %.
"accurate" spends minutes where the defaults spend seconds: 20 epochs with every picture moved anew each time; 15 of
them reach 99.6 %, and 99.5 % with elastic fields and other stroke widths on top. Chosen on 10,000 held-out training
images, whose accuracies these are; `benchmarks.bench_accuracy` tells what each part is worth. Larger and
smaller moves, patches cut out, more dropout, half the batch and twice the rate were no better there. A deeper network
of twice the work made 35 mistakes where this one made 39, but in the test images as many within the spread of seeds.
"""

TIMED_EPOCHS = 10_000
SMALL_DATA = 4096


def resolve_recipe(
    asked: dict[str, Any], *, is_image: bool, n_samples: int, is_ink: bool = False, incremental: bool = False
) -> Recipe:
    """Fill in every "auto".

    Parameters
    ----------
    asked : dict
        The estimator's parameters by name.
    is_image : bool
        Whether rows are pictures.
    n_samples : int
        Training samples after merging.
    is_ink : bool, default=False
        Whether rows are pictures whose paper is 0 and whose ink is brighter, so that "auto" may move the ink.
    incremental : bool, default=False
        Whether this is `partial_fit`: a constant rate, no averaging.

    Returns
    -------
    Recipe

    Raises
    ------
    InputError
        If settings of a named optimizer are given along with a factory.
    """
    model = asked["model"]
    if model == AUTO:
        model = "cnn" if is_image else "mlp"
    defaults = FAMILIES[_family(model, is_image)]
    constant = incremental or asked["early_stopping"]
    schedule = _pick(asked["schedule"], "constant" if constant else "one_cycle")
    optimizer = _pick(asked["optimizer"], "adamw" if callable(model) else defaults.optimizer)
    batch_size = _pick(asked["batch_size"], 32 if n_samples <= SMALL_DATA else 128)
    rate = defaults.learning_rate * (CONSTANT_RATE_FACTOR if schedule == "constant" else 1.0)
    if callable(optimizer):
        _refuse_ignored(asked)
        schedule, rate = "constant", 0.0
    else:
        rate = _pick(asked["learning_rate"], rate * RATE_FACTORS.get(optimizer, 1.0))
    is_small_ink = is_ink and n_samples <= SMALL_DATA and not incremental and not callable(model)
    steps = 1 if batch_size == "full" else -(-n_samples // batch_size)
    augment = as_augmentations(_pick(asked["augment"], defaults.augment if is_small_ink else ()))
    min_steps = defaults.min_steps * (AUGMENTED_FACTOR if augment else 1)
    epochs = min(max(defaults.min_epochs, -(-min_steps // steps)), defaults.max_epochs)
    if asked["max_seconds"] is not None:
        epochs = TIMED_EPOCHS
    return Recipe(
        model=model,
        optimizer=optimizer,
        learning_rate=float(rate),
        schedule=schedule,
        weight_decay=float(_pick(asked["weight_decay"], _default_decay(optimizer, defaults))),
        dropout=float(_pick(asked["dropout"], defaults.dropout)),
        label_smoothing=float(_pick(asked["label_smoothing"], defaults.label_smoothing)),
        augment=augment,
        average_weights=bool(_pick(asked["average_weights"], constant and not incremental)),
        batch_size=batch_size,
        max_epochs=1 if incremental else int(_pick(asked["max_epochs"], epochs)),
    )


def make_spec(name: str, input_shape: tuple[int, ...], n_classes: int, options: Options) -> ModelSpec:
    """Build a named architecture's spec.

    Examples
    --------
    >>> from jaxdigits.core.models import Options
    >>> from jaxdigits.core.recipes import make_spec
    >>> len(make_spec("linear", (8, 8), 10, Options()).layers)
    2
    """
    return MODELS[name](input_shape, n_classes, options)


def ignored_options(name: str, input_shape: tuple[int, ...], options: Options) -> list[str]:
    """Name the options that were set but change nothing in this architecture's spec.

    Examples
    --------
    >>> from jaxdigits.core.models import Options
    >>> from jaxdigits.core.recipes import ignored_options
    >>> ignored_options("mlp", (8, 8), Options(channels=(8,)))
    ['channels']
    """
    default = Options()
    changed = [field for field in Options._fields if getattr(options, field) != getattr(default, field)]
    built = make_spec(name, input_shape, 10, options)
    ignored = []
    for field in changed:
        without = options._replace(**{field: getattr(default, field)})
        if make_spec(name, input_shape, 10, without) == built:
            ignored.append(field)
    return ignored


def is_image_model(model: Any) -> bool:
    """Tell whether a model of this name needs a picture."""
    return model in IMAGE_MODELS


def _family(model: Model | str, is_image: bool) -> str:
    if model == "linear":
        return "linear"
    if callable(model):
        return "image" if is_image else "tabular"
    if model == "mlp":
        return "mlp" if is_image else "tabular"
    return "image" if is_image else "canvas"


def _pick(asked: Any, automatic: Any) -> Any:
    return automatic if isinstance(asked, str) and asked == AUTO else asked


def _default_decay(optimizer: Optimizer, defaults: Defaults) -> float:
    """Decoupled decay only: as an L2 term the same number would be far too strong."""
    return defaults.weight_decay if optimizer in ("adamw", "muon") else 0.0


def _refuse_ignored(asked: dict[str, Any]) -> None:
    defaults = {
        "learning_rate": AUTO,
        "schedule": AUTO,
        "weight_decay": AUTO,
        "momentum": 0.9,
        "nesterov": False,
    }
    changed = [name for name, value in defaults.items() if asked[name] != value]
    if changed:
        raise InputError(
            f"{', '.join(changed)} must stay at the default when optimizer is a factory, got "
            f"{', '.join(repr(asked[name]) for name in changed)}. Set it inside the factory."
        )
