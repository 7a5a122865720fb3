"""`DigitClassifier`: scikit-learn's contract around the functional core.

validate -> encode labels -> core -> NumPy attributes. JAX is imported by the first `fit` or `predict` and starts its
backend there; constructing, cloning and unpickling need neither.
"""

from __future__ import annotations

import os
import warnings
from functools import lru_cache
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from jaxdigits.errors import DivergenceError, InputError
from jaxdigits.progress import TrainingProgress

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


if TYPE_CHECKING:
    from jaxdigits.bundle import Bundle
    from jaxdigits.core.learner import Labeled, Learned, Start

__all__ = ["DigitClassifier", "load_model"]

SPARSE_BLOCK = 4096


class DigitClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Neural classifier for handwritten digits, and for any other small images or tables.

    Without any argument it is good: pictures train a convolutional network along one learning-rate cycle, other rows
    a multilayer perceptron. Every fit with the same network, optimizer and batch size shares one compiled program,
    whatever its learning rate, regularization, seed or fold.

    Parameters
    ----------
    model : {"auto", "linear", "mlp", "cnn", "lenet5", "resnet"} or callable, default="auto"
        The network. "auto" is "cnn" for pictures and "mlp" for other rows. A callable
        ``(image_shape, n_classes, rngs)`` returns a ``flax.nnx.Module`` that maps (n, h, w, 1) to logits.
    image_shape : "auto", (height, width) or None, default="auto"
        Shape of a picture in flat rows. "auto" takes X for pictures when it has three or four dimensions, or when
        its rows have a square width of at least 64 and values that are non-negative and integers or within [0, 1].
        None says that rows are no pictures.
    hidden_sizes : tuple of int, default=(128,)
        Widths of the dense hidden layers ("mlp", "cnn").
    channels : tuple of int, default=(32, 64)
        Channels of the convolutions ("cnn", "resnet").
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
    average_weights : "auto" or bool, default="auto"
        Predict with a moving average of the weights, over about an epoch. "auto" does so at a constant rate.
    batch_size : "auto", "full" or int >= 1, default="auto"
        Samples a step. "auto" is 32 up to 4,096 samples, else 128.
    max_epochs : "auto" or int >= 1, default="auto"
        Passes over the samples. "auto" depends on the model and on how many steps a pass has.
    max_seconds : float > 0 or None, default=None
        Time budget of a fit in seconds, compilation included; the schedule is stretched to end with it.
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
    precision : {"float32", "bfloat16"}, default="float32"
        Type of the arithmetic in training; parameters and predictions are float32.
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
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names, if X was a DataFrame.
    params_ : dict of str to ndarray
        Weights by flat name ("layers.0.kernel"). Read-only once the model has predicted.
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
    offset_, scale_ : ndarray of shape (1,) or (n_features_in_,)
        The network sees (X - offset_) * scale_.
    n_epochs_ : int
        Passes done.
    best_epoch_ : int
        The epoch whose weights are kept.
    history_ : list of dict
        One record an epoch: epoch, loss, accuracy, validation_loss, validation_accuracy, learning_rate, seconds,
        samples_per_second. Losses are natural logs.
    device_ : str
        Platform of the fit ("cpu", "gpu", "tpu").

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
        average_weights: Any = "auto",
        batch_size: Any = "auto",
        max_epochs: Any = "auto",
        max_seconds: float | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 5,
        min_delta: float = 0.0,
        class_weight: Any = None,
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
        self.average_weights = average_weights
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.max_seconds = max_seconds
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.min_delta = min_delta
        self.class_weight = class_weight
        self.precision = precision
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @property
    def _parameter_constraints(self) -> dict[str, list[Any]]:
        """Read by scikit-learn's validation in `fit`; the names come from the core's registries."""
        return _parameter_constraints()

    @with_callbacks  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)
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
        given_shape = _picture_shape(X)
        start = self._start_again() if self.warm_start and hasattr(self, "params_") else None
        X, y = validate_data(self, _flatten_pictures(X), y, accept_sparse="csr", reset=start is None)
        check_classification_targets(y)
        weights = _check_weights(sample_weight, X)
        if weights is not None:
            X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        classes, labels = np.unique(y, return_inverse=True)
        if start is not None and not np.array_equal(classes, self.classes_):
            raise InputError(
                f"y must have the classes of the last fit with warm_start=True, {self.classes_.tolist()}, got "
                f"{classes.tolist()}. Set warm_start=False to begin anew."
            )
        self.classes_ = classes
        self._train(
            (_to_rows(X), labels, weights),
            given_shape=given_shape,
            validation=self._check_validation(X_val, y_val, sample_weight_val),
            start=start,
            fitted_on=(X, y),
        )
        return self

    @_fit_context(prefer_skip_nested_validation=True)
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
        from jaxdigits.core.learner import Labeled

        given_shape = _picture_shape(X)
        first = _check_partial_fit_first_call(self, classes)
        start = None if first or not hasattr(self, "params_") else self._start_again(keep_optimizer=True)
        X, y = validate_data(self, _flatten_pictures(X), y, accept_sparse="csr", reset=start is None)
        check_classification_targets(y)
        weights = _check_weights(sample_weight, X)
        if weights is not None:
            X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        labels = self._encode(y)
        self._learn(
            Labeled(_to_rows(X), labels, weights), given_shape=given_shape, start=start, incremental=True
        )
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Name the class of each sample.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Samples in the units of the training samples.

        Returns
        -------
        ndarray of shape (n,)
            Labels as given to `fit`.
        """
        logits = self._logits(X)
        return self.classes_[logits.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class; a row's bits don't depend on the rows beside it.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Samples in the units of the training samples.

        Returns
        -------
        ndarray of shape (n, n_classes), float64
        """
        logits = self._logits(X)
        from jaxdigits.core.losses import softmax

        return softmax(logits)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Natural logarithm of `predict_proba`.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Samples in the units of the training samples.

        Returns
        -------
        ndarray of shape (n, n_classes), float64
        """
        with np.errstate(divide="ignore"):  # a probability may be too small for a float
            return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits; with two classes their difference, above 0 for `classes_[1]`.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Samples in the units of the training samples.

        Returns
        -------
        ndarray of shape (n, n_classes), or (n,) with two classes, float64
        """
        logits = self._logits(X).astype(np.float64)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def summary(self) -> str:
        """Describe the fitted network: its layers, their outputs and numbers of weights, and its training.

        Returns
        -------
        str
            A text of several lines.
        """
        check_is_fitted(self)
        lines = [
            f"DigitClassifier: {self._model_name()}, {self._count_weights():,} weights, {len(self.classes_)} classes"
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
        from jaxdigits.persistence import write_bundle

        check_is_fitted(self)
        write_bundle(self._to_bundle(), path)

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
        from jaxdigits.persistence import read_bundle

        return cls._from_bundle(read_bundle(path))

    def __sklearn_tags__(self) -> Any:
        """Say to scikit-learn what this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        return tags

    def _train(
        self,
        data: tuple[np.ndarray, np.ndarray, np.ndarray | None],
        *,
        given_shape: tuple[int, int] | None,
        validation: Labeled | None,
        start: Start | None,
        fitted_on: tuple[Any, Any],
    ) -> None:
        from jaxdigits.core.learner import Labeled, canonical

        training_set = canonical(Labeled(*data), self._class_factors())
        if self.early_stopping and validation is None:
            training_set, validation = self._split(training_set)
        self._learn(
            training_set, given_shape=given_shape, validation=validation, start=start, fitted_on=fitted_on
        )

    def _learn(
        self,
        training_set: Labeled,
        *,
        given_shape: tuple[int, int] | None,
        validation: Labeled | None = None,
        start: Start | None = None,
        incremental: bool = False,
        fitted_on: tuple[Any, Any] | None = None,
    ) -> None:
        """Run the core and take over what it learned, then pass on how it ended."""
        from jaxdigits.core.learner import learn

        watcher = _Watcher(self, len(training_set.labels), fitted_on)
        with watcher.progress:
            learned = learn(
                training_set,
                self.get_params(deep=False),
                n_classes=len(self.classes_),
                seed=self._draw_seed(),
                given_shape=given_shape,
                validation=validation,
                start=start,
                incremental=incremental,
                watcher=watcher,
            )
        if learned.history:
            self._take(learned)
            self._warn_unused()
        watcher.close()
        if learned.ending == "interrupted":
            raise KeyboardInterrupt
        if learned.ending == "diverged":
            raise DivergenceError(
                f"the loss was not finite, again at half the learning rate {learned.recipe.learning_rate:g}; "
                f"{f'epoch {learned.best_epoch} is kept' if learned.history else 'nothing was learned'}. "
                "Use a smaller learning_rate."
            )

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
        self.n_steps_ = learned.n_steps
        self._opt_leaves = learned.opt_leaves

    def _start_again(self, *, keep_optimizer: bool = False) -> Start:
        from jaxdigits.core.inputs import InputView, Normalization
        from jaxdigits.core.learner import Start

        return Start(
            self.params_,
            self.extras_,
            InputView(self.image_shape_, self.pixel_range_),
            Normalization(self.offset_, self.scale_),
            list(self._opt_leaves) if keep_optimizer else [],
            self.n_steps_ if keep_optimizer else 0,
        )

    def _logits(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, _flatten_pictures(X), accept_sparse="csr", reset=False)
        if sparse.issparse(X) and X.shape[0] > SPARSE_BLOCK:  # densified by the block
            starts = range(0, X.shape[0], SPARSE_BLOCK)
            return np.concatenate([self._logits(X[start : start + SPARSE_BLOCK]) for start in starts])
        from jaxdigits.core.inputs import InputView, Normalization, range_mismatch
        from jaxdigits.core.learner import predict_logits

        rows = _to_rows(X)
        mismatch = None if self.pixel_range_ is None else range_mismatch(rows, self.pixel_range_)
        if mismatch:
            warnings.warn(mismatch, UserWarning, stacklevel=3)
        return predict_logits(
            rows,
            model=self.model if self.spec_ is None else self.spec_,
            params=self.params_,
            extras=self.extras_,
            view=InputView(self.image_shape_, self.pixel_range_),
            normalization=Normalization(self.offset_, self.scale_),
            n_classes=len(self.classes_),
            device=self.device,
        )

    def _check_validation(self, X_val: Any, y_val: Any, sample_weight_val: Any) -> Labeled | None:
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise InputError(f"X_val and y_val must be given together, got {given} alone. Add {missing}.")
        if X_val is None:
            return None
        from jaxdigits.core.learner import Labeled

        X_val, y_val = validate_data(self, _flatten_pictures(X_val), y_val, accept_sparse="csr", reset=False)
        weights = _check_weights(sample_weight_val, X_val)
        return Labeled(_to_rows(X_val), self._encode(y_val), weights)

    def _encode(self, y: np.ndarray) -> np.ndarray:
        """Turn labels into class indices."""
        positions = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unknown = self.classes_[positions] != y
        if np.any(unknown):
            raise InputError(
                f"y must hold known classes, {self.classes_.tolist()}, got {np.unique(y[unknown]).tolist()}. "
                "Name all classes in the first call, or drop those samples."
            )
        return positions

    def _class_factors(self) -> np.ndarray | str | None:
        if not isinstance(self.class_weight, dict):
            return self.class_weight
        return np.array([float(self.class_weight.get(label, 1.0)) for label in self.classes_.tolist()])

    def _split(self, training_set: Labeled) -> tuple[Labeled, Labeled]:
        """Split merged samples, so that no picture stands on both sides."""
        rows, labels, weights = training_set
        counts = np.bincount(labels)
        held_out = self.validation_fraction * len(labels)
        stratified = counts[counts > 0].min() > 1 and held_out >= np.count_nonzero(counts)
        splitter = StratifiedShuffleSplit if stratified else ShuffleSplit
        split = splitter(1, test_size=self.validation_fraction, random_state=self._draw_seed())
        parts = next(split.split(rows, labels))
        pair = [
            type(training_set)(rows[part], labels[part], None if weights is None else weights[part])
            for part in parts
        ]
        return pair[0], pair[1]

    def _draw_seed(self) -> int:
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _warn_unused(self) -> None:
        from jaxdigits.core.learner import unused_options

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

    def _count_weights(self) -> int:
        return sum(array.size for array in self.params_.values())

    def _to_bundle(self) -> Bundle:
        from jaxdigits.bundle import Bundle, encode_labels

        if self.spec_ is None:
            raise InputError(
                f"save must be given a built-in model, got model={self._model_name()}. Pickle the estimator, or keep "
                "params_ with numpy.savez."
            )
        arrays = {**self.params_, "input.offset": self.offset_, "input.scale": self.scale_}
        recorded = ("n_epochs_", "best_epoch_", "history_", "device_", "n_steps_")
        metadata = {
            "classes": encode_labels(self.classes_),
            "n_features": int(self.n_features_in_),
            "image_shape": None if self.image_shape_ is None else list(self.image_shape_),
            "pixel_range": None if self.pixel_range_ is None else list(self.pixel_range_),
            "params": {name: _to_plain(value) for name, value in self.get_params(deep=False).items()},
            "recipe": {name: _to_plain(value) for name, value in self.recipe_.items()},
            **{name.rstrip("_"): getattr(self, name) for name in recorded},
            "versions": _versions(),
        }
        names = getattr(self, "feature_names_in_", None)
        metadata["feature_names"] = None if names is None else list(names)
        return Bundle(self.spec_, arrays, metadata)

    @classmethod
    def _from_bundle(cls, bundle: Bundle) -> Self:
        from jaxdigits.bundle import decode_labels

        metadata = bundle.metadata
        known = cls().get_params(deep=False)
        params = {
            name: _from_plain(value) for name, value in metadata.get("params", {}).items() if name in known
        }
        clf = cls(**{name: known[name] if value is _FACTORY else value for name, value in params.items()})
        clf.classes_ = decode_labels(metadata["classes"])
        clf.n_features_in_ = metadata["n_features"]
        if metadata.get("feature_names"):
            clf.feature_names_in_ = np.array(metadata["feature_names"], dtype=object)
        arrays = {name: np.array(array, np.float32) for name, array in bundle.arrays.items()}
        clf.offset_, clf.scale_ = arrays.pop("input.offset"), arrays.pop("input.scale")
        clf.spec_, clf.params_, clf.extras_ = bundle.spec, arrays, {}
        for name in ("image_shape", "pixel_range"):
            value = metadata.get(name)
            setattr(clf, name + "_", None if value is None else tuple(value))
        for name, default in (
            ("recipe", {}),
            ("history", []),
            ("n_epochs", 0),
            ("best_epoch", 0),
            ("device", "cpu"),
        ):
            setattr(clf, name + "_", metadata.get(name, default))
        clf.n_steps_, clf._opt_leaves = 0, []
        return clf


class _Watcher:
    """Hears from the core how a fit goes, and tells the progress display and scikit-learn's callbacks."""

    def __init__(self, clf: DigitClassifier, n_samples: int, fitted_on: tuple[Any, Any] | None) -> None:
        self.clf = clf
        self.n_samples = n_samples
        self.fitted_on = fitted_on
        self.progress = TrainingProgress(clf.verbose)
        self.context: Any = None

    def on_start(self, max_epochs: int) -> None:
        self.progress.start(max_epochs, self.n_samples, max_seconds=self.clf.max_seconds)
        if self.fitted_on is not None and hasattr(self.clf, "_skl_callbacks"):
            self.context = self.clf._init_callback_context(max_subtasks=max_epochs)
            self.context.call_on_fit_task_begin(estimator=self.clf, X=self.fitted_on[0], y=self.fitted_on[1])

    def on_steps(self, samples_done: int) -> None:
        self.progress.advance(samples_done)

    def on_epoch(self, record: dict[str, Any], snapshot: Any) -> bool:
        self.progress.end_epoch(record)
        if self.context is None or self.fitted_on is None:
            return False
        X, y = self.fitted_on
        task = self.context.subcontext(task_name="epoch")
        task.call_on_fit_task_begin(estimator=self.clf, X=X, y=y)
        stop = task.call_on_fit_task_end(
            estimator=self.clf, X=X, y=y, reconstruction_attributes=self._attributes(snapshot())
        )
        return bool(stop)

    def close(self) -> None:
        if self.context is not None and self.fitted_on is not None:
            X, y = self.fitted_on
            self.context.call_on_fit_task_end(estimator=self.clf, X=X, y=y)

    def _attributes(self, learned: Learned) -> dict[str, Any]:
        """What a copy of the estimator needs to predict as of now."""
        now = DigitClassifier()
        now._take(learned)
        kept = {"classes_": self.clf.classes_, "n_features_in_": self.clf.n_features_in_}
        return {**kept, **{name: value for name, value in vars(now).items() if name.endswith("_")}}


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


def _picture_shape(X: Any) -> tuple[int, int] | None:
    """Height and width of X where it comes as pictures; refuses colors."""
    shape = getattr(X, "shape", None)
    if shape is None:
        shape = np.shape(X[0]) if isinstance(X, list | tuple) and len(X) else ()
        shape = (len(X), *shape) if len(shape) >= 2 else ()
    if len(shape) == 4 and shape[3] == 1:
        shape = shape[:3]
    if len(shape) == 4:
        raise InputError(
            f"X must be gray pictures of shape (n, h, w) or (n, h, w, 1), got {tuple(shape)}. Average the channels."
        )
    return (int(shape[1]), int(shape[2])) if len(shape) == 3 else None


def _flatten_pictures(X: Any) -> Any:
    """(n, h, w) or (n, h, w, 1) -> (n, h * w), a view where that is possible; anything else as it is."""
    shape = _picture_shape(X)
    if shape is None:
        return X
    pictures = np.asarray(X)
    return pictures.reshape(len(pictures), shape[0] * shape[1])


def _to_rows(X: Any) -> np.ndarray:
    """Validated X as dense uint8 or float32 rows."""
    if sparse.issparse(X):
        X = X.toarray()
    if X.dtype == np.uint8:
        return np.ascontiguousarray(X)
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(X, dtype=np.float32)
    if X.dtype.kind == "f" and X.dtype.itemsize > 4 and not np.isfinite(rows).all():
        raise InputError("X must fit float32 (up to 3.4e38), got a larger value. Rescale X.")
    return rows


def _check_weights(sample_weight: Any, X: Any) -> np.ndarray | None:
    if sample_weight is None:
        return None
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not np.any(weights > 0):
        raise InputError(
            "sample_weight must hold a weight above zero, got all zero. Pass None to weigh all alike."
        )
    return np.asarray(weights)


def _describe_layers(spec: dict[str, Any]) -> list[str]:
    from jaxdigits.bundle import describe_layers

    rows = describe_layers(spec)
    return [f"  {row.name:<28}{'x'.join(map(str, row.output_shape)):>12}{row.n_weights:>12,}" for row in rows]


_FACTORY = object()


def _to_plain(value: Any) -> Any:
    """Turn a parameter into JSON; a factory is named, a random generator forgotten."""
    from jaxdigits.bundle import encode_labels

    if isinstance(value, dict):
        return {"labels": encode_labels(list(value)), "weights": [float(weight) for weight in value.values()]}
    if callable(value):
        return {"factory": f"{value.__module__}:{getattr(value, '__qualname__', type(value).__qualname__)}"}
    if isinstance(value, tuple | list | np.ndarray):
        return [_to_plain(item) for item in value]
    return None if isinstance(value, np.random.RandomState) else value


def _from_plain(value: Any) -> Any:
    from jaxdigits.bundle import decode_labels

    if isinstance(value, dict) and "labels" in value:
        return dict(zip(decode_labels(value["labels"]).tolist(), value["weights"], strict=True))
    if isinstance(value, dict):
        return _FACTORY
    return tuple(_from_plain(item) for item in value) if isinstance(value, list) else value


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("jax", "flax", "optax", "numpy", "scikit-learn")}


@lru_cache
def _parameter_constraints() -> dict[str, list[Any]]:
    from jaxdigits.core.devices import DEVICES
    from jaxdigits.core.layers import ACTIVATIONS
    from jaxdigits.core.models import MODELS
    from jaxdigits.core.optimizers import OPTIMIZERS, SCHEDULES
    from jaxdigits.core.training import COMPUTE_DTYPES

    auto = StrOptions({"auto"})
    share = Interval(Real, 0, 1, closed="left")
    return {
        "model": [StrOptions({"auto", *MODELS}), callable],
        "image_shape": [auto, tuple, list, None],
        "hidden_sizes": [tuple, list],
        "channels": [tuple, list],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [auto, share],
        "optimizer": [StrOptions({"auto", *OPTIMIZERS}), callable],
        "learning_rate": [auto, Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions({"auto", *SCHEDULES})],
        "momentum": [share],
        "nesterov": ["boolean"],
        "weight_decay": [auto, Interval(Real, 0, None, closed="left")],
        "label_smoothing": [auto, share],
        "average_weights": [auto, "boolean"],
        "batch_size": [StrOptions({"auto", "full"}), Interval(Integral, 1, None, closed="left")],
        "max_epochs": [auto, Interval(Integral, 1, None, closed="left")],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "min_delta": [Interval(Real, 0, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "precision": [StrOptions(set(COMPUTE_DTYPES))],
        "device": [StrOptions(set(DEVICES)), None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": [Interval(Integral, 0, None, closed="left")],
    }
