"""`jaxdigits info`: what a data set or a model file holds, or what this machine has."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits import __version__
from jaxdigits.cli.inference import PACKAGED
from jaxdigits.cli.outputs import add_picture_argument, check_picture, figures, format_rows, format_table, save_figure
from jaxdigits.cli.sources import KNOWN, STANDARD_INPUT, add_data_argument, open_source, with_light_ink
from jaxdigits.errors import InputError

if TYPE_CHECKING:
    from jaxdigits.data.datasets import Dataset

__all__ = ["add_arguments", "run"]

PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "scipy", "scikit-learn", "matplotlib", "pillow", "safetensors")

SHOWN = ("loss", "accuracy", "validation_loss", "validation_accuracy")
"""What is told of an epoch."""

CARD = ("name", "data", "recipe", "seeds", "accuracies", "calibration", "limits")
"""What of a model card is told first, in this order."""

Facts = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli import info
    >>> parser = argparse.ArgumentParser()
    >>> info.add_arguments(parser)
    >>> parser.parse_args(["--system"]).system
    True
    """
    add_data_argument(parser, optional=True)
    parser.add_argument("--system", action="store_true", help="tell versions and devices instead")
    parser.add_argument("--json", action="store_true", help="write one JSON object instead of tables")
    add_picture_argument(parser, "a sheet of the data's samples with their labels")


def run(args: argparse.Namespace) -> int:
    """Look, and tell.

    Parameters
    ----------
    args : argparse.Namespace
        As `add_arguments` declares it; `data` may name a model file or a packaged model too.

    Returns
    -------
    status : int
        0.

    Raises
    ------
    InputError
        If what is named cannot be read, or the picture cannot be written.

    Examples
    --------
    >>> from jaxdigits.cli import main
    >>> main(["info", "digits"])  # doctest: +SKIP
    0
    """
    if (args.data is None) != args.system:
        raise InputError("info takes a data set, a model file, or --system, one of them. See jaxdigits info --help.")
    is_model = args.data is not None and _is_model(args.data)
    if args.picture is not None and (args.system or is_model):
        raise InputError("--picture draws the samples of a data set, got none. Leave it out.")
    if args.system:
        return _tell(_describe_system(), _print_system, as_json=args.json)
    if is_model:
        return _tell(_describe_model(args.data), _print_model, as_json=args.json)
    check_picture(args.picture, inputs=[Path(args.data)])
    with open_source(args.data) as source:
        parts = {split: source.read(split) for split in source.splits or (None,)}
    first = next(iter(parts.values()))
    if args.picture is not None and not _are_pictures(first):
        raise InputError(f"{source.name} holds rows that are no pictures, --picture has nothing to draw. Leave it out.")
    facts = {"data": source.name, "parts": [_describe_data(part, split) for split, part in parts.items()]}
    _tell(facts, _print_data, as_json=args.json)
    if args.picture is not None:
        _draw(args.picture, first)
    return 0


def _tell(facts: Facts, show: Callable[[Facts], None], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(facts))
    else:
        show(facts)
    return 0


def _is_model(name: str) -> bool:
    """Tell a model file from data: a file that no reader of data sets or pictures knows by its name."""
    from jaxdigits.data.formats import FORMATS
    from jaxdigits.data.pictures import PICTURE_SUFFIXES

    path = Path(name).expanduser()
    if name == STANDARD_INPUT or (name in KNOWN and not path.exists()):
        return False
    if name in PACKAGED and not path.exists():
        return True
    if not path.is_file():
        return path.suffix == ".safetensors"
    return path.suffix.lower() not in PICTURE_SUFFIXES and not any(known.find(path) for known in FORMATS.values())


def _find_model(name: str) -> Path:
    path = Path(name).expanduser()
    if path.exists() or name not in PACKAGED:
        return path
    from jaxdigits import recognize

    return Path(recognize.__file__).parent / "pretrained" / recognize.PRETRAINED[name]


# ---- a data set ----


def _describe_data(dataset: Dataset, split: str | None) -> Facts:
    import numpy as np

    X, y = dataset.X, dataset.y
    classes, counts = np.unique(y, return_counts=True) if y is not None else (np.array([]), np.array([]))
    return {
        "split": split,
        "path": str(dataset.path),
        "n_samples": len(X),
        "sample_shape": list(X.shape[1:]),
        "dtype": str(X.dtype),
        "range": [X.min().item(), X.max().item()],
        "ink": None if not _are_pictures(dataset) else "dark" if with_light_ink(X)[1] else "light",
        "classes": None if y is None else dict(zip(map(str, classes.tolist()), counts.tolist(), strict=True)),
    }


def _are_pictures(dataset: Dataset) -> bool:
    from jaxdigits.core.inputs import looks_like_images

    return dataset.X.ndim == 3 or looks_like_images(dataset.X)


def _print_data(facts: Facts) -> None:
    blocks = []
    for part in facts["parts"]:
        split = f" ({part['split']} set)" if part["split"] else ""
        shape = " x ".join(map(str, part["sample_shape"]))
        rows = {
            "data": f"{facts['data']}{split}",
            "samples": f"{part['n_samples']:,} {'images' if len(part['sample_shape']) == 2 else 'rows'} of {shape}",
            "type": part["dtype"],
            "range": f"{part['range'][0]:g} to {part['range'][1]:g}",
            "ink": {"dark": "dark on light paper", "light": "light on a dark ground", None: ""}[part["ink"]],
            "labels": _count_classes(part["classes"]),
        }
        blocks.append(format_rows({name: value for name, value in rows.items() if value}))
    print("\n\n".join(blocks))
    _print_counts(facts["parts"])


def _count_classes(classes: dict[str, int] | None) -> str:
    if classes is None:
        return "none"
    return "1 class" if len(classes) == 1 else f"{len(classes)} classes"


def _print_counts(parts: list[Facts]) -> None:
    labeled = [part for part in parts if part["classes"] is not None]
    if not labeled:
        return
    labels = list(dict.fromkeys(label for part in labeled for label in part["classes"]))
    header = ["class", *(part["split"] or "samples" for part in labeled)]
    table = [[label, *(f"{part['classes'].get(label, 0):,}" for part in labeled)] for label in labels]
    print(f"\n{format_table(header, table)}")


def _draw(path: Path, dataset: Dataset) -> None:
    figures()
    from jaxdigits.plotting import DigitSheetDisplay

    # Shown as dark ink on light paper, however it is stored.
    save_figure(DigitSheetDisplay.from_samples(with_light_ink(dataset.X)[0], dataset.y).figure_, path)


# ---- a model ----


def _describe_model(name: str) -> Facts:
    from jaxdigits.bundle import decode_labels, describe_layers
    from jaxdigits.persistence import read_bundle

    path = _find_model(name)
    bundle = read_bundle(path)
    kept = bundle.metadata
    history = kept.get("history") or []
    return {
        "model": name,
        "n_bytes": path.stat().st_size,
        "classes": decode_labels(kept["classes"]).tolist(),
        "n_features": kept["n_features"],
        "input_shape": list(bundle.spec["input_shape"]),
        "image_shape": kept.get("image_shape"),
        "pixel_range": kept.get("pixel_range"),
        "layers": [row._asdict() for row in describe_layers(bundle.spec)],
        "n_parameters": sum(a.size for name, a in bundle.arrays.items() if not name.startswith("input.")),
        "card": kept.get("card") or {},
        "recipe": kept.get("recipe") or {},
        "training": {
            **{name: kept.get(name) for name in ("n_epochs", "best_epoch", "device")},
            "last_epoch": history[-1] if history else None,
            "versions": kept.get("versions") or {},
        },
    }


def _print_model(facts: Facts) -> None:
    shape, pixels, training = facts["image_shape"], facts["pixel_range"], facts["training"]
    reads = f"images of {shape[0]} x {shape[1]}" if shape else f"rows of {facts['n_features']} numbers"
    rows = {
        "model": f"{facts['model']} ({facts['n_bytes'] / 1024:,.0f} KiB)",
        "reads": reads + (f", {pixels[0]:g} to {pixels[1]:g}" if pixels else ""),
        "classes": ", ".join(map(str, facts["classes"])),
        "parameters": f"{facts['n_parameters']:,}",
    }
    print(format_rows(rows))
    if facts["card"]:
        print(f"\n{format_rows(_describe_card(facts['card']))}")
    table = [
        [layer["name"], " x ".join(map(str, layer["output_shape"])), f"{layer['n_weights']:,}"]
        for layer in facts["layers"]
    ]
    print(f"\n{format_table(['layer', 'output', 'parameters'], table)}")
    last = {name: (training["last_epoch"] or {}).get(name) for name in SHOWN}
    record = {
        "trained": f"{training['n_epochs']} epochs on {training['device']}, kept epoch {training['best_epoch']}",
        "last epoch": ", ".join(
            f"{name.replace('_', ' ')} {value:.4f}" for name, value in last.items() if value is not None
        ),
        "recipe": ", ".join(f"{name}={value}" for name, value in facts["recipe"].items()),
        "versions": ", ".join(f"{name} {value}" for name, value in training["versions"].items()),
    }
    known = {name: value for name, value in record.items() if value and (name != "trained" or training["n_epochs"])}
    print(f"\n{format_rows(known)}" if known else "\nNo training record in the file.")


def _describe_card(card: dict[str, Any]) -> dict[str, str]:
    names = [name for name in card if name not in CARD and name != "confusion"]  # a table, which the page shows
    names = [*(name for name in CARD if name in card), *names]
    return {name.replace("_", " "): _to_words(card[name]) for name in names if card[name] is not None}


def _to_words(value: Any) -> str:
    """Write a value of a card in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_to_words(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_to_words, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


# ---- this machine ----


def _describe_system() -> Facts:
    from importlib.metadata import PackageNotFoundError, version

    import jax

    from jaxdigits.cli.compilation import probe_cache

    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "jaxdigits": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "devices": [{"platform": device.platform, "kind": device.device_kind} for device in jax.devices()],
        "versions": versions,
        "compiled_programs": probe_cache()._asdict(),
        "JAXDIGITS_DATA": os.environ.get("JAXDIGITS_DATA"),
    }


def _print_system(facts: Facts) -> None:
    rows = {
        **{name: str(facts[name]) for name in ("jaxdigits", "python", "system", "cores")},
        "devices": ", ".join(f"{each['platform']} ({each['kind']})" for each in facts["devices"]),
        "compiled": _describe_cache(facts["compiled_programs"]),
        "data": facts["JAXDIGITS_DATA"] or "JAXDIGITS_DATA is not set",
    }
    print(format_rows(rows))
    print(f"\n{format_table(['package', 'version'], facts['versions'].items())}")


def _describe_cache(report: Facts) -> str:
    held = f"{report['n_programs']} programs, {report['n_bytes'] / 2**20:.1f} MiB, in {report['folder']}"
    return f"{'a program came back' if report['is_hit'] else 'nothing comes back: every run compiles anew'}; {held}"
