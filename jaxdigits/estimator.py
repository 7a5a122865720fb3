"""`DigitClassifier`: scikit-learn's contract around the functional core.

validate -> encode labels -> core -> NumPy attributes. JAX is imported by the first `fit` or `predict` and starts its
backend there; constructing, cloning and unpickling need neither.
"""

from __future__ import annotations

import os
import time
import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from jaxdigits.archive import all_or_nothing
from jaxdigits.errors import DivergenceError, InputError
from jaxdigits.prediction import PredictionMixin
from jaxdigits.validation import (
    check_members,
    check_same_classes,
    check_same_shape,
    check_weights,
    class_factors,
    encode_classes,
    flatten_pictures,
    parameter_constraints,
    picture_shape,
    split_indices,
    to_rows,
)
from jaxdigits.watcher import Watcher

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


if TYPE_CHECKING:
    from jaxdigits.core.learner import Learned
    from jaxdigits.core.tasks import Labeled, Start, Task

__all__ = ["DigitClassifier", "load_model"]


class DigitClassifier(PredictionMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Neural classifier for handwritten digits, and for any other small images or tables.

    Without any argument it is good: pictures train a convolutional network along one learning-rate cycle, other rows
    a multilayer perceptron. Every fit with the same network, optimizer and batch size shares one compiled program,
    whatever its learning rate, regularization, seed or fold.

    Parameters
    ----------
    model : {"auto", "linear", "mlp", "cnn", "strided_cnn", "lenet5", "resnet"} or callable, default="auto"
        The network. "auto" is "cnn" for pictures and "mlp" for other rows. A callable
        ``(image_shape, n_classes, rngs)`` returns a ``flax.nnx.Module`` that maps (n, h, w, 1) to logits.
    image_shape : "auto", (height, width) or None, default="auto"
        Shape of a picture in flat rows. "auto" takes X for pictures when it has three or four dimensions, or when
        its rows have a square width of at least 64 and values that are non-negative and integers or within [0, 1].
        None says that rows are no pictures.
    hidden_sizes : tuple of int, default=(128,)
        Widths of the dense hidden layers ("mlp", "cnn", "strided_cnn").
    channels : tuple of int, default=(32, 64)
        Channels of the convolutions ("cnn", "strided_cnn", "resnet").
    activation : {"relu", "sigmoid", "tanh", "gelu", "log_sigmoid"}, default="relu"
        Nonlinearity.
    dropout : "auto" or float in [0, 1), default="auto"
        Probability of zeroing an input of a dense layer while training.
    optimizer : {"auto", "sgd", "adam", "adamw", "muon"} or callable, default="auto"
        A callable takes no argument and returns an Optax transformation; make it a module-level function, so that
        the estimator can be pickled, and leave rate, schedule, momentum and weight decay at their defaults.
    learning_rate : "auto" or float > 0, default="auto"
        Rate, or the peak of the schedule.
    schedule : {"auto", "constant", "cosine", "one_cycle"}, default="auto"
        Course of the rate over the run. "auto" is "one_cycle", or "constant" with early stopping.
    momentum : float in [0, 1), default=0.9
        Momentum of "sgd" and "muon".
    nesterov : bool, default=False
        Nesterov's momentum for "sgd".
    weight_decay : "auto" or float >= 0, default="auto"
        Shrinks kernels: decoupled in "adamw" and "muon", added to the gradient in "sgd" and "adam".
    label_smoothing : "auto" or float in [0, 1), default="auto"
        Probability spread evenly over the classes (Szegedy et al., CVPR 2016).
    augment : "auto", name, callable, sequence of them or None, default="auto"
        What is done to training pictures, drawn anew at every step: "shift", "rotation", "scale", "shear", "elastic",
        "stroke_width", "speckle", "blur", or functions ``(key, images) -> images`` in JAX, of (n, h, w) with ink 1 and
        paper 0; ``functools.partial(jaxdigits.core.augmentation.rotation, degrees=20)`` sets a strength. "auto" moves
        the ink a little where up to 4,096 pictures of bright ink train a convolutional network, else does nothing.
    average_weights : "auto" or bool, default="auto"
        Predict with a moving average of the weights, over about an epoch. "auto" does so at a constant rate.
    batch_size : "auto", "full" or int >= 1, default="auto"
        Samples a step. "auto" is 32 up to 4,096 samples, else 128.
    max_epochs : "auto" or int >= 1, default="auto"
        Passes over the samples. "auto" depends on the model and on how many steps a pass has.
    max_seconds : float > 0 or None, default=None
        Time budget of a fit in seconds, compilation included. The pace of the first steps says how many there will be,
        and the schedule ends with them; it is followed up to the end, so that a fit overruns by a step or two.
    early_stopping : bool, default=False
        Stop when validation accuracy stands still, and keep the best epoch's weights.
    validation_fraction : float in (0, 1), default=0.1
        Share of the training samples to validate on, when early stopping finds no `X_val`.
    patience : int >= 1, default=5
        Epochs without improvement to wait for.
    min_delta : float >= 0, default=0.0
        Gain of validation accuracy that counts as one.
    class_weight : dict, "balanced" or None, default=None
        Multiplies the sample weights of each class.
    n_members : int >= 1, default=1
        Networks to train, alike but for their seeds, and to ask together: probabilities are the mean of theirs. The
        first is the one that would have been trained alone. They share a time budget; each stops early by itself.
    precision : {"float32", "bfloat16"}, default="float32"
        Type of the arithmetic in training; parameters and predictions are float32. Matrix products of float32 take
        the platform's default for training (TF32 on recent NVIDIA GPUs) and the highest precision for predictions.
    device : {"cpu", "gpu", "tpu"} or None, default=None
        None takes JAX's default.
    warm_start : bool, default=False
        Begin with the weights of the last fit.
    random_state : int, RandomState or None, default=None
        The one source of randomness. The same int gives bit-identical weights on one machine's CPU.
    verbose : int >= 0, default=0
        Report every so many epochs. At 0, a fit on a terminal that takes over 5 s says so once.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels as given, sorted.
    n_features_in_ : int
        Features of a row; pixels of a picture.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if X was a DataFrame.
    params_ : dict of str to ndarray
        Weights by flat name ("layers.0.kernel"); with several members each array has a first axis of members. Read-only
        once the model has predicted.
    extras_ : dict of str to ndarray
        What a user's module keeps beside its weights.
    spec_ : dict or None
        The network as plain data; None for a user's module.
    recipe_ : dict
        What every "auto" became.
    image_shape_ : (height, width) or None
        Shape of a picture, or of the canvas that a convolutional network lays other rows on.
    pixel_range_ : (low, high) or None
        Range of the training pixels, up to the next common white (1, 16, 255, 65,535); None where rows are no pixels.
    offset_ : ndarray of shape (1,) or (`n_features_in_`,)
        The network sees ``(X - offset_) * scale_``.
    scale_ : ndarray of shape (1,) or (`n_features_in_`,)
        See `offset_`.
    n_epochs_ : int
        Passes of the last call, the last one perhaps cut short by `max_seconds`.
    best_epoch_ : int
        The epoch whose weights are kept; the latest of the members' if there are several.
    history_ : list of dict
        One record an epoch: epoch, loss, accuracy, validation_loss, validation_accuracy, learning_rate, seconds,
        samples_per_second. Losses are natural logs. With several members, means over those still training; their
        seconds add up.
    device_ : str
        Platform of the fit ("cpu", "gpu", "tpu").
    temperature_ : float
        Divides the logits on their way to probabilities: 1.0 after a fit, set by `calibrate`.
    n_members_ : int
        Networks trained: `n_members`, or fewer after Ctrl-C.

    See Also
    --------
    load_model : Read a saved classifier.

    Examples
    --------
    >>> from sklearn.model_selection import train_test_split
    >>> from jaxdigits import DigitClassifier, load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> clf = DigitClassifier(model="mlp", random_state=0).fit(X_train, y_train)
    >>> clf.score(X_test, y_test) > 0.95
    True
    """

    recipe_: dict[str, Any]
    history_: list[dict[str, Any]]
    n_epochs_: int
    best_epoch_: int
    n_steps_: int
    device_: str
    n_members_: int

    def __init__(
        self,
        model: Any = "auto",
        *,
        image_shape: Any = "auto",
        hidden_sizes: Any = (128,),
        channels: Any = (32, 64),
        activation: str = "relu",
        dropout: Any = "auto",
        optimizer: Any = "auto",
        learning_rate: Any = "auto",
        schedule: str = "auto",
        momentum: float = 0.9,
        nesterov: bool = False,
        weight_decay: Any = "auto",
        label_smoothing: Any = "auto",
        augment: Any = "auto",
        average_weights: Any = "auto",
        batch_size: Any = "auto",
        max_epochs: Any = "auto",
        max_seconds: float | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 5,
        min_delta: float = 0.0,
        class_weight: Any = None,
        n_members: int = 1,
        precision: str = "float32",
        device: str | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.image_shape = image_shape
        self.hidden_sizes = hidden_sizes
        self.channels = channels
        self.activation = activation
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.augment = augment
        self.average_weights = average_weights
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.max_seconds = max_seconds
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.min_delta = min_delta
        self.class_weight = class_weight
        self.n_members = n_members
        self.precision = precision
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @property
    def _parameter_constraints(self) -> dict[str, list[Any]]:
        """Read by scikit-learn's validation in `fit`; the names come from the core's registries."""
        return parameter_constraints()

    def _validate_params(self) -> None:
        """Let scikit-learn check every parameter, then look inside those that hold several values."""
        super()._validate_params()
        check_members(self.get_params(deep=False))

    @with_callbacks  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train on labeled samples.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Pictures or other rows, in any units; uint8 stays uint8 until the device.
        y : array-like of shape (n,)
            Labels of any kind.
        sample_weight : array-like of shape (n,) or None, default=None
            Weights >= 0. A weight of 2 is the same as giving the row twice, exactly.
        X_val, y_val, sample_weight_val : as above, default=None
            Samples to validate on after every epoch; early stopping uses them instead of a split.

        Returns
        -------
        self : DigitClassifier

        Raises
        ------
        ValueError
            If parameters or data are wrong; the message says what, got, expected.
        DivergenceError
            If the loss was not finite twice, the second time at half the rate; the best epoch so far is kept.
        KeyboardInterrupt
            After Ctrl-C; the best epoch so far is kept.
        """
        started = time.perf_counter()
        with all_or_nothing(self.__dict__):
            start = self._start_again() if self.warm_start and hasattr(self, "params_") else None
            validation = (X_val, y_val, sample_weight_val)
            task = self._prepare(X, y, sample_weight, validation=validation, start=start, started=started)
            self._learn(task, fitted_on=(X, y))
        return self

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Make one pass over more samples at a constant rate; the optimizer's state is kept between calls.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Samples. The first call decides how rows are read and scaled.
        y : array-like of shape (n,)
            Labels.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels that will ever come; needed in the first call only.
        sample_weight : array-like of shape (n,) or None, default=None
            Weights >= 0.

        Returns
        -------
        self : DigitClassifier

        Raises
        ------
        ValueError
            If a label is not among the classes, or the data or parameters are wrong.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits import DigitClassifier, load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> clf = DigitClassifier(model="mlp", random_state=0)
        >>> for part in np.array_split(np.arange(len(X)), 3):
        ...     clf = clf.partial_fit(X[part], y[part], classes=range(10))
        >>> clf.n_steps_
        57
        """
        from jaxdigits.core.tasks import Labeled, prepare

        with all_or_nothing(self.__dict__):
            given_shape = picture_shape(X)
            first = _check_partial_fit_first_call(self, classes)
            start = None if first or not hasattr(self, "params_") else self._start_again(keep_optimizer=True)
            X, y = validate_data(self, flatten_pictures(X), y, accept_sparse="csr", reset=start is None)
            check_classification_targets(y)
            weights = check_weights(sample_weight, X)
            if weights is not None:
                X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
            labels = encode_classes(y, self.classes_)
            factors = class_factors(self.class_weight, self.classes_)
            if isinstance(factors, str):
                raise InputError(
                    "class_weight must be a dict or None in partial_fit, got 'balanced'. Pass {label: weight}."
                )
            if factors is not None:
                weights = factors[labels] * (1.0 if weights is None else weights)
            task = prepare(
                Labeled(to_rows(X), labels, weights),
                self.get_params(deep=False),
                n_classes=len(self.classes_),
                seed=self._draw_seed(),
                given_shape=given_shape,
                start=start,
                incremental=True,
            )
            self._learn(task)
        return self

    def summary(self) -> str:
        """Describe the fitted network: its layers, their outputs and numbers of weights, and its training.

        Returns
        -------
        str
            A text of several lines.
        """
        check_is_fitted(self)
        n_weights = sum(array.size for array in self.params_.values()) // self.n_members_
        ensemble = "" if self.n_members_ == 1 else f"{self.n_members_} networks, each "
        lines = [
            f"DigitClassifier: {ensemble}{self._model_name()}, {n_weights:,} weights, {len(self.classes_)} classes"
        ]
        lines += [] if self.spec_ is None else _describe_layers(self.spec_)
        last = self.history_[-1]
        lines.append(
            f"  trained {self.n_epochs_} epochs on {self.device_}, kept epoch {self.best_epoch_}; last loss "
            f"{last['loss']:.4f}, accuracy {last['accuracy']:.4f}"
        )
        return "\n".join(lines)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file: weights, spec, classes, units and training record, nothing that can run.

        Parameters
        ----------
        path : str or path-like
            Where to; by custom it ends in ".safetensors".

        Raises
        ------
        InputError
            If the network is a user's own module.
        NotFittedError
            Before `fit`.
        """
        from jaxdigits.archive import pack
        from jaxdigits.persistence import write_bundle

        check_is_fitted(self)
        write_bundle(pack(self.get_params(deep=False), self.__dict__), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model file; see `load_model`.

        Parameters
        ----------
        path : str or path-like
            Written by `save`.

        Returns
        -------
        DigitClassifier
            Fitted. `partial_fit` goes on with its weights and a fresh optimizer.

        Raises
        ------
        ModelFileError
            If the file is damaged, or no model file.
        """
        from jaxdigits.archive import unpack
        from jaxdigits.persistence import read_bundle

        params, fitted = unpack(read_bundle(path), cls().get_params(deep=False))
        clf = cls(**params)
        clf.__dict__.update(fitted, _opt_leaves=[])
        return clf

    def __sklearn_tags__(self) -> Any:
        """Say to scikit-learn what this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        return tags

    def _prepare(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        validation: tuple[Any, Any, Any] = (None, None, None),
        start: Start | None = None,
        started: float | None = None,
        known: dict[Any, Any] | None = None,
    ) -> Task:
        """Validate samples, set what is known of them, and decide everything about the network to train.

        `known` passes what follows from the samples alone from one classifier to the next that sees the same ones.
        """
        from jaxdigits.core.samples import merge_repeated
        from jaxdigits.core.tasks import canonical, prepare

        known = {} if known is None else known
        given_shape = picture_shape(X)
        X, y = validate_data(self, flatten_pictures(X), y, accept_sparse="csr", reset=start is None)
        check_classification_targets(y)
        weights = check_weights(sample_weight, X)
        if weights is not None:
            X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        classes, labels = np.unique(y, return_inverse=True)
        if start is not None:
            check_same_classes(classes, self.classes_)
        self.classes_ = classes
        watched = self._check_validation(*validation, given_shape)
        if "merged" not in known:
            known["merged"] = merge_repeated(to_rows(X), labels, weights)
        training_set = canonical(known["merged"], class_factors(self.class_weight, classes))
        if self.early_stopping and watched is None:
            training_set, watched = self._split(training_set, known)
        return prepare(
            training_set,
            self.get_params(deep=False),
            n_classes=len(classes),
            seed=self._draw_seed(),
            given_shape=given_shape,
            validation=watched,
            start=start,
            started=started,
        )

    def _split(self, training_set: Labeled, known: dict[Any, Any]) -> tuple[Labeled, Labeled]:
        """Hold samples out for early stopping; merged ones, so that no picture stands on both sides."""
        key = (self.validation_fraction, self._draw_seed())
        if key not in known:
            indices = split_indices(training_set.labels, *key)
            known[key] = [(which, training_set.part(which)) for which in indices]
        trained_on, watched = (
            part if training_set.weights is None else part._replace(weights=training_set.weights[which])
            for which, part in known[key]
        )
        return trained_on, watched

    def _learn(self, task: Task, *, fitted_on: tuple[Any, Any] | None = None) -> None:
        """Run the core and take over what it learned, then pass on how it ended."""
        from jaxdigits.core.ensemble import learn_ensemble
        from jaxdigits.core.learner import learn

        watcher = Watcher(self, len(task.training_set.labels), fitted_on)
        heard = watcher if watcher.listens else None
        with watcher.progress:
            if self.n_members == 1 and (task.start is None or task.start.n_members == 1):
                learned = learn(task, watcher=heard)
            else:
                learned = learn_ensemble(task, self.n_members, watcher=heard)
        try:
            self._finish(learned)
        finally:
            watcher.close()

    def _finish(self, learned: Learned) -> None:
        """Take over what was learned, and pass on how it ended."""
        if learned.history:
            self._take(learned)
            self._warn_unused()
        if learned.ending == "interrupted":
            raise KeyboardInterrupt
        if learned.ending == "diverged":
            raise DivergenceError(_describe_divergence(learned))

    def _take(self, learned: Learned) -> None:
        self.spec_ = learned.spec
        self.params_ = learned.params
        self.extras_ = learned.extras
        self.image_shape_, self.pixel_range_ = learned.view
        self.offset_, self.scale_ = learned.normalization
        self.recipe_ = learned.recipe._asdict()
        self.history_ = learned.history
        self.n_epochs_ = len(learned.history)
        self.best_epoch_ = learned.best_epoch
        self.device_ = learned.device
        self.temperature_ = 1.0  # of new weights nothing is known
        self.n_steps_ = learned.n_steps
        self.n_members_ = learned.n_members
        self._opt_leaves = learned.opt_leaves

    def _start_again(self, *, keep_optimizer: bool = False) -> Start:
        from jaxdigits.core.inputs import InputView, Normalization
        from jaxdigits.core.tasks import Start

        return Start(
            self.params_,
            self.extras_,
            InputView(self.image_shape_, self.pixel_range_),
            Normalization(self.offset_, self.scale_),
            list(self._opt_leaves) if keep_optimizer else [],
            self.n_steps_ if keep_optimizer else 0,
            self.n_members_,
        )

    def _check_validation(
        self, X_val: Any, y_val: Any, sample_weight_val: Any, given_shape: tuple[int, int] | None
    ) -> Labeled | None:
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise InputError(f"X_val and y_val must be given together, got {given} alone. Add {missing}.")
        if X_val is None and sample_weight_val is not None:
            raise InputError("sample_weight_val must come with X_val and y_val, got it alone. Add them.")
        if X_val is None:
            return None
        from jaxdigits.core.tasks import Labeled

        check_same_shape(X_val, given_shape, self.n_features_in_)
        X_val, y_val = validate_data(self, flatten_pictures(X_val), y_val, accept_sparse="csr", reset=False)
        weights = check_weights(sample_weight_val, X_val)
        return Labeled(to_rows(X_val), encode_classes(y_val, self.classes_, name="y_val"), weights)

    def _draw_seed(self) -> int:
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _warn_unused(self) -> None:
        from jaxdigits.core.tasks import unused_options

        if self.spec_ is None:
            return
        asked = self.get_params(deep=False)
        unused = unused_options(self.recipe_["model"], asked, tuple(self.spec_["input_shape"]))
        if unused:
            warnings.warn(
                f"{', '.join(unused)} means nothing for model={self.recipe_['model']!r} and is ignored. "
                "Leave it at its default.",
                UserWarning,
                stacklevel=4,
            )

    def _model_name(self) -> str:
        model = self.recipe_["model"]
        return model if isinstance(model, str) else getattr(model, "__name__", type(model).__name__)


def load_model(path: str | os.PathLike[str]) -> DigitClassifier:
    """Read a model file as a fitted classifier; nothing in it can run.

    Parameters
    ----------
    path : str or path-like
        Written by `DigitClassifier.save`.

    Returns
    -------
    DigitClassifier
        Fitted: it predicts as the saved one did.

    Raises
    ------
    ModelFileError
        If the file is damaged, or no model file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from jaxdigits import DigitClassifier, load_digits, load_model
    >>> X, y = load_digits(return_X_y=True)
    >>> path = Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> DigitClassifier(model="linear", random_state=0).fit(X, y).save(path)
    >>> load_model(path).predict(X[:3])
    array([0, 1, 2])
    """
    return DigitClassifier.load(path)


def _describe_divergence(learned: Learned) -> str:
    kept = f"epoch {learned.best_epoch} is kept" if learned.history else "nothing was learned"
    if callable(learned.recipe.optimizer):
        return f"the loss was not finite, twice; {kept}. Use a smaller learning rate inside the optimizer's factory."
    rate = learned.recipe.learning_rate
    return f"the loss was not finite, again at half the learning rate {rate:g}; {kept}. Use a smaller learning_rate."


def _describe_layers(spec: dict[str, Any]) -> list[str]:
    from jaxdigits.bundle import describe_layers

    rows = describe_layers(spec)
    return [f"  {row.name:<28}{'x'.join(map(str, row.output_shape)):>12}{row.n_weights:>12,}" for row in rows]
