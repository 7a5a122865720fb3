"""A network as plain data: frozen, hashable layer specs, and their JSON form.

The same `ModelSpec` becomes the Flax network that trains (`core.models`), the key under which a compiled program is
cached (`core.training`), and, as plain JSON, the description that a model file carries.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from jaxdigits.errors import InputError

Plain = dict[str, Any]


@dataclass(frozen=True)
class Conv:
    """A convolution with `features` output channels and a bias; `padding` is "SAME" or "VALID".

    Parameters
    ----------
    features : int
        Output channels.
    kernel_size : tuple of int, default=(3, 3)
        Height and width of the kernel.
    stride : int, default=1
        Pixels from one window to the next, in both directions.
    padding : {"SAME", "VALID"}, default="SAME"
        "SAME" pads with zeros, "VALID" keeps to windows that lie within.

    Examples
    --------
    >>> from jaxdigits.core.specs import Conv
    >>> Conv(32).kernel_size
    (3, 3)
    """

    features: int
    kernel_size: tuple[int, int] = (3, 3)
    stride: int = 1
    padding: str = "SAME"


@dataclass(frozen=True)
class MaxPool:
    """Largest value of each `size` x `size` window; windows don't overlap, odd edges are dropped.

    Parameters
    ----------
    size : int, default=2
        Side of a window.

    Examples
    --------
    >>> from jaxdigits.core.specs import MaxPool
    >>> MaxPool().size
    2
    """

    size: int = 2


@dataclass(frozen=True)
class AveragePool:
    """Mean of each `size` x `size` window; windows don't overlap, odd edges are dropped.

    Parameters
    ----------
    size : int, default=2
        Side of a window.

    Examples
    --------
    >>> from jaxdigits.core.specs import AveragePool
    >>> AveragePool().size
    2
    """

    size: int = 2


@dataclass(frozen=True)
class GlobalAveragePool:
    """Mean over height and width: (n, h, w, c) -> (n, c).

    Examples
    --------
    >>> from jaxdigits.core.specs import GlobalAveragePool
    >>> GlobalAveragePool() == GlobalAveragePool()
    True
    """


@dataclass(frozen=True)
class Flatten:
    """(n, ...) -> (n, features), in C order.

    Examples
    --------
    >>> from jaxdigits.core.specs import Flatten
    >>> Flatten() == Flatten()
    True
    """


@dataclass(frozen=True)
class Dense:
    """An affine map to `features` numbers.

    Parameters
    ----------
    features : int
        Numbers that come out.

    Examples
    --------
    >>> from jaxdigits.core.specs import Dense
    >>> Dense(10).features
    10
    """

    features: int


@dataclass(frozen=True)
class Activation:
    """An elementwise nonlinearity, by its name in `core.layers.ACTIVATIONS`.

    Parameters
    ----------
    name : str, default="relu"
        One of ``jaxdigits.core.layers.ACTIVATIONS``.

    Examples
    --------
    >>> from jaxdigits.core.specs import Activation
    >>> Activation("tanh").name
    'tanh'
    """

    name: str = "relu"


@dataclass(frozen=True)
class Dropout:
    """Zeroes inputs at random while training. The rate is a traced hyperparameter, so it is not part of the spec.

    Examples
    --------
    >>> from jaxdigits.core.specs import Dropout
    >>> Dropout() == Dropout()
    True
    """


@dataclass(frozen=True)
class Residual:
    """x + scale * layers(x), the scale learned from zero (SkipInit: De & Smith, NeurIPS 2020).

    Parameters
    ----------
    layers : tuple of layer specs
        Must leave the shape as it is.

    Examples
    --------
    >>> from jaxdigits.core.specs import Activation, Conv, Residual
    >>> len(Residual((Conv(8), Activation(), Conv(8))).layers)
    3
    """

    layers: tuple[LayerSpec, ...]


LayerSpec = Conv | MaxPool | AveragePool | GlobalAveragePool | Flatten | Dense | Activation | Dropout | Residual

KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Conv,
        MaxPool,
        AveragePool,
        GlobalAveragePool,
        Flatten,
        Dense,
        Activation,
        Dropout,
        Residual,
    )
}


@dataclass(frozen=True)
class ModelSpec:
    """A network as plain, hashable data.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width) of an image, or (n_features,) for rows that are no image.
    n_classes : int
        Width of the logits.
    layers : tuple of layer specs
        Applied in order; the last one is the `Dense` that yields the logits, or follows it.

    Examples
    --------
    >>> from jaxdigits.core.specs import Dense, Flatten, ModelSpec
    >>> spec = ModelSpec((8, 8), 10, (Flatten(), Dense(10)))
    >>> ModelSpec.from_plain(spec.to_plain()) == spec
    True
    """

    input_shape: tuple[int, ...]
    n_classes: int
    layers: tuple[LayerSpec, ...]

    def to_plain(self) -> Plain:
        """Return the spec as JSON-able dicts and lists.

        Returns
        -------
        dict
            What `from_plain` reads.
        """
        return {
            "input_shape": list(self.input_shape),
            "n_classes": self.n_classes,
            "layers": [_layer_to_plain(layer) for layer in self.layers],
        }

    def widened(self, *, input_shape: tuple[int, ...], n_classes: int) -> ModelSpec:
        """Return the spec with another input shape and width of logits; the last `Dense` follows.

        Parameters
        ----------
        input_shape : tuple of int
            (height, width) or (n_features,).
        n_classes : int
            Width of the logits.

        Returns
        -------
        ModelSpec
        """
        last = max(index for index, layer in enumerate(self.layers) if isinstance(layer, Dense))
        layers = (*self.layers[:last], Dense(n_classes), *self.layers[last + 1 :])
        return ModelSpec(input_shape, n_classes, layers)

    @classmethod
    def from_plain(cls, plain: Plain) -> ModelSpec:
        """Build a spec from its JSON form.

        Parameters
        ----------
        plain : dict
            From `to_plain`, perhaps through JSON.

        Returns
        -------
        ModelSpec

        Raises
        ------
        InputError
            If a layer's kind is unknown.
        """
        layers = tuple(_layer_from_plain(layer) for layer in plain["layers"])
        return cls(tuple(plain["input_shape"]), int(plain["n_classes"]), layers)


def _layer_to_plain(layer: LayerSpec) -> Plain:
    plain: Plain = {"kind": type(layer).__name__}
    for field in fields(layer):
        value = getattr(layer, field.name)
        if field.name == "layers":
            value = [_layer_to_plain(inner) for inner in value]
        plain[field.name] = list(value) if isinstance(value, tuple) else value
    return plain


def _layer_from_plain(plain: Plain) -> LayerSpec:
    kind = KINDS.get(plain["kind"])
    if kind is None:
        raise InputError(f"layer kind must be one of {', '.join(KINDS)}, got {plain['kind']!r}.")
    options = {name: value for name, value in plain.items() if name != "kind"}
    if "layers" in options:
        options["layers"] = tuple(_layer_from_plain(inner) for inner in options["layers"])
    if "kernel_size" in options:
        options["kernel_size"] = tuple(options["kernel_size"])
    layer: LayerSpec = kind(**options)
    return layer
