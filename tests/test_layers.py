"""The shape of the code: which room may import which, and how large a function or module may grow."""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "jaxdigits"

# A room is a module or a folder of jaxdigits. It may import itself and the rooms of the floors above it here.
FLOORS = [
    {"errors"},
    {"bundle", "runtime"},
    {"data", "core", "persistence", "calibration", "metrics", "progress"},
    {"archive", "validation", "plotting"},
    {"prediction", "watcher"},
    {"lite", "estimator", "transformer", "export", "report"},
    {"trials"},
    {"search", "recognize"},
    {"serve"},
    {"cli"},
    {"__main__"},
    {"__init__"},  # the package's own module: type checkers see the public names through its imports
]
SKLEARN_FACES = {"estimator", "transformer", "trials", "search"}
# What reads or writes files, shows something, or belongs to another room.
FOREIGN_TO_CORE = {
    *("sklearn", "scipy", "pandas", "PIL", "pooch", "safetensors", "matplotlib", "rich", "joblib"),
    *(
        "pathlib",
        "io",
        "gzip",
        "zipfile",
        "tarfile",
        "shutil",
        "tempfile",
        "glob",
        "pickle",
        "csv",
        "json",
        "logging",
    ),
}
# Room -> packages that it imports nowhere, and packages that it imports only inside functions.
FORBIDDEN = {
    "core": FOREIGN_TO_CORE,
    "data": {"jax", "jaxlib", "flax", "optax"},
    "bundle": {"jax", "jaxlib", "flax", "optax", "sklearn"},
    "persistence": {"jax", "jaxlib", "flax", "optax", "sklearn"},
    "lite": {"jax", "jaxlib", "flax", "optax", "sklearn"},
    "estimator": {"flax", "optax"},
    "prediction": {"flax", "optax"},
    "transformer": {"flax", "optax"},
    "trials": {"flax", "optax"},
    "search": {"flax", "optax"},
    "serve": {"jax", "jaxlib", "flax", "optax", "sklearn", "matplotlib"},
}
LATE = {
    "__init__": {"jax", "flax", "optax", "sklearn", "numpy"},
    "errors": {"jax", "flax", "optax", "sklearn", "numpy"},
    "data": {"sklearn", "pooch"},
}

FUNCTION_LINES = 40
MODULE_LINES = {"estimator.py": 400}
OTHER_MODULE_LINES = 300
NESTING = 3
POSITIONAL = 4

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


@dataclass(frozen=True)
class Import:
    """One imported name, as a dotted path, and where it is imported."""

    target: str
    line: int
    inside_function: bool


def module_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def every_module(function):
    """Run a test once for each module of the package."""
    names = [str(path.relative_to(PACKAGE)) for path in module_files()]
    return pytest.mark.parametrize("path", module_files(), ids=names)(function)


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def floor_of(room: str) -> int:
    for floor, rooms in enumerate(FLOORS):
        if room in rooms:
            return floor
    raise AssertionError(f"the room {room!r} stands on no floor: give it one in FLOORS")


def imports(tree: ast.Module, package: str) -> Iterator[Import]:
    """Every import in a module of the given package, relative ones made absolute."""

    def walk(node: ast.AST, inside_function: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, inside_function)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, inside_function)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside_function or isinstance(node, Function | ast.Lambda))

    return walk(tree, False)


def imports_of(path: Path) -> list[Import]:
    package = ".".join(["jaxdigits", *path.relative_to(PACKAGE).parts[:-1]])
    return list(imports(parse(path), package))


def public_homes() -> dict[str, str]:
    """Room behind each public name of the package itself, read from its table."""
    for node in parse(PACKAGE / "__init__.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_MODULES":
            return {name: module.split(".")[1] for name, module in ast.literal_eval(node.value).items()}
    raise AssertionError("jaxdigits/__init__.py has no table _MODULES")


def imported_room(target: str) -> str | None:
    """Room that an import reaches: None outside the package, and for the package's own version."""
    parts = target.split(".")
    if parts[0] != "jaxdigits" or parts[1:] == ["__version__"]:
        return None
    if len(parts) == 1:
        raise AssertionError("import the module meant, not the whole package")
    return public_homes().get(parts[1], parts[1])


def wrong_arrows(room: str, found: list[Import]) -> list[str]:
    """List the imports of another room that does not stand on a lower floor."""
    reached = [(each, imported_room(each.target)) for each in found]
    return [
        f"line {each.line}: {room} (floor {floor_of(room)}) imports {other} (floor {floor_of(other)})"
        for each, other in reached
        if other is not None and other != room and floor_of(other) >= floor_of(room)
    ]


def wrong_packages(room: str, found: list[Import]) -> list[str]:
    """List the imports of packages that a room must not know, or must import late."""
    wrong = []
    for each in found:
        package = each.target.split(".")[0]
        if package in FORBIDDEN.get(room, set()):
            wrong.append(f"line {each.line}: {room} imports {package}")
        if package in LATE.get(room, set()) and not each.inside_function:
            wrong.append(f"line {each.line}: {room} imports {package} outside a function")
        if f"{each.target}.".startswith("sklearn.base.") and room not in SKLEARN_FACES:
            wrong.append(f"line {each.line}: {room} imports scikit-learn's base classes")
    return wrong


def code_lines(text: str) -> set[int]:
    """Numbers of the lines that hold code: no blanks, no comments, no docstrings."""
    silent = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.difference_update(range(node.lineno, node.end_lineno + 1))
    return lines


def nesting(node: ast.AST, depth: int = 0) -> int:
    """Deepest stack of blocks under a node; an ``elif`` is no deeper than its ``if``."""
    deepest = depth
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, Function | ast.ClassDef):
                is_elif = isinstance(node, ast.If) and field == "orelse" and isinstance(child, ast.If)
                opens = isinstance(child, BLOCKS) and not is_elif
                deepest = max(deepest, nesting(child, depth + opens))
    return deepest


def functions(tree: ast.Module) -> list[Function]:
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def public_functions(tree: ast.Module) -> Iterator[tuple[Function, bool]]:
    """Public functions of a module and methods of its public classes, and whether each is a method."""
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node, False
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for each in node.body:
                if isinstance(each, Function) and (each.name.endswith("__") or not each.name.startswith("_")):
                    yield each, not any(ast.unparse(mark) == "staticmethod" for mark in each.decorator_list)


def wrong_sizes(text: str, module_limit: int) -> list[str]:
    """List what is over its limit: the module, function bodies, and blocks nested too deep."""
    lines = code_lines(text)
    wrong = []
    if len(lines) > module_limit:
        wrong.append(f"{len(lines)} lines of code (limit {module_limit}): split it by what its parts mean")
    for node in functions(ast.parse(text)):
        size = sum(node.body[0].lineno <= line <= node.end_lineno for line in lines)
        if size > FUNCTION_LINES:
            wrong.append(f"line {node.lineno}: {node.name} has {size} lines of code (limit {FUNCTION_LINES})")
        depth = nesting(node)
        if depth > NESTING:
            wrong.append(f"line {node.lineno}: {node.name} nests {depth} blocks (limit {NESTING})")
    return wrong


def open_by_contract(tree: ast.Module) -> set[int]:
    """Lines of the methods `fit` of scikit-learn's searches, which pass on whatever parameters they are given."""
    searches = [
        node for node in tree.body if isinstance(node, ast.ClassDef) and "BaseSearchCV" in map(ast.unparse, node.bases)
    ]
    return {each.lineno for node in searches for each in node.body if isinstance(each, Function) and each.name == "fit"}


def wrong_signatures(tree: ast.Module) -> list[str]:
    """List the public signatures with too many positional arguments or with ``**kwargs``."""
    wrong = []
    for node, is_method in public_functions(tree):
        positional = len(node.args.posonlyargs) + len(node.args.args) - is_method
        if positional > POSITIONAL:
            wrong.append(f"line {node.lineno}: {node.name} takes {positional} positional (limit {POSITIONAL})")
        if node.args.kwarg is not None and node.lineno not in open_by_contract(tree):
            wrong.append(f"line {node.lineno}: {node.name} takes **{node.args.kwarg.arg}")
    return wrong


@every_module
def test_arrows_point_down(path):
    assert not wrong_arrows(room_of(path), imports_of(path))


@every_module
def test_rooms_import_only_what_they_may_know(path):
    assert not wrong_packages(room_of(path), imports_of(path))


@every_module
def test_sizes(path):
    wrong = wrong_sizes(path.read_text(encoding="utf-8"), MODULE_LINES.get(path.name, OTHER_MODULE_LINES))
    assert not wrong


@every_module
def test_public_signatures(path):
    assert not wrong_signatures(parse(path))


def test_core_opens_and_prints_nothing():
    calls = [
        f"{path.name}:{node.lineno}"
        for path in (PACKAGE / "core").rglob("*.py")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print"}
    ]
    assert not calls


def test_no_module_is_a_drawer():
    assert not [path for path in module_files() if path.stem in {"utils", "helpers", "common", "misc"}]


@pytest.mark.parametrize(
    ("room", "code", "n_wrong"),
    [
        ("core", "from jaxdigits.errors import InputError", 0),
        ("core", "from jaxdigits.core import training", 0),
        ("core", "from . import training", 0),
        ("core", "from jaxdigits import __version__", 0),
        ("core", "import jaxdigits.data.datasets", 1),
        ("core", "from jaxdigits import data", 1),
        ("core", "from ..data import datasets", 1),
        ("core", "from jaxdigits import load_digits", 1),
        ("core", "def f():\n    from jaxdigits.estimator import DigitClassifier", 1),
        ("lite", "from jaxdigits.estimator import DigitClassifier", 1),
        ("cli", "from jaxdigits import DigitClassifier, load_digits", 0),
    ],
)
def test_an_arrow_up_or_within_a_floor_is_found(room, code, n_wrong):
    assert len(wrong_arrows(room, list(imports(ast.parse(code), "jaxdigits.core")))) == n_wrong


def test_a_room_without_a_floor_is_found():
    with pytest.raises(AssertionError, match="FLOORS"):
        floor_of("attic")


@pytest.mark.parametrize(
    ("room", "code", "n_wrong"),
    [
        ("core", "import jax.numpy as jnp", 0),
        ("core", "def f():\n    import sklearn", 1),
        ("core", "from pathlib import Path", 1),
        ("data", "def f():\n    from sklearn import datasets", 0),
        ("data", "from sklearn import datasets", 1),
        ("data", "def f():\n    import jax", 1),
        ("lite", "def f():\n    import jax", 1),
        ("estimator", "from sklearn.base import BaseEstimator", 0),
        ("estimator", "def f():\n    import optax", 1),
        ("plotting", "from sklearn import base", 1),
        ("plotting", "from sklearn.metrics import ConfusionMatrixDisplay", 0),
        ("errors", "import numpy", 1),
        ("serve", "def f():\n    import matplotlib", 1),
    ],
)
def test_a_package_in_the_wrong_room_is_found(room, code, n_wrong):
    assert len(wrong_packages(room, list(imports(ast.parse(code), "jaxdigits")))) == n_wrong


def test_sizes_count_lines_of_code_alone():
    text = 'def f():\n    """One.\n\n    Two.\n    """\n\n    # why\n    return [\n        1,\n    ]\n'
    assert code_lines(text) == {1, 8, 9, 10}


@pytest.mark.parametrize(
    ("code", "n_wrong"),
    [
        ("def f():\n" + "    x = 1\n" * 40, 0),
        ("def f():\n" + "    x = 1\n" * 41, 1),
        ("x = 1\n" * 51, 1),
        ("def f(a):\n if a:\n  pass\n elif a:\n  pass\n elif a:\n  pass\n elif a:\n  pass", 0),
        ("def f(a):\n for b in a:\n  for c in b:\n   if c:\n    with c:\n     pass", 1),
    ],
)
def test_what_is_too_large_is_found(code, n_wrong):
    assert len(wrong_sizes(code, module_limit=50)) == n_wrong


@pytest.mark.parametrize(
    ("code", "n_wrong"),
    [
        ("def f(a, b, c, d, *, e): ...", 0),
        ("def f(a, b, c, d, e): ...", 1),
        ("def _f(a, b, c, d, e, **kwargs): ...", 0),
        ("def f(**kwargs): ...", 1),
        ("class C:\n def f(self, a, b, c, d): ...", 0),
        ("class C:\n def __init__(self, a, b, c, d, e): ...", 1),
        ("class C(BaseSearchCV):\n def fit(self, X, y=None, **params): ...", 0),
        ("class C(BaseSearchCV):\n def score(self, X, y=None, **params): ...", 1),
    ],
)
def test_a_wrong_public_signature_is_found(code, n_wrong):
    assert len(wrong_signatures(ast.parse(code))) == n_wrong
