"""What the commands that train have in common: their options, and how a training run is told."""

from __future__ import annotations

import argparse
import ast
import difflib
import sys
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits.cli.compilation import keep_compiled
from jaxdigits.cli.outputs import figures, warn
from jaxdigits.cli.results import Result, describe_accuracy, judge
from jaxdigits.cli.sources import with_light_ink
from jaxdigits.errors import InputError

if TYPE_CHECKING:
    from jaxdigits.data.datasets import Dataset
    from jaxdigits.estimator import DigitClassifier

__all__ = [
    "Training",
    "add_seed_argument",
    "add_training_arguments",
    "check_model",
    "describe_training",
    "find_recipe",
    "hold_out",
    "make_classifier",
    "parse_settings",
    "save_report",
    "train",
]

HOLDOUT = 0.1
"""Share that is held out unless the user says otherwise."""

OPTIONS = {"model": "--model", "max_epochs": "--epochs", "random_state": "--seed"}
"""Parameters that have an option of their own."""


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a training run.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli.fitting import add_training_arguments
    >>> parser = argparse.ArgumentParser()
    >>> add_training_arguments(parser)
    >>> parser.parse_args(["--epochs", "3", "--set", "dropout=0.2"]).settings
    ['dropout=0.2']
    """
    parser.add_argument("--epochs", type=_parse_epochs, metavar="N", help="passes over the data (default: auto)")
    parser.add_argument(
        "--recipe", metavar="NAME", help="parameters by purpose: accurate takes minutes, for the last errors"
    )
    add_seed_argument(parser)
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other parameter of DigitClassifier, such as optimizer=sgd or hidden_sizes=100,50; may be repeated",
    )
    parser.add_argument(
        "--holdout",
        type=_parse_share,
        metavar="SHARE",
        help=f"share of the data kept from training to tell the accuracy (default: {HOLDOUT:g}; 0 trains on all)",
    )


def add_seed_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--seed`.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli.fitting import add_seed_argument
    >>> parser = argparse.ArgumentParser()
    >>> add_seed_argument(parser)
    >>> parser.parse_args([]).seed
    0
    """
    parser.add_argument(
        "--seed", type=_parse_seed, default=0, metavar="N", help="seed of everything random (default: 0)"
    )


def _parse_seed(text: str) -> int:
    seed = int(text) if text.isdecimal() else -1
    if not 0 <= seed < 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 4294967295, got {text!r}")
    return seed


def _parse_epochs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, got {text!r}")
    return int(text)


def _parse_share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to below 1, got {text!r}")
    return share


def parse_settings(settings: Iterable[str], known: Iterable[str]) -> dict[str, Any]:
    """Read settings such as ``learning_rate=0.01``: values are Python literals, or else text.

    Parameters
    ----------
    settings : iterable of str
        What the user wrote, ``name=value`` each.
    known : iterable of str
        The names there are.

    Returns
    -------
    dict
        Name -> value.

    Raises
    ------
    InputError
        If there is no such name, it is given twice, or has an option of its own.

    Examples
    --------
    >>> from jaxdigits.cli.fitting import parse_settings
    >>> parse_settings(["dropout=0.2", "hidden_sizes=64,32", "optimizer=sgd"], ["dropout", "hidden_sizes", "optimizer"])
    {'dropout': 0.2, 'hidden_sizes': (64, 32), 'optimizer': 'sgd'}
    """
    names = sorted(known)
    parsed: dict[str, Any] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        name = name.strip()
        if not separator:
            raise InputError(f"--set must be NAME=VALUE, got {setting!r}. Write, for example, --set dropout=0.2.")
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            advice = f"Did you mean {close[0]}?" if close else f"Use one of: {', '.join(names)}."
            raise InputError(f"--set must name a parameter of DigitClassifier, got {name!r}. {advice}")
        if name in OPTIONS:
            raise InputError(f"{name} has an option of its own, got --set {setting}. Use {OPTIONS[name]}.")
        if name in parsed:
            raise InputError(f"--set must give {name} once, got it twice. Leave one out.")
        parsed[name] = _parse_value(value.strip())
    return parsed


def _parse_value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def check_model(name: str) -> None:
    """Refuse the name of a network that there is not.

    Parameters
    ----------
    name : str
        What the user wrote.

    Raises
    ------
    InputError
        Naming those that there are.

    Examples
    --------
    >>> from jaxdigits.cli.fitting import check_model
    >>> check_model("cnn")
    """
    from jaxdigits.core.models import MODELS

    names = ["auto", *MODELS]
    if name not in names:
        raise InputError(f"--model must be one of {', '.join(names)}, got {name!r}. Leave it out for auto.")


def find_recipe(name: str | None) -> dict[str, Any]:
    """Find parameters by purpose.

    Parameters
    ----------
    name : str or None
        What the user wrote; None asks for nothing.

    Returns
    -------
    dict
        Parameters of `DigitClassifier`.

    Raises
    ------
    InputError
        Naming the recipes that there are.

    Examples
    --------
    >>> from jaxdigits.cli.fitting import find_recipe
    >>> find_recipe("accurate")["model"]
    'cnn'
    """
    if name is None:
        return {}
    from jaxdigits.core.recipes import RECIPES

    if name not in RECIPES:
        raise InputError(f"--recipe must be one of {', '.join(RECIPES)}, got {name!r}. Leave it out for the defaults.")
    return RECIPES[name]


def make_classifier(args: argparse.Namespace, *, model: str) -> DigitClassifier:
    """Make the classifier that the options describe, and have it check its parameters before anything is read.

    Parameters
    ----------
    args : argparse.Namespace
        `epochs`, `recipe`, `seed` and `settings`, as `add_training_arguments` declares them.
    model : str
        Name of the network, or "auto".

    Returns
    -------
    DigitClassifier
        Not fitted. It shows its progress on a terminal only.

    Raises
    ------
    InputError
        If an option is wrong.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli.fitting import make_classifier
    >>> args = argparse.Namespace(epochs=3, recipe=None, seed=0, settings=["dropout=0"])
    >>> make_classifier(args, model="mlp").dropout
    0
    """
    from jaxdigits.estimator import DigitClassifier

    check_model(model)
    settings = parse_settings(args.settings, DigitClassifier().get_params(deep=False))
    verbose = int(sys.stderr is not None and sys.stderr.isatty())
    given = {"random_state": args.seed, "verbose": verbose, **find_recipe(args.recipe)}
    # An option that was given goes before the recipe.
    given |= {} if model == "auto" else {"model": model}
    given |= {} if args.epochs is None else {"max_epochs": args.epochs}
    classifier = DigitClassifier(**(given | settings))
    try:
        classifier._validate_params()
    except ValueError as error:
        raise InputError(str(error)) from error
    return classifier


@dataclass(frozen=True)
class Training:
    """A training run that has ended.

    Parameters
    ----------
    classifier : DigitClassifier
        The fitted classifier.
    n_samples : int
        Samples it was trained on.
    seconds : float
        How long that took.
    trained : Result
        How it reads what it was trained on.
    tested : Result or None
        How it reads what it has not seen.
    inverted : bool
        Whether dark ink was turned light.
    """

    classifier: DigitClassifier
    n_samples: int
    seconds: float
    trained: Result
    tested: Result | None
    inverted: bool


def hold_out(dataset: Dataset, share: float | None, *, seed: int) -> tuple[Dataset, Dataset | None]:
    """Part labeled samples into those to train on and those to tell the accuracy by.

    Parameters
    ----------
    dataset : Dataset
        Labeled samples.
    share : float or None
        Share to hold out; None holds out `HOLDOUT` if every class can stand on both sides.
    seed : int
        Seed of the choice.

    Returns
    -------
    tuple of (Dataset, Dataset or None)

    Raises
    ------
    InputError
        If the share asked for cannot be held out.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.cli.fitting import hold_out
    >>> from jaxdigits.data.datasets import Dataset
    >>> rest, held_out = hold_out(Dataset(np.zeros((100, 64)), np.arange(100) % 10), None, seed=0)
    >>> len(rest), len(held_out)
    (90, 10)
    """
    import numpy as np

    if share == 0:
        return dataset, None
    labels: Any = dataset.y
    counts = np.unique(labels, return_counts=True)[1]
    wanted = share or HOLDOUT
    if counts.min() < 2 or wanted * len(dataset) < len(counts) or (1 - wanted) * len(dataset) < len(counts):
        if share is None:
            return dataset, None
        raise InputError(
            f"--holdout must leave a sample or more of each of {len(counts)} classes on both sides, got {share:g} of "
            f"{len(dataset)} samples, {counts.min()} of the rarest class. Use --holdout 0, or more samples."
        )
    rest, held_out = dataset.split(wanted, random_state=seed)
    return rest, held_out


def train(
    classifier: DigitClassifier, training: Dataset, test: Dataset | None, *, validation: Dataset | None = None
) -> Training:
    """Fit the classifier and look how well it reads, with the compiled programs of earlier runs where there are some.

    Parameters
    ----------
    classifier : DigitClassifier
        What to fit.
    training : Dataset
        Labeled samples to train on.
    test : Dataset or None
        Labeled samples that it must not see before.
    validation : Dataset, default=None
        Labeled samples to watch the training by.

    Returns
    -------
    Training

    Raises
    ------
    InputError
        If the samples do not fit the parameters.
    DivergenceError
        If the training ran away.

    Examples
    --------
    >>> from jaxdigits import DigitClassifier
    >>> from jaxdigits.cli.fitting import train
    >>> from jaxdigits.cli.sources import Source
    >>> run = train(DigitClassifier("linear", max_epochs=1, random_state=0), Source("digits", None).read(), None)
    >>> run.n_samples, run.tested
    (1797, None)
    """
    with keep_compiled():
        return _train(classifier, training, test, validation)


def _train(
    classifier: DigitClassifier, training: Dataset, test: Dataset | None, validation: Dataset | None
) -> Training:
    X, inverted = with_light_ink(training.X)
    started = time.monotonic()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)  # the estimator's own remarks on the parameters
        if validation is None:
            classifier.fit(X, training.y)
        else:
            X_val = with_light_ink(validation.X)[0] if inverted else validation.X
            classifier.fit(X, training.y, X_val=X_val, y_val=validation.y)
    seconds = time.monotonic() - started
    for text in dict.fromkeys(str(each.message) for each in caught if each.category is UserWarning):
        warn(text)
    labels: Any = training.y
    trained = judge(classifier, X, labels)
    tested = None
    if test is not None:
        X_test = test.X if not inverted else with_light_ink(test.X)[0]
        tested = judge(classifier, X_test, test.y)  # type: ignore[arg-type]
    return Training(classifier, len(X), seconds, trained, tested, inverted)


def describe_training(run: Training, *, tested_on: str) -> dict[str, str]:
    """Tell what was trained and how well it reads.

    Parameters
    ----------
    run : Training
        A training run that has ended.
    tested_on : str
        What the samples are called that it had not seen: "test" or "holdout".

    Returns
    -------
    dict of str to str
        Rows of a table.

    Examples
    --------
    >>> from jaxdigits import DigitClassifier
    >>> from jaxdigits.cli.fitting import describe_training, train
    >>> from jaxdigits.cli.sources import Source
    >>> run = train(DigitClassifier("linear", max_epochs=1, random_state=0), Source("digits", None).read(), None)
    >>> describe_training(run, tested_on="test")["parameters"]
    '650'
    """
    classifier = run.classifier
    rows = {"ink": "dark on light paper, turned light on dark for the model"} if run.inverted else {}
    rows |= {
        "model": str(classifier.recipe_["model"]),
        "parameters": f"{sum(array.size for array in classifier.params_.values()):,}",
        "device": classifier.device_,
        "epochs": str(classifier.n_epochs_),
        "seconds": f"{run.seconds:.1f}",
        "training accuracy": describe_accuracy(run.trained),
    }
    if run.tested is not None:
        rows[f"{tested_on} accuracy"] = describe_accuracy(run.tested)
        rows[f"{tested_on} mean log loss"] = f"{run.tested.log_loss:.4f}"
    return rows


def save_report(run: Training, test: Dataset, path: Path) -> None:
    """Write the page about a training run.

    Parameters
    ----------
    run : Training
        A training run that has ended.
    test : Dataset
        Labeled samples that it had not seen, as they were read.
    path : Path
        Where to.

    Raises
    ------
    InputError
        If it cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from jaxdigits import DigitClassifier
    >>> from jaxdigits.cli.fitting import hold_out, save_report, train
    >>> from jaxdigits.cli.sources import Source
    >>> rest, test = hold_out(Source("digits", None).read(), None, seed=0)
    >>> run = train(DigitClassifier("linear", max_epochs=1, random_state=0), rest, test)
    >>> save_report(run, test, Path("report.html"))
    """
    figures()
    from jaxdigits.report import write_report

    labels: Any = test.y
    write_report(run.classifier, with_light_ink(test.X)[0] if run.inverted else test.X, labels, path)
