"""The published systems as data: what each network is, how it was trained, and what was reported of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any

from flax import nnx

from jaxdigits.core.models import MODELS, Network, Options
from jaxdigits.core.specs import Activation, ModelSpec

__all__ = ["ROWS", "TOLERANCE", "Row", "make_sigmoid_network"]

TOLERANCE = 0.2
"""Percentage points by which a mean may lie below the published figure."""

N_SEEDS = 5
N_SEEDS_DENSE = 20
"""Runs of dense networks at a constant rate differ by 0.2 to 0.3 points: five leave the mean open by half of that."""

QUICK_IMAGES = 2_000
QUICK_ITERATIONS = 50

# What a published description leaves out. Everything is set, so that no default of the library steps in.
UNSTATED: dict[str, Any] = {
    "optimizer": "adam",
    "learning_rate": 0.001,
    "schedule": "constant",
    "batch_size": 32,
    "weight_decay": 0.0,
    "augment": None,
    "dropout": 0.0,
    "label_smoothing": 0.0,
    "average_weights": False,
    "early_stopping": False,
}
PLAIN_DESCENT: dict[str, Any] = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.1, "batch_size": "full"}


@dataclass(frozen=True)
class Row:
    """One network with its training, and the figure that was published for it.

    Parameters
    ----------
    name : str
        Short name, for the command line and for file names.
    system : str
        What the table calls it.
    network : str
        The network and its training in a few words.
    epochs : int
        Passes over the training images; with full batches, steps.
    settings : dict
        Parameters of `DigitClassifier` that differ from `UNSTATED`.
    published : float or None, default=None
        Test accuracy in percent that was reported; the upper end where it was a range.
    wording : str, default=""
        How it was reported.
    sigmoid_outputs : bool, default=False
        Whether the outputs are sigmoids, made to sum to 1.
    held_out : float or int, default=0.1
        Share or number of the training images that are only watched.
    source : {"idx", "csv"}, default="idx"
        Whether the training images come from MNIST's files or through a table of Kaggle's kind.
    augmented_copies : int, default=0
        Rotated, scaled and shifted copies of each training image that are added.
    is_wish : bool, default=False
        Whether this is a change of the first system that its author wished to try.
    n_images : int or None, default=None
        How many training images to take, held-out ones included; None takes all.
    n_seeds : int, default=5
        How often it is trained.
    """

    name: str
    system: str
    network: str
    epochs: int
    settings: dict[str, Any] = field(default_factory=dict)
    published: float | None = None
    wording: str = ""
    sigmoid_outputs: bool = False
    held_out: float | int = 0.1
    source: str = "idx"
    augmented_copies: int = 0
    is_wish: bool = False
    n_images: int | None = None
    n_seeds: int = N_SEEDS

    @property
    def is_full_batch(self) -> bool:
        """Whether an epoch is a single step."""
        return self.settings.get("batch_size") == "full"

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of its `DigitClassifier`, without seed and device."""
        parameters = {**UNSTATED, **self.settings, "max_epochs": self.epochs}
        if self.sigmoid_outputs:
            # The network knows its widths: they are no parameters of a model that is handed in.
            parameters["model"] = make_sigmoid_network(parameters.pop("hidden_sizes", ()))
        return parameters

    def to_plain(self) -> dict[str, Any]:
        """Return the row as JSON holds it: words and figures, and under `training` all that decides a run."""
        plain = asdict(self)
        names = ("name", "system", "network", "published", "wording", "is_wish")
        words = {name: plain.pop(name) for name in names}
        del plain["n_seeds"]
        training = plain | {"settings": {**UNSTATED, **self.settings}}
        # JSON knows no tuples: what is read back must be equal.
        return words | {"training": json.loads(json.dumps(training))}

    def quick(self) -> Row:
        """Return a version that shows in seconds whether everything runs."""
        return replace(
            self,
            epochs=min(self.epochs, QUICK_ITERATIONS if self.is_full_batch else 1),
            n_images=QUICK_IMAGES,
            n_seeds=1,
            held_out=min(self.held_out, QUICK_IMAGES // 10),
        )


@cache  # one function for one network: a model that is handed in is compiled anew when its identity changes
def make_sigmoid_network(hidden_sizes: tuple[int, ...]) -> Callable[[tuple[int, ...], int, nnx.Rngs], nnx.Module]:
    """Make the builder of a perceptron with sigmoid outputs.

    The logits pass through log s(z), and the softmax of log s(z) is s(z) / sum s(z): the class probabilities are the
    sigmoids, made to sum to 1, and the cross-entropy is taken of those.

    Parameters
    ----------
    hidden_sizes : tuple of int
        Widths of the hidden layers, each with ReLU; none is a linear model.

    Returns
    -------
    callable
        What `DigitClassifier(model=...)` takes: (image_shape, n_classes, rngs) -> nnx.Module.
    """

    def build(image_shape: tuple[int, ...], n_classes: int, rngs: nnx.Rngs) -> nnx.Module:
        spec = MODELS["mlp"](tuple(image_shape), n_classes, Options(hidden_sizes=hidden_sizes))
        layers = (*spec.layers, Activation("log_sigmoid"))
        return Network(ModelSpec(spec.input_shape, spec.n_classes, layers), rngs=rngs)

    return build


def _from_scratch(name: str, network: str, *, epochs: int = 500, **settings: Any) -> Row:
    """Change the first system in one thing."""
    return Row(
        name,
        "From scratch: its wishes",
        network,
        epochs,
        {"model": "mlp", "hidden_sizes": (10,), **PLAIN_DESCENT, **settings},
        held_out=1_000,
        source="csv",
        is_wish=True,
    )


ROWS: tuple[Row, ...] = (
    replace(
        _from_scratch("from-scratch", "784-10-10, ReLU; gradient descent on full batches, rate 0.1, 500 iterations"),
        system="From scratch",
        published=84.0,
        wording="84 % or more",
        is_wish=False,
    ),
    _from_scratch("wish-deeper", "784-10-10-10: one more hidden layer", hidden_sizes=(10, 10)),
    _from_scratch("wish-rate-0.01", "rate 0.01", learning_rate=0.01),
    _from_scratch("wish-rate-0.5", "rate 0.5", learning_rate=0.5),
    _from_scratch("wish-batch-128", "batches of 128, 10 epochs", epochs=10, batch_size=128),
    _from_scratch("wish-batch-32", "batches of 32, 10 epochs", epochs=10, batch_size=32),
    Row(
        "linear-sigmoid",
        "Linear",
        "784-10, sigmoid outputs; 5 epochs",
        5,
        published=92.5,
        wording="92.5 %",
        sigmoid_outputs=True,
        n_seeds=N_SEEDS_DENSE,
    ),
    Row("linear-softmax", "Linear", "784-10, softmax; 5 epochs", 5, {"model": "linear"}, n_seeds=N_SEEDS_DENSE),
    Row(
        "hidden-100-sigmoid",
        "One hidden layer",
        "784-100-10, ReLU, sigmoid outputs; 10 epochs",
        10,
        {"hidden_sizes": (100,)},
        published=97.7,
        wording="97.7 %",
        sigmoid_outputs=True,
        n_seeds=N_SEEDS_DENSE,
    ),
    Row(
        "hidden-100-softmax",
        "One hidden layer",
        "784-100-10, ReLU, softmax; 10 epochs",
        10,
        {"model": "mlp", "hidden_sizes": (100,)},
        n_seeds=N_SEEDS_DENSE,
    ),
    Row(
        "hidden-128",
        "One hidden layer",
        "784-128-10, ReLU; 5 epochs",
        5,
        {"model": "mlp", "hidden_sizes": (128,)},
        published=97.0,
        wording="97 % (train 98 %)",
        n_seeds=N_SEEDS_DENSE,
    ),
    Row(
        "hidden-128-32",
        "Two hidden layers",
        "784-128-32-10, ReLU; 20 epochs, validation split 0.2",
        20,
        {"model": "mlp", "hidden_sizes": (128, 32)},
        published=97.4,
        wording="97.4 %",
        held_out=0.2,
        n_seeds=N_SEEDS_DENSE,
    ),
    Row(
        "ann-64",
        "ANN",
        "784-64-10, ReLU; 5 epochs",
        5,
        {"model": "mlp", "hidden_sizes": (64,)},
        published=96.0,
        wording="95 to 96 %",
        n_seeds=N_SEEDS_DENSE,
    ),
    Row(
        "cnn",
        "CNN",
        "3x3 convolutions of 32 and 64, each max-pooled, dense 64; 5 epochs",
        5,
        {"model": "cnn", "channels": (32, 64), "hidden_sizes": (64,)},
        published=98.0,
        wording="98 %",
    ),
    Row(
        "lenet5",
        "LeNet-5",
        "tanh, average pooling; 10 epochs, falling rate",
        10,
        # Its authors passed 20 times over the images and lowered the rate step by step; half as many save time.
        {"model": "lenet5", "activation": "tanh", "schedule": "cosine"},
        published=99.05,
        wording="99.05 %",
    ),
    Row(
        "resnet",
        "Small ResNet",
        "9 convolutions of 8, 16 and 32, residual blocks; one cycle up to a rate of 0.004, 3 epochs",
        3,
        {"model": "resnet", "channels": (8, 16, 32), "schedule": "one_cycle", "learning_rate": 0.004},
    ),
    Row(
        "cnn-augmented",
        "CNN, more images",
        "the CNN above, each image also rotated, scaled and shifted; 5 epochs",
        5,
        {"model": "cnn", "channels": (32, 64), "hidden_sizes": (64,)},
        augmented_copies=1,
    ),
)
"""All rows, in the order of the table. A new row is one more entry here."""
