"""The model file: a plain :class:`Bundle` of spec, arrays and metadata, written whole and read strictly.

A model file is a safetensors file (https://github.com/huggingface/safetensors#format): eight bytes with the
length of a JSON header, the header, and the arrays one after the other. All metadata is canonical JSON under
the header's one key ``jaxdigits``, with a SHA-256 digest over everything that is read back. Reading runs no
code from the file, and checks every name, shape, type and size before it allocates.
"""

import contextlib
import hashlib
import json
import math
import os
import secrets
import shutil
import stat
from collections.abc import Iterable
from io import BufferedReader
from typing import Any

import numpy as np
import numpy.typing as npt

from jaxdigits import __version__
from jaxdigits.bundle import (
    DTYPES,
    Bundle,
    check_bundle,
    check_names,
    decode_labels,
    defect,
    encode_labels,
    expected_shapes,
)
from jaxdigits.errors import ModelFileError

__all__ = ["FORMAT_VERSION", "Bundle", "decode_labels", "encode_labels", "read_bundle", "write_bundle", "write_whole"]

FORMAT_VERSION = 1

_MAX_FILE_BYTES = 256 * 2**20
_MAX_HEADER_BYTES = 8 * 2**20
_MAX_DEPTH = 64
_KEY = "jaxdigits"
_RETRY = "Fetch a fresh copy of the file, or save the model again."
_OURS = "Pass a file that DigitClassifier.save wrote."
_PICKLE = "jaxdigits never unpickles: load it with the program that wrote it, then save() a model file."
_SIGNATURES = {
    b"\x80": ("a pickle or joblib file", _PICKLE),
    b"\x78": ("a compressed joblib file", _PICKLE),
    b"PK\x03\x04": ("a zip archive (.keras, .npz or .pt)", _OURS),
    b"\x89HDF": ("an HDF5 file", _OURS),
    b"\x93NUMPY": ("a NumPy .npy file", _OURS),
    b"\x1f\x8b": ("a gzip file", "Unpack it first."),
}

_Layout = dict[str, tuple[np.dtype[Any], tuple[int, ...]]]


# ---- the header ----


def _plain(value: Any, where: str, depth: int = 0) -> Any:
    """Return the value as JSON keeps it (tuples become lists, NumPy scalars Python's), or reject it."""
    if isinstance(value, np.generic):
        value = value.item()
    if depth > _MAX_DEPTH:
        raise defect(where, "...", f"values nested at most {_MAX_DEPTH} deep")
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}.{index}", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise defect(f"keys of {where}", list(value), "text")
        return {str(key): _plain(item, f"{where}.{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise defect(where, value, "a finite number, or None")
    if not (value is None or isinstance(value, str | bool | int | float)):
        raise defect(where, value, "text, a number, True, False, None, or a list or dict of these")
    return value


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice")
    return result


def _parse(text: bytes | str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text, object_pairs_hook=_unique_pairs)
    except (ValueError, RecursionError) as error:
        raise defect(what, str(error), "well-formed JSON", _RETRY) from error
    if not isinstance(value, dict):
        raise defect(what, value, "a JSON object")
    return value


def _digest(document: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over everything that a reader gets back, in an order that no writer can change."""
    sha256 = hashlib.sha256(_canonical({k: v for k, v in document.items() if k != "digest"}).encode())
    for name, array in sorted(arrays.items()):
        sha256.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        sha256.update(np.ascontiguousarray(array).data)
    return sha256.hexdigest()


# ---- writing ----


def write_bundle(bundle: Bundle, path: str | os.PathLike[str]) -> None:
    """Write a model file, whole or not at all.

    The file is written beside its destination, flushed to the disk and moved into place, so that neither a
    crash nor a full disk leaves half a file or costs the one that was there.

    Parameters
    ----------
    bundle : Bundle
        The model. Tuples in its metadata come back as lists.
    path : str or os.PathLike
        Destination; an existing file is replaced and keeps its permissions.

    Raises
    ------
    ModelFileError
        If the bundle contradicts itself, or the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.bundle import Bundle, encode_labels
    >>> bundle = Bundle(
    ...     spec={"input_shape": [2], "n_classes": 3, "layers": [{"kind": "Dense", "features": 3}]},
    ...     arrays={
    ...         "input.offset": np.zeros(1, np.float32),
    ...         "input.scale": np.ones(1, np.float32),
    ...         "layers.0.kernel": np.ones((2, 3), np.float32),
    ...         "layers.0.bias": np.zeros(3, np.float32),
    ...     },
    ...     metadata={"classes": encode_labels(["a", "b", "c"]), "n_features": 2},
    ... )
    >>> write_bundle(bundle, "digits.safetensors")
    >>> read_bundle("digits.safetensors").metadata["n_features"]
    2
    """
    target = os.path.realpath(path)
    try:
        header, arrays = _build_header(bundle)
        write_whole(target, [len(header).to_bytes(8, "little"), header, *(array.data for array in arrays)])
    except ModelFileError as error:
        raise ModelFileError(f"cannot write model file {target!r}: {error}") from None
    except OSError as error:
        advice = "Check that the folder exists, is writable and has room."
        reason = error.strerror or error
        raise ModelFileError(f"cannot write model file {target!r}: {reason}. {advice}") from error


def _build_header(bundle: Bundle) -> tuple[bytes, list[npt.NDArray[Any]]]:
    spec, metadata = _plain(bundle.spec, "spec"), _plain(bundle.metadata, "metadata")
    check_bundle(Bundle(spec, bundle.arrays, metadata))
    # ascontiguousarray would make a scalar one-dimensional. Widest type first, as safetensors aligns them.
    little = {name: np.array(a, a.dtype.newbyteorder("<"), order="C") for name, a in bundle.arrays.items()}
    arrays = dict(sorted(little.items(), key=lambda item: (-item[1].itemsize, item[0])))
    document = {"format_version": FORMAT_VERSION, "library": __version__, "spec": spec, "metadata": metadata}
    document["digest"] = _digest(document, arrays)
    header: dict[str, Any] = {"__metadata__": {_KEY: _canonical(document)}}
    end = 0
    for name, array in arrays.items():
        dtype = next(key for key, value in DTYPES.items() if value == array.dtype)
        start, end = end, end + array.nbytes
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > _MAX_HEADER_BYTES:
        raise defect("size of the header", len(text), f"at most {_MAX_HEADER_BYTES} bytes", "Store less metadata.")
    if 8 + len(text) + end > _MAX_FILE_BYTES:
        raise defect("size of the file", end, f"at most {_MAX_FILE_BYTES} bytes", "Train a smaller model.")
    return text, list(arrays.values())


def write_whole(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file whole or not at all.

    It is written beside its place and then moved there, so that neither a crash nor a full disk leaves half a file or
    costs the one that was there, which passes on its permissions.

    Parameters
    ----------
    path : str or os.PathLike
        Where to; a link is followed.
    chunks : iterable of bytes
        All of it.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from jaxdigits.persistence import write_whole
    >>> write_whole("answer.txt", [b"4", b"2"])
    >>> Path("answer.txt").read_text()
    '42'
    """
    target = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(target), f".{_KEY}-{secrets.token_hex(8)}.tmp")
    try:
        # Not the tempfile module: its files are private, a model file is as readable as any new file.
        with open(temporary, "xb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


# ---- reading ----


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read a model file and check everything about it.

    Parameters
    ----------
    path : str or os.PathLike
        A file that `write_bundle` wrote.

    Returns
    -------
    Bundle
        Its arrays are writable.

    Raises
    ------
    ModelFileError
        If the file is missing, of another kind, damaged, of a newer format version, or unreasonably large.

    Examples
    --------
    >>> read_bundle("missing.safetensors")
    Traceback (most recent call last):
    jaxdigits.errors.ModelFileError: cannot read model file 'missing.safetensors': ...
    """
    name = os.fspath(path)
    try:
        if not stat.S_ISREG(os.stat(name).st_mode):  # opening a pipe would wait forever
            raise defect("kind of file", "a folder or a device", "a regular file", "Check the path.")
        with open(name, "rb") as file:
            return _read(file)
    except ModelFileError as error:
        raise ModelFileError(f"cannot read model file {name!r}: {error}") from None
    except OSError as error:
        reason = error.strerror or error
        raise ModelFileError(f"cannot read model file {name!r}: {reason}. Check the path.") from error


def _read(file: BufferedReader) -> Bundle:
    size = os.fstat(file.fileno()).st_size
    if size > _MAX_FILE_BYTES:
        raise defect("size of the file", size, f"at most {_MAX_FILE_BYTES} bytes", "Check the path.")
    start = file.read(9)
    header_bytes = int.from_bytes(start[:8], "little")
    if start[8:] != b"{" or not 2 <= header_bytes <= min(size - 8, _MAX_HEADER_BYTES):
        for signature, (kind, advice) in _SIGNATURES.items():
            if start.startswith(signature):
                raise defect("kind of file", kind, "a safetensors model file", advice)
        raise defect("first bytes", start, f"a header of at most {_MAX_HEADER_BYTES} bytes", _OURS)
    header = _parse(start[8:] + file.read(header_bytes - 1), "header")
    document = _read_document(header.pop("__metadata__", None))
    layout = _check_layout(header, expected_shapes(document["spec"], document["metadata"]))
    payload_bytes = size - 8 - header_bytes
    total = sum(dtype.itemsize * math.prod(shape) for dtype, shape in layout.values())
    if total != payload_bytes:
        raise defect("bytes of array data", payload_bytes, str(total), _RETRY)
    payload = bytearray(payload_bytes)
    if file.readinto(payload) != payload_bytes:
        raise defect("array data", "the end of the file", f"{total} bytes", _RETRY)
    return _build_bundle(document, layout, payload)


def _read_document(metadata: object) -> dict[str, Any]:
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise defect("metadata key 'jaxdigits'", "a file without it", "a jaxdigits model file", _OURS)
    document = _parse(text, "metadata")
    version = document.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        what = "format_version of a file written by a newer jaxdigits"
        raise defect(what, version, f"at most {FORMAT_VERSION}", "Upgrade jaxdigits.")
    if type(version) is not int or version < 1:
        raise defect("format_version", version, f"an int from 1 to {FORMAT_VERSION}")
    keys = {"format_version", "library", "spec", "metadata", "digest"}
    if set(document) != keys:
        raise defect("metadata keys", sorted(document), str(sorted(keys)))
    return document


def _check_layout(header: dict[str, Any], expected: dict[str, tuple[tuple[int, ...], ...]]) -> _Layout:
    """Compare the header's table with what the spec implies; return types and shapes in file order."""
    check_names(header, expected)
    end = 0
    layout: _Layout = {}
    for name, entry in header.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise defect(f"entry of array {name!r}", entry, "dtype, shape and data_offsets")
        if not isinstance(entry["dtype"], str) or entry["dtype"] not in DTYPES:
            raise defect(f"type of array {name!r}", entry["dtype"], f"one of {', '.join(DTYPES)}")
        shape = next((shape for shape in expected[name] if entry["shape"] == list(shape)), None)
        if shape is None:
            allowed = " or ".join(str(list(shape)) for shape in expected[name])
            raise defect(f"shape of array {name!r}", entry["shape"], allowed)
        dtype = DTYPES[entry["dtype"]]
        start, end = end, end + dtype.itemsize * math.prod(shape)
        if entry["data_offsets"] != [start, end]:
            raise defect(f"data_offsets of array {name!r}", entry["data_offsets"], f"[{start}, {end}]")
        layout[name] = (dtype, shape)
    return layout


def _build_bundle(document: dict[str, Any], layout: _Layout, payload: bytearray) -> Bundle:
    arrays: dict[str, npt.NDArray[Any]] = {}
    start = 0
    for name, (dtype, shape) in layout.items():
        count = math.prod(shape)
        arrays[name] = np.frombuffer(payload, dtype, count, start).reshape(shape)
        start += count * dtype.itemsize
    try:
        digest = _digest(document, arrays)
    except (ValueError, RecursionError) as error:  # a number such as 1e999, which reads as infinity
        raise defect("metadata", str(error), "finite numbers") from error
    if document["digest"] != digest:
        raise defect("digest", document["digest"], f"{digest}, that of the content", _RETRY)
    bundle = Bundle(document["spec"], arrays, document["metadata"])
    check_bundle(bundle)
    return bundle
