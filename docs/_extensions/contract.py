"""What the reference promises: every public name has a page, and docstrings say what is true.

Sphinx calls `setup`, so that a build with warnings as errors fails on a broken promise; `tests/test_docs.py` asks the
same functions. The names of a module are its ``__all__``, or else the functions and classes that it defines.

- A module that ``api/index`` names keeps the full contract: sections for parameters, returned values and an example.
- All others stand on the page ``inside``, for readers of the code: what their docstrings say must be true. That page is
  written here, so that a new module is not forgotten.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate
from sphinx.application import Sphinx
from sphinx.util import logging

DOCS = Path(__file__).resolve().parents[1]
PACKAGE = DOCS.parent / "jaxdigits"
MODULE = re.compile(r"^   (jaxdigits[\w.]*)$", re.MULTILINE)
DEFAULT = re.compile(r"default=(?P<value>.+)$")
# numpydoc's codes: no docstring; parameters that are missing, unknown or without a description; no section on what is
# returned; no example.
TRUE = ("GL08", "PR02")
FULL = (*TRUE, "PR01", "PR07", "RT01", "EX01")
# The command line is documented by its commands, and a package without names of its own by its modules.
NOT_IN_THE_REFERENCE = ("jaxdigits.__main__", "jaxdigits.cli", "jaxdigits.core", "jaxdigits.data", "jaxdigits.serve")
INSIDE = """\
The inside
==========

What the :doc:`public modules </api/index>` are made of, for those who read the code or change it: :doc:`/design` says
what each may know. These names may move between versions.
"""
# Package -> heading; any other package is headed by its name.
SECTIONS = {
    "jaxdigits": "Behind fit and predict",
    "jaxdigits.core": "Behind the core",
    "jaxdigits.data": "From a picture to pixels",
    "jaxdigits.plotting": "Behind the figures",
    "jaxdigits.serve": "Behind the server",
}
TABLE = ".. autosummary::\n   :toctree: inside\n   :template: inside.rst\n\n"
# Displays are made by their class methods, and these say what each value is.
MADE_BY_CLASS_METHODS = ("from_estimator", "from_predictions", "from_pictures")


def listed_modules(page: str) -> list[str]:
    """List the modules that stand on a page of the reference.

    Parameters
    ----------
    page : {"index", "inside"}
        Which page.

    Returns
    -------
    list of str
        Dotted names.
    """
    public = MODULE.findall((DOCS / "api" / "index.rst").read_text(encoding="utf-8"))
    return public if page == "index" else sorted(all_modules() - set(public))


def all_modules() -> set[str]:
    """Return the dotted names of all modules that must stand in the reference."""
    paths = (path.relative_to(PACKAGE.parent).with_suffix("") for path in PACKAGE.rglob("*.py"))
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths}
    return {name for name in names - set(NOT_IN_THE_REFERENCE) if not name.startswith("jaxdigits.cli.")}


def public_names(module: str) -> list[str]:
    """List the functions and classes that a module offers.

    Parameters
    ----------
    module : str
        Dotted name.

    Returns
    -------
    list of str
        Names within the module.
    """
    loaded = import_module(module)
    names = getattr(loaded, "__all__", None)
    if names is None:
        names = [name for name, value in vars(loaded).items() if getattr(value, "__module__", None) == module]
    return [name for name in names if name[0] != "_" and _is_documented(getattr(loaded, name))]


def public_objects(module: str) -> Iterator[tuple[str, Any]]:
    """Yield the dotted name and the object of what a module offers, methods of its classes included.

    Parameters
    ----------
    module : str
        Dotted name.

    Yields
    ------
    name, value : tuple of str and object
        What is documented.
    """
    for name in public_names(module):
        value = getattr(import_module(module), name)
        yield f"{module}.{name}", value
        if inspect.isclass(value):
            for method, inner in vars(value).items():
                if method[0] != "_" and (inspect.isfunction(inner) or isinstance(inner, classmethod | staticmethod)):
                    yield f"{module}.{name}.{method}", getattr(value, method)


def broken_promises(name: str, value: Any, *, full: bool) -> list[str]:
    """Say what a docstring lacks, or says wrongly.

    Parameters
    ----------
    name : str
        Dotted name.
    value : object
        What it names.
    full : bool
        Whether to ask for the sections too, and not for truth alone.

    Returns
    -------
    list of str
        One sentence each; empty if all is well.
    """
    is_method = inspect.isclass(getattr(import_module(_module_of(name)), name.split(".")[-2], None))
    wanted = set(FULL if full else TRUE)
    if is_method:
        wanted -= {"EX01"}  # the class shows its methods at work
    if inspect.isclass(value):
        wanted -= {"RT01"}
        if hasattr(value, "_fields") or is_dataclass(value):
            wanted -= {"EX01"}  # records, which functions return and their examples show
        if hasattr(value, "_fields") or any(hasattr(value, way) for way in MADE_BY_CLASS_METHODS):
            wanted -= {"PR01", "PR02"}  # attributes say the same, in the order of the parameters
        if issubclass(value, Exception):
            wanted -= {"PR01", "PR02", "EX01"}
        if _hides_its_parameters(value):
            wanted -= {"PR01", "PR02"}
    said = [f"{name}: {text}" for code, text in validate(name)["errors"] if code in wanted]
    if full and inspect.isclass(value) and (hasattr(value, "_fields") or is_dataclass(value)):
        said = [sentence for sentence in said if " not documented" not in sentence] + _missing_fields(name, value)
    if full and _hides_its_parameters(value):
        taken = set(inspect.signature(value.__init__).parameters) - {"self"}
        told = {part for row in get_doc_object(value)["Parameters"] for part in row.name.split(", ")}
        if taken != told:
            said.append(f"{name}: takes {', '.join(sorted(taken))}, and describes {', '.join(sorted(told)) or 'none'}.")
    return said + differing_defaults(name, value)


def differing_defaults(name: str, value: Any) -> list[str]:
    """Compare every "default=" of a docstring with the signature.

    Parameters
    ----------
    name : str
        Dotted name.
    value : object
        A function or a class.

    Returns
    -------
    list of str
        One sentence for each difference.
    """
    if inspect.isclass(value) and issubclass(value, BaseException):
        return []
    try:
        signature = inspect.signature(value.__init__ if _hides_its_parameters(value) else value)
    except ValueError:  # classes without a constructor of their own
        return []
    said = []
    for parameter in get_doc_object(value)["Parameters"]:
        stated = DEFAULT.search(parameter.type)
        for each in parameter.name.split(", "):
            true = signature.parameters.get(each.lstrip("*"))
            if (
                true is not None
                and stated is not None
                and not _same_default(stated["value"], true.default, vars(import_module(_module_of(name))))
            ):
                said.append(f"{name}: {each} says default={stated['value']}, the signature {true.default!r}.")
    return said


def _same_default(stated: str, true: Any, names: dict[str, Any]) -> bool:
    """Whether a docstring's default is the signature's: its repr, a name of the module, or a number with a unit."""
    if true is inspect.Parameter.empty:
        return False
    spellings = {repr(true), str(true)}
    for size, unit in ((2**10, "KiB"), (2**20, "MiB"), (10**6, "million"), (1, "")):
        if isinstance(true, int) and true >= size and true % size == 0:
            spellings.add(f"{true // size:,} {unit}".strip())
    if stated.replace('"', "'") in spellings:
        return True
    try:
        value = eval(stated, dict(names))
    except (NameError, SyntaxError):
        return False
    return value is true or bool(np.all(value == true))


def _hides_its_parameters(value: Any) -> bool:
    """Whether a class says ``(*args, **kwargs)`` for what its ``__init__`` takes, as Flax modules do."""
    if not inspect.isclass(value) or issubclass(value, BaseException):
        return False
    return set(inspect.signature(value).parameters) == {"args", "kwargs"}


def _missing_fields(name: str, value: Any) -> list[str]:
    """Say which fields of a record stand neither under Parameters nor under Attributes of it or of its bases."""
    documents = [get_doc_object(base) for base in value.__mro__ if base.__module__.startswith("jaxdigits")]
    rows = [row for document in documents for row in document["Parameters"] + document["Attributes"]]
    told = {part for row in rows for part in row.name.split(", ")}
    fields_ = getattr(value, "_fields", None) or [field.name for field in fields(value)]
    missing = [field for field in fields_ if field not in told]
    return [f"{name}: the fields {', '.join(missing)} are not described."] if missing else []


def _is_documented(value: Any) -> bool:
    return inspect.isfunction(value) or inspect.isclass(value)


def _module_of(name: str) -> str:
    parts = name.split(".")
    while ".".join(parts) not in all_modules():
        parts.pop()
    return ".".join(parts)


def inside_page() -> str:
    """Return the page of the modules that ``api/index`` does not name."""
    text = INSIDE
    packages = {name.rpartition(".")[0] for name in listed_modules("inside")}
    for package in [*SECTIONS, *sorted(packages - set(SECTIONS))]:
        title = SECTIONS.get(package, f"Behind {package}")
        modules = [name for name in listed_modules("inside") if name.rpartition(".")[0] == package]
        rows = "".join(f"   {name}\n" for name in modules)
        text += f"\n{title}\n{'-' * len(title)}\n\n{TABLE}{rows}"
    return text


def write_inside_page() -> None:
    """Write that page where it says something new, so that Sphinx reads it no more often than it must."""
    text = inside_page()
    path = DOCS / "generated" / "inside.rst"
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def check(_app: Sphinx, env: Any) -> list[str]:
    """Warn of every public name without a page, and of every docstring that breaks a promise."""
    logger = logging.getLogger("contract")
    pages = set(env.domaindata["py"]["objects"])
    for page in ("index", "inside"):
        for module in listed_modules(page):
            for name, value in public_objects(module):
                if name not in pages and "." in name.removeprefix("jaxdigits."):
                    logger.warning("%s has no page in the reference", name)
                for sentence in broken_promises(name, value, full=page == "index"):
                    logger.warning(sentence)
    return []


def skip_plumbing(_app: Sphinx, _what: str, name: str, value: Any, _skip: bool, _options: Any) -> bool | None:
    """Leave out fields that stand under Attributes already, aliases of types, and what scikit-learn documents."""
    if type(value).__name__ in ("_tuplegetter", "member_descriptor", "GenericAlias", "builtin_function_or_method"):
        return True
    from_sklearn = str(getattr(value, "__module__", "")).startswith("sklearn.") or name.endswith("_request")
    return True if from_sklearn else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the page of the inside, and check the promises when everything has been read."""
    write_inside_page()  # before Sphinx looks which pages there are
    app.connect("env-updated", check)
    app.connect("autodoc-skip-member", skip_plumbing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
