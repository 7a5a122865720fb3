"""A trained model as plain data: spec, arrays and metadata, and the check that they agree with each other.

The name and the shape of every array follow from the spec alone. A reader that compares them with a file's
table before it allocates anything can't be talked into more memory than the file's own size.
"""

import contextlib
import math
import re
import reprlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from jaxdigits.errors import InputError, ModelFileError

__all__ = [
    "DTYPES",
    "LAYER_SHAPES",
    "Bundle",
    "LayerRow",
    "check_bundle",
    "check_names",
    "decode_labels",
    "defect",
    "describe_layers",
    "encode_labels",
    "expected_shapes",
]

DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype(np.float32), "F16": np.dtype(np.float16)}
"""safetensors' name of a type -> the type, for those that a model's arrays may have."""

_MAX_VALUES = 2**26  # of one image between two layers: a spec must not ask for more memory than a page scan
_MAX_DEPTH = 16
_MAX_LABEL_BYTES = 16 * 2**20
# The usual repr fails on lists nested a thousand deep, which a damaged file may hold.
_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = 80
_BRIEF.maxlevel = 3
_LABEL_DTYPE = re.compile(r"[<>|][biufSU]\d{1,7}|\|O")
_ACTIVATIONS = ("relu", "sigmoid", "tanh", "gelu", "log_sigmoid")

_NUMBER = (int, float, np.number)

_Shape = tuple[int, ...]
_Shapes = dict[str, _Shape]
_Layer = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Bundle:
    """A trained model as plain data.

    Parameters
    ----------
    spec : dict
        ``input_shape`` (1 to 3 sizes), ``n_classes`` and ``layers``, a list of dicts with a ``kind`` each
        (see `LAYER_SHAPES`) and that kind's options.
    arrays : dict of str to ndarray
        float32 or float16, finite: ``"layers.0.kernel"``, ``"layers.0.bias"``, ..., and ``"input.offset"``
        and ``"input.scale"`` of shape (1,) or (n_features,). Images are NHWC, convolution kernels are
        matrices whose rows run over kernel row, kernel column and input channel.
    metadata : dict
        JSON values. ``classes`` (from `encode_labels`) and ``n_features`` are needed; ``image_shape``
        (``[h, w]`` or None), ``pixel_range`` (``[low, high]`` or None), ``temperature`` (a number > 0 by which
        logits are divided before softmax; 1 if absent), ``n_members`` (1 if absent; with more, every array of a layer
        has a first axis of members, whose probabilities are averaged) and any others are kept.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.bundle import Bundle, check_bundle, encode_labels
    >>> bundle = Bundle(
    ...     spec={"input_shape": [2], "n_classes": 3, "layers": [{"kind": "Dense", "features": 3}]},
    ...     arrays={
    ...         "input.offset": np.zeros(1, np.float32),
    ...         "input.scale": np.ones(1, np.float32),
    ...         "layers.0.kernel": np.ones((2, 3), np.float32),
    ...         "layers.0.bias": np.zeros(3, np.float32),
    ...     },
    ...     metadata={"classes": encode_labels(np.array(["a", "b", "c"])), "n_features": 2},
    ... )
    >>> check_bundle(bundle)
    """

    spec: dict[str, Any]
    arrays: dict[str, npt.NDArray[Any]]
    metadata: dict[str, Any]


def defect(what: str, got: object, expected: str, advice: str = "") -> ModelFileError:
    """Return the error that says what is wrong with a model.

    Parameters
    ----------
    what : str
        The part that is wrong.
    got : object
        What was found; a long one is cut.
    expected : str
        What belongs there.
    advice : str, default=""
        What to do; "" means to save the model again.

    Returns
    -------
    ModelFileError
        To be raised.

    Examples
    --------
    >>> print(defect("n_classes", 0, "an int >= 1"))
    n_classes: got 0, expected an int >= 1. Save the model again with DigitClassifier.save.
    """
    advice = advice or "Save the model again with DigitClassifier.save."
    return ModelFileError(f"{what}: got {_BRIEF.repr(got)}, expected {expected}. {advice}")


# ---- labels ----


def encode_labels(labels: npt.ArrayLike) -> dict[str, Any]:
    """Turn class labels into JSON values.

    Parameters
    ----------
    labels : array-like of shape (n_classes,)
        Text, bytes, bool, integers or floats of any width (up to 8 bytes), or objects that are all text.

    Returns
    -------
    dict
        ``{"dtype": ..., "values": [...]}``, ready for `json.dumps`.

    Raises
    ------
    InputError
        If the labels are of another kind, not finite, or not one-dimensional.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.bundle import decode_labels, encode_labels
    >>> encode_labels(np.array(["one", "two"]))
    {'dtype': '<U3', 'values': ['one', 'two']}
    >>> decode_labels(encode_labels(np.arange(3, dtype=np.int8))).dtype
    dtype('int8')
    """
    array = np.asarray(labels)
    if array.ndim != 1:
        raise InputError(f"labels must be one-dimensional, got shape {array.shape}. Pass one label a class.")
    kind = array.dtype.kind
    values = array.tolist()
    fits = (
        (kind in "biuSU")
        or (kind == "f" and array.dtype.itemsize <= 8 and bool(np.isfinite(array).all()))
        or (kind == "O" and all(isinstance(value, str) for value in values))
    )
    if not fits:
        raise InputError(
            f"labels must be text, bytes, bool, or finite numbers of up to 8 bytes, got {array.dtype} labels "
            "of another kind. Convert them, for example with y.astype(str)."
        )
    if kind == "S":
        values = [value.decode("latin-1") for value in values]
    return {"dtype": array.dtype.str, "values": [str(value) if kind == "O" else value for value in values]}


def decode_labels(encoded: object) -> npt.NDArray[Any]:
    """Turn the dict of `encode_labels` back into labels of the same dtype.

    Parameters
    ----------
    encoded : dict
        What `encode_labels` returned, perhaps after a round trip through JSON.

    Returns
    -------
    ndarray of shape (n_classes,)
        The labels.

    Raises
    ------
    InputError
        If `encoded` is not what `encode_labels` writes.

    Examples
    --------
    >>> from jaxdigits.bundle import decode_labels
    >>> decode_labels({"dtype": "|S3", "values": ["one", "two"]})
    array([b'one', b'two'], dtype='|S3')
    """
    name = encoded.get("dtype") if isinstance(encoded, dict) else None
    values = encoded.get("values") if isinstance(encoded, dict) else None
    if isinstance(name, str) and _LABEL_DTYPE.fullmatch(name) and isinstance(values, list):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            labels = _label_array(np.dtype(name), values)
            if encoded == encode_labels(labels):  # nothing was cut, rounded or converted
                return labels
    raise InputError(
        f"encoded labels must be {{'dtype': ..., 'values': [...]}}, got {_BRIEF.repr(encoded)}. "
        "Use encode_labels to make them."
    )


def _label_array(dtype: np.dtype[Any], values: list[Any]) -> npt.NDArray[Any]:
    if dtype.itemsize * max(len(values), 1) > _MAX_LABEL_BYTES:
        raise ValueError(f"labels take more than {_MAX_LABEL_BYTES} bytes")
    if dtype.kind == "S":
        values = [value.encode("latin-1") for value in values if isinstance(value, str)]
    return np.array(values, dtype=dtype)


# ---- what a spec implies ----


def _check_int(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= _MAX_VALUES:
        raise defect(what, value, f"an int from 1 to {_MAX_VALUES}")
    return int(value)


def _check_sizes(value: object, what: str, counts: tuple[int, ...]) -> _Shape:
    if not isinstance(value, list | tuple) or len(value) not in counts:
        raise defect(what, value, f"a list of {' or '.join(map(str, counts))} ints")
    return tuple(_check_int(size, what) for size in value)


def _check_rank(shape: _Shape, where: str) -> None:
    if len(shape) != 3:
        raise defect(f"input of {where}", shape, "an image of shape (height, width, channels)")


def _conv_shapes(layer: _Layer, shape: _Shape, where: str, _depth: int) -> tuple[_Shape, _Shapes]:
    _check_rank(shape, where)
    features, stride = (_check_int(layer[key], f"{key} of {where}") for key in ("features", "stride"))
    kernel = _check_sizes(layer["kernel_size"], f"kernel_size of {where}", (2,))
    if layer["padding"] == "SAME":
        sides = [-(-n // stride) for n in shape[:2]]
    elif layer["padding"] == "VALID":
        sides = [(n - k) // stride + 1 for n, k in zip(shape[:2], kernel, strict=True)]
    else:
        raise defect(f"padding of {where}", layer["padding"], "'SAME' or 'VALID'")
    arrays = {"kernel": (math.prod(kernel) * shape[2], features), "bias": (features,)}
    return (*sides, features), arrays


def _pool_shapes(layer: _Layer, shape: _Shape, where: str, _depth: int) -> tuple[_Shape, _Shapes]:
    _check_rank(shape, where)
    size = _check_int(layer["size"], f"size of {where}")
    return (shape[0] // size, shape[1] // size, shape[2]), {}


def _global_pool_shapes(_layer: _Layer, shape: _Shape, where: str, _depth: int) -> tuple[_Shape, _Shapes]:
    _check_rank(shape, where)
    return (shape[2],), {}


def _flatten_shapes(_layer: _Layer, shape: _Shape, _where: str, _depth: int) -> tuple[_Shape, _Shapes]:
    return (math.prod(shape),), {}


def _dense_shapes(layer: _Layer, shape: _Shape, where: str, _depth: int) -> tuple[_Shape, _Shapes]:
    features = _check_int(layer["features"], f"features of {where}")
    return (*shape[:-1], features), {"kernel": (shape[-1], features), "bias": (features,)}


def _activation_shapes(layer: _Layer, shape: _Shape, where: str, _depth: int) -> tuple[_Shape, _Shapes]:
    if layer["name"] not in _ACTIVATIONS:
        raise defect(f"name of {where}", layer["name"], f"one of {', '.join(_ACTIVATIONS)}")
    return shape, {}


def _dropout_shapes(_layer: _Layer, shape: _Shape, _where: str, _depth: int) -> tuple[_Shape, _Shapes]:
    return shape, {}


def _residual_shapes(layer: _Layer, shape: _Shape, where: str, depth: int) -> tuple[_Shape, _Shapes]:
    inner, arrays = _layers_shapes(layer["layers"], shape, where + ".", depth + 1)
    if inner != shape:
        raise defect(f"output shape of {where}", inner, f"that of its input, {shape}")
    return shape, {"scale": (), **arrays}


LAYER_SHAPES: dict[str, tuple[frozenset[str], Callable[..., tuple[_Shape, _Shapes]]]] = {
    "Conv": (frozenset({"features", "kernel_size", "stride", "padding"}), _conv_shapes),
    "MaxPool": (frozenset({"size"}), _pool_shapes),
    "AveragePool": (frozenset({"size"}), _pool_shapes),
    "GlobalAveragePool": (frozenset(), _global_pool_shapes),
    "Flatten": (frozenset(), _flatten_shapes),
    "Dense": (frozenset({"features"}), _dense_shapes),
    "Activation": (frozenset({"name"}), _activation_shapes),
    "Dropout": (frozenset(), _dropout_shapes),
    "Residual": (frozenset({"layers"}), _residual_shapes),
}
"""Layer kind -> its options, and the rule that gives its output shape and the shapes of its arrays."""


def _layers_shapes(layers: object, shape: _Shape, prefix: str, depth: int) -> tuple[_Shape, _Shapes]:
    """Walk the layers: the shape that comes out for one image, and every array's name and shape."""
    if not isinstance(layers, list | tuple) or depth > _MAX_DEPTH:
        raise defect(f"{prefix}layers", layers, f"a list of layers, nested at most {_MAX_DEPTH} deep")
    arrays: _Shapes = {}
    for index, layer in enumerate(layers):
        where = f"{prefix}layers.{index}"
        kind = layer.get("kind") if isinstance(layer, dict) else None
        if not isinstance(kind, str) or kind not in LAYER_SHAPES:
            raise defect(f"kind of {where}", kind, f"one of {', '.join(LAYER_SHAPES)}")
        options, rule = LAYER_SHAPES[kind]
        if set(layer) != options | {"kind"}:
            expected = f"{sorted(options)} and kind"
            raise defect(f"options of {where} ({kind})", sorted(map(str, layer)), expected)
        shape, shapes = rule(layer, shape, where, depth)
        if min(shape) < 1 or math.prod(shape) > _MAX_VALUES:
            raise defect(f"output shape of {where}", shape, f"1 to {_MAX_VALUES} values")
        # A nested layer's arrays come with their full name, the layer's own with the last word alone.
        arrays |= {name if "." in name else f"{where}.{name}": value for name, value in shapes.items()}
    return shape, arrays


class LayerRow(NamedTuple):
    """One layer of a spec in words: its name, the shape of its output for one image, its number of weights."""

    name: str
    output_shape: tuple[int, ...]
    n_weights: int


def describe_layers(spec: dict[str, Any]) -> list[LayerRow]:
    """List the layers of a network with their sizes; a residual block is one of them.

    Parameters
    ----------
    spec : dict
        The ``spec`` of a `Bundle`.

    Returns
    -------
    list of LayerRow
        In the order of the spec.

    Raises
    ------
    ModelFileError
        If the spec is malformed.

    Examples
    --------
    >>> layers = [{"kind": "MaxPool", "size": 2}, {"kind": "Flatten"}, {"kind": "Dense", "features": 3}]
    >>> for row in describe_layers({"input_shape": [8, 8], "n_classes": 3, "layers": layers}):
    ...     print(row.name, row.output_shape, row.n_weights)
    MaxPool 2x2 (4, 4, 1) 0
    Flatten (16,) 0
    Dense 3 (3,) 51
    """
    shape = tuple(spec["input_shape"])
    shape = (*shape, 1) if len(shape) == 2 else shape
    rows: list[LayerRow] = []
    n_before = 0
    for count, layer in enumerate(spec["layers"], start=1):
        output_shape, arrays = _layers_shapes(spec["layers"][:count], shape, "", 0)
        n_weights = sum(map(math.prod, arrays.values()))
        rows.append(LayerRow(_describe_layer(layer), output_shape, n_weights - n_before))
        n_before = n_weights
    return rows


def _describe_layer(layer: _Layer) -> str:
    match layer:
        case {"kind": "Conv", "features": features, "kernel_size": [height, width], "stride": stride}:
            return f"Conv {features} {height}x{width}" + (f" stride {stride}" if stride > 1 else "")
        case {"kind": "Dense", "features": features}:
            return f"Dense {features}"
        case {"kind": "Activation", "name": name}:
            return str(name)
        case {"kind": "Residual", "layers": layers}:
            return f"Residual of {len(layers)} layers"
        case {"kind": kind, "size": size}:
            return f"{kind} {size}x{size}"
    return str(layer["kind"])


def expected_shapes(spec: object, metadata: object) -> dict[str, tuple[_Shape, ...]]:
    """Return the name of every array that a spec implies, and the shapes that it may have.

    Parameters
    ----------
    spec, metadata : dict
        Parts of a `Bundle`, not trusted yet.

    Returns
    -------
    dict of str to tuple of tuple of int
        Array name -> allowed shapes.

    Raises
    ------
    ModelFileError
        If spec or metadata are malformed, or contradict each other.

    Examples
    --------
    >>> spec = {"input_shape": [4], "n_classes": 2, "layers": [{"kind": "Dense", "features": 2}]}
    >>> metadata = {"classes": encode_labels([0, 1]), "n_features": 4}
    >>> expected_shapes(spec, metadata)["layers.0.kernel"]
    ((4, 2),)
    """
    if not isinstance(spec, dict) or set(spec) != {"input_shape", "n_classes", "layers"}:
        raise defect("spec", spec, "a dict of input_shape, n_classes and layers")
    input_shape = _check_sizes(spec["input_shape"], "input_shape", (1, 2, 3))
    if math.prod(input_shape) > _MAX_VALUES:
        raise defect("input_shape", input_shape, f"at most {_MAX_VALUES} values")
    n_classes = _check_int(spec["n_classes"], "n_classes")
    n_features, n_members = _check_metadata(metadata, n_classes, math.prod(input_shape))
    shape = (*input_shape, 1) if len(input_shape) == 2 else input_shape
    shape, arrays = _layers_shapes(spec["layers"], shape, "", 0)
    if shape != (n_classes,):
        raise defect("output shape of the last layer", shape, f"({n_classes},), one logit a class")
    members: _Shape = () if n_members == 1 else (n_members,)
    expected: dict[str, tuple[_Shape, ...]] = {name: ((*members, *value),) for name, value in arrays.items()}
    return expected | dict.fromkeys(("input.offset", "input.scale"), ((1,), (n_features,)))


def _check_metadata(metadata: object, n_classes: int, n_inputs: int) -> tuple[int, int]:
    if not isinstance(metadata, dict):
        raise defect("metadata", metadata, "a dict")
    try:
        classes = decode_labels(metadata.get("classes"))
    except InputError as error:
        raise defect("classes", metadata.get("classes"), "what encode_labels returns") from error
    if len(classes) != n_classes or len(set(classes.tolist())) != n_classes:
        raise defect("classes", classes.tolist(), f"{n_classes} different labels")
    n_features = _check_int(metadata.get("n_features"), "n_features")
    if n_features > n_inputs:
        raise defect("n_features", n_features, f"at most {n_inputs}, the size of input_shape")
    image_shape = metadata.get("image_shape")
    if image_shape is not None and math.prod(_check_sizes(image_shape, "image_shape", (2,))) != n_features:
        raise defect("image_shape", image_shape, f"height x width = {n_features}, the number of features")
    low_high = metadata.get("pixel_range")
    numbers = isinstance(low_high, list | tuple) and all(isinstance(end, _NUMBER) for end in low_high)
    if low_high is not None and not (numbers and len(low_high) == 2 and low_high[0] <= low_high[1]):
        raise defect("pixel_range", low_high, "None or two numbers, low <= high")
    temperature = metadata.get("temperature", 1.0)
    is_number = isinstance(temperature, _NUMBER) and not isinstance(temperature, bool)
    if not is_number or not 0 < temperature < math.inf:
        raise defect("temperature", temperature, "a finite number > 0")
    return n_features, _check_int(metadata.get("n_members", 1), "n_members")


def check_names(found: Iterable[str], expected: Iterable[str]) -> None:
    """Check that the arrays are those that the spec asks for, no more and no less.

    Parameters
    ----------
    found, expected : iterable of str
        Array names.

    Raises
    ------
    ModelFileError
        Naming one that is missing or extra.
    """
    missing, extra = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if missing or extra:
        got = f"{len(missing)} missing {missing[:1]} and {len(extra)} extra {extra[:1]}"
        raise defect("array names", got, "those of the spec")


def check_bundle(bundle: Bundle) -> None:
    """Check that spec, arrays and metadata agree with each other, and that all numbers are finite.

    Parameters
    ----------
    bundle : Bundle
        The model.

    Raises
    ------
    ModelFileError
        Naming the first thing that is wrong.

    Examples
    --------
    >>> check_bundle(Bundle(spec={}, arrays={}, metadata={}))
    Traceback (most recent call last):
    jaxdigits.errors.ModelFileError: spec: got {}, expected a dict of input_shape, n_classes and layers...
    """
    expected = expected_shapes(bundle.spec, bundle.metadata)
    check_names(bundle.arrays, expected)
    for name, array in bundle.arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype not in DTYPES.values():
            got = getattr(array, "dtype", type(array))
            raise defect(f"type of array {name!r}", got, "float32 or float16")
        if array.shape not in expected[name]:
            raise defect(f"shape of array {name!r}", array.shape, " or ".join(map(str, expected[name])))
        if not np.isfinite(array).all():
            raise defect(f"values of array {name!r}", "NaN or infinity", "finite numbers")
