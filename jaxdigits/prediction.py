"""What a fitted classifier says of samples: predictions, probabilities, and how sure it may be of them.

The half of `DigitClassifier` that reads what `fit` left behind and, but for the temperature, changes nothing. An
ensemble's logits are the logarithms of its members' mean probabilities, and all else follows from the logits.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from jaxdigits.calibration import fit_temperature, pool_logits, rejection_threshold, softmax
from jaxdigits.errors import InputError
from jaxdigits.validation import check_same_shape, check_weights, encode_classes, flatten_pictures, to_rows

if TYPE_CHECKING:
    from jaxdigits.core.trained import TrainedNetwork

__all__ = ["PredictionMixin"]

SPARSE_BLOCK = 4096


class PredictionMixin:
    """Predicts with the attributes that `DigitClassifier.fit` or `load_model` set."""

    model: Any
    device: str | None
    classes_: np.ndarray
    n_features_in_: int
    spec_: dict[str, Any] | None
    params_: dict[str, np.ndarray]
    extras_: dict[str, np.ndarray]
    image_shape_: tuple[int, int] | None
    pixel_range_: tuple[float, float] | None
    offset_: np.ndarray
    scale_: np.ndarray
    temperature_: float
    n_members_: int

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
        named: np.ndarray = self.classes_[logits.argmax(axis=1)]
        return named

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class; a row's bits don't depend on the rows beside it.

        With several members it is the mean of theirs, sharpened or softened by `temperature_` once `calibrate` has run.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Samples in the units of the training samples.

        Returns
        -------
        ndarray of shape (n, n_classes), float64
        """
        logits = self._logits(X)
        return softmax(logits.astype(np.float64) / self.temperature_)

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
            logs: np.ndarray = np.log(self.predict_proba(X))
        return logs

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits over `temperature_`; with two classes their difference, above 0 for `classes_[1]`.

        The logits of an ensemble are the logarithms of its members' mean probabilities.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Samples in the units of the training samples.

        Returns
        -------
        ndarray of shape (n, n_classes), or (n,) with two classes, float64
        """
        logits = self._logits(X).astype(np.float64) / self.temperature_
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def calibrate(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from samples that were not trained on how sure the probabilities should be.

        One number, the temperature, divides the logits (Guo et al., ICML 2017): predictions never change. The next fit
        sets it back to 1. An ensemble has one temperature too, that of its pooled logits.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Samples in the units of the training samples.
        y : array-like of shape (n,)
            Their labels.
        sample_weight : array-like of shape (n,) or None, default=None
            Weights >= 0.

        Returns
        -------
        self : DigitClassifier
            With another `temperature_`.

        Raises
        ------
        ValueError
            If a label is not among the classes, or the data are wrong.

        Examples
        --------
        >>> from sklearn.model_selection import train_test_split
        >>> from jaxdigits import DigitClassifier, load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> X_train, X_rest, y_train, y_rest = train_test_split(X, y, random_state=0)
        >>> clf = DigitClassifier(model="mlp", random_state=0).fit(X_train, y_train)
        >>> clf.calibrate(X_rest, y_rest).temperature_ != 1.0
        True
        """
        logits = self._logits(X)
        labels = encode_classes(self._check_labels(X, y), self.classes_)
        self.temperature_ = fit_temperature(logits, labels, sample_weight=check_weights(sample_weight, logits))
        return self

    def rejection_threshold(self, X: Any, y: Any, *, risk: float = 0.001, confidence: float = 0.95) -> float:
        """Find how large the largest probability must be for at most a share `risk` of wrong predictions.

        With probability `confidence` over the draw of these samples, at most that share is wrong of all predictions
        whose probability (an ensemble's: that of all its members together) reaches the threshold. It holds for data
        like these: independent samples of one source.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Samples that were trained on by neither `fit` nor `calibrate`.
        y : array-like of shape (n,)
            Their labels. One that is not among the classes counts as read wrong.
        risk : float, default=0.001
            Share of errors among accepted predictions, between 0 and 1.
        confidence : float, default=0.95
            Probability with which the bound holds, between 0 and 1.

        Returns
        -------
        float
            Accept predictions with ``predict_proba(X).max(axis=1) >= threshold``.

        Raises
        ------
        ValueError
            If the risk can't be reached with these samples, or the data are wrong.

        Examples
        --------
        >>> from sklearn.model_selection import train_test_split
        >>> from jaxdigits import DigitClassifier, load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> X_train, X_rest, y_train, y_rest = train_test_split(X, y, random_state=0)
        >>> clf = DigitClassifier(model="mlp", random_state=0).fit(X_train, y_train)
        >>> threshold = clf.rejection_threshold(X_rest, y_rest, risk=0.02)
        >>> accepted = clf.predict_proba(X_rest).max(axis=1) >= threshold
        >>> clf.score(X_rest[accepted], y_rest[accepted]) > 0.98
        True
        """
        logits = self._logits(X)
        y = self._check_labels(X, y)
        if not np.isin(y, self.classes_).any():
            encode_classes(y, self.classes_)  # labels of another kind: says so
        correct = self.classes_[logits.argmax(axis=1)] == y
        probabilities = softmax(logits.astype(np.float64) / self.temperature_)
        return rejection_threshold(probabilities.max(axis=1), correct, risk=risk, confidence=confidence)

    def saliency(self, X: Any, y: Any = None, *, method: str = "gradient") -> np.ndarray:
        """Tell what in each picture speaks for a class, and what against it.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Pictures in the units of the training samples.
        y : array-like of shape (n,) or None, default=None
            The class asked about for each picture; None asks about the one that is predicted.
        method : {"gradient", "occlusion"}, default="gradient"
            "gradient": how the logarithm of the probability would change with more ink at a pixel, in nats for the
            whole way from paper to ink (Simonyan et al., ICLR 2014). "occlusion": how much of it is lost when a patch
            is painted over with paper, in nats (Zeiler & Fergus, ECCV 2014); a hundred predictions a picture or more.

        Returns
        -------
        ndarray of shape (n, h, w), float64
            Above 0 speaks for the class, below 0 against it.

        Raises
        ------
        ValueError
            If the classifier was not trained on pictures, there is no such method, or the data are wrong.

        Examples
        --------
        >>> from jaxdigits import DigitClassifier, load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> clf = DigitClassifier(model="linear", random_state=0).fit(X, y)
        >>> clf.saliency(X[:3]).shape
        (3, 8, 8)
        """
        logits = self._logits(X)
        from jaxdigits.core.saliency import SALIENCY
        from jaxdigits.core.trained import explain

        if method not in SALIENCY:
            raise InputError(f"method must be one of {', '.join(SALIENCY)}, got {method!r}. Use 'gradient'.")
        shape = self.image_shape_
        if shape is None or shape[0] * shape[1] != self.n_features_in_:
            raise InputError(
                f"saliency needs a classifier of pictures, got one of rows of {self.n_features_in_} numbers. "
                "Fit it on pictures, or give image_shape=(height, width)."
            )
        labels = logits.argmax(axis=1) if y is None else encode_classes(self._check_labels(X, y), self.classes_)
        X = validate_data(self, flatten_pictures(X), accept_sparse="csr", reset=False)
        network = self._network()
        maps = explain(to_rows(X), labels, network, method=method, temperature=self.temperature_, device=self.device)
        if method == "gradient":
            low, high = self.pixel_range_ or (0.0, 1.0 / self.scale_)
            maps *= np.broadcast_to(high - low, self.n_features_in_).reshape(shape)
        return maps

    def _check_labels(self, X: Any, y: Any) -> np.ndarray:
        labels: np.ndarray = column_or_1d(y, warn=True)
        check_consistent_length(X, labels)
        return labels

    def _logits(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        check_same_shape(X, self.image_shape_, self.n_features_in_)
        X = validate_data(self, flatten_pictures(X), accept_sparse="csr", reset=False)
        if sparse.issparse(X) and X.shape[0] > SPARSE_BLOCK:  # densified by the block
            starts = range(0, X.shape[0], SPARSE_BLOCK)
            return np.concatenate([self._logits(X[start : start + SPARSE_BLOCK]) for start in starts])
        from jaxdigits.core.inputs import range_mismatch
        from jaxdigits.core.trained import predict_logits

        rows = to_rows(X)
        mismatch = None if self.pixel_range_ is None else range_mismatch(rows, self.pixel_range_)
        if mismatch:
            warnings.warn(mismatch, UserWarning, stacklevel=3)
        members = predict_logits(rows, self._network(), device=self.device)
        return members[0] if self.n_members_ == 1 else pool_logits(members)

    def _network(self) -> TrainedNetwork:
        """Return what the core needs to run the network."""
        from jaxdigits.core.inputs import InputView, Normalization
        from jaxdigits.core.trained import TrainedNetwork

        return TrainedNetwork(
            self.model if self.spec_ is None else self.spec_,
            self.params_,
            self.extras_,
            InputView(self.image_shape_, self.pixel_range_),
            Normalization(self.offset_, self.scale_),
            len(self.classes_),
            self.n_members_,
        )
