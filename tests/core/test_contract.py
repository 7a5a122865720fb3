"""The core's promises where they span modules: programs, purity, determinism, platforms, precision."""

import json
import re
from functools import partial

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits

from jaxdigits import DigitClassifier
from jaxdigits.core import inference, training
from jaxdigits.core.models import MODELS, Options
from jaxdigits.core.samples import make_order, make_samples

NETWORKS = {
    "mlp": {"model": "mlp", "hidden_sizes": (16,), "optimizer": "muon", "dropout": 0.1, "max_epochs": 2},
    "cnn": {"model": "cnn", "channels": (3,), "hidden_sizes": (), "average_weights": True, "max_epochs": 2},
}

COUNT_COMPILATIONS = """
import ast, json, sys
import jax
import numpy as np

compiled = 0

def listen(event, seconds, **_):
    global compiled
    compiled += event == "/jax/core/compile/backend_compile_duration"

jax.monitoring.register_event_duration_secs_listener(listen)

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from jaxdigits import DigitClassifier

X, y = load_digits(return_X_y=True)
X, y = X[:300], y[:300]
network = ast.literal_eval(sys.argv[2])
counts = {}

def count(name, act):
    global compiled
    compiled = 0
    result = act()
    counts[name] = compiled
    return result

def make(**settings):
    return DigitClassifier(**{**network, "random_state": 0, **settings})

first = count("fit", lambda: make().fit(X[:200], y[:200]))
count("predict", lambda: first.predict(X))
count("refit", lambda: make().fit(X[:200], y[:200]))
for name, value in dict(
    learning_rate=0.03, random_state=7, dropout=0.3, weight_decay=0.5, label_smoothing=0.2, max_epochs=3,
    class_weight="balanced", momentum=0.5, max_seconds=1000.0,
).items():
    count(name, lambda: make(**{name: value}).fit(X[:200], y[:200]))
count("one sample longer", lambda: make().fit(X[:201], y[:201]))
count("other weights", lambda: make().fit(X[:200], y[:200], sample_weight=np.arange(200.0)))
count("other classes", lambda: make().fit(X[:250][y[:250] > 0], y[:250][y[:250] > 0]))
for n in (1, 7, 5000):
    rows = np.resize(X, (n, 64))
    count(f"predict {n}", lambda: first.predict(rows))
    count(f"predict_proba {n}", lambda: first.predict_proba(rows))
np.save(sys.argv[1], first.predict_proba(X))

grid = {"learning_rate": [0.001, 0.003, 0.01, 0.03], "weight_decay": [0.0, 0.01, 0.1]}
# folds of 240 rows fall into the bucket of 256, all 300 into that of 512
search = GridSearchCV(make(hidden_sizes=(12,), max_epochs=1), grid, cv=5)
count("grid", lambda: search.fit(X, y))
search = GridSearchCV(make(hidden_sizes=(13,), max_epochs=1), grid, cv=5, refit=False)
count("grid without refit", lambda: search.fit(X, y))
print(json.dumps(counts))
"""


@pytest.fixture(scope="module")
def predictions_file(tmp_path_factory):
    return tmp_path_factory.mktemp("compilations") / "probabilities.npy"


@pytest.fixture(scope="module")
def compilations(run_python, predictions_file):
    """Compilations by JAX's own count, in a process of its own so that no earlier test has paid for them."""
    return json.loads(run_python(COUNT_COMPILATIONS, str(predictions_file), repr(NETWORKS["mlp"])))


def test_a_first_fit_compiles_two_programs_and_prediction_with_dense_layers_none(compilations):
    assert compilations.pop("fit") + compilations.pop("predict") == 2


def test_a_grid_of_60_fits_compiles_three_programs_and_one_more_where_the_refit_is_larger(compilations):
    assert compilations.pop("grid without refit") <= 3
    assert compilations.pop("grid") <= 4


def test_nothing_else_compiles_anything(compilations):
    repeated = {name: n for name, n in compilations.items() if name not in {"fit", "predict"} and "grid" not in name}
    assert len(repeated) == 19
    assert repeated == dict.fromkeys(repeated, 0)


def test_another_process_fits_the_same_bits(compilations, predictions_file):
    assert compilations
    X, y = load_digits(return_X_y=True)
    model = DigitClassifier(**NETWORKS["mlp"], random_state=0).fit(X[:200], y[:200])
    np.testing.assert_array_equal(model.predict_proba(X[:300]), np.load(predictions_file))


WATCH_BACKENDS = """
import importlib, pkgutil
import jax
from jax._src import xla_bridge
from sklearn.base import clone
import jaxdigits, jaxdigits.core
from jaxdigits import DigitClassifier

for module in pkgutil.walk_packages(jaxdigits.__path__, "jaxdigits."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
assert not xla_bridge.backends_are_initialized(), "import"
for settings in ({}, {"model": "cnn", "device": "cpu"}, {"model": jaxdigits.CNN, "optimizer": print}):
    model = clone(DigitClassifier(**settings))
    repr(model), model.get_params(), model.set_params(learning_rate=0.5), model._repr_html_(), model.__sklearn_tags__()
from jaxdigits.core import training
from jaxdigits.core.models import MODELS, Options
program = training.Program(MODELS["cnn"]((28, 28), 10, Options()))
hash(program), repr(program), training.Hyperparameters()
assert not xla_bridge.backends_are_initialized(), "construction"
model.set_params(model="mlp", optimizer="adam", max_epochs=1).fit([[0.0], [1.0]], [0, 1])
assert xla_bridge.backends_are_initialized()
print("fine")
"""


def test_the_backend_starts_in_fit_and_nowhere_earlier(run_python):
    assert run_python(WATCH_BACKENDS) == "fine\n"


PREDICT_IN_64_BITS = """
import ast, sys
import jax
import numpy as np
from sklearn.datasets import load_digits
from jaxdigits import DigitClassifier

assert jax.config.jax_enable_x64
X, y = load_digits(return_X_y=True)
found = {}
for name, settings in ast.literal_eval(sys.argv[2]).items():
    model = DigitClassifier(**settings, random_state=0).fit(X[:200], y[:200])
    assert {array.dtype.name for array in model.params_.values()} == {"float32"}
    assert {array.dtype.name for array in model._opt_leaves} <= {"float32", "int32"}
    found[name] = model.predict_proba(X[200:300])
assert jax.config.jax_enable_x64
np.savez(sys.argv[1], **found)
"""


def test_64_bit_mode_breaks_nothing_and_changes_nothing(run_python, tmp_path):
    run_python(PREDICT_IN_64_BITS, str(tmp_path / "found.npz"), repr(NETWORKS), JAX_ENABLE_X64="1")
    found = np.load(tmp_path / "found.npz")
    X, y = load_digits(return_X_y=True)
    for name, settings in NETWORKS.items():
        model = DigitClassifier(**settings, random_state=0).fit(X[:200], y[:200])
        np.testing.assert_allclose(found[name], model.predict_proba(X[200:300]), atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_weight_equals_repetition_exactly(digits, name):
    rows, labels = digits.rows[:120].astype(float), digits.labels[:120]
    weights = np.random.default_rng(0).integers(0, 4, 120)
    repeated = np.random.default_rng(1).permutation(np.repeat(np.arange(120), weights))
    model = DigitClassifier(**NETWORKS[name], random_state=0)
    weighted = model.fit(rows, labels, sample_weight=weights).predict_proba(rows)
    doubled = model.fit(rows, labels, sample_weight=2 * weights).predict_proba(rows)
    spelled_out = model.fit(rows[repeated], labels[repeated]).predict_proba(rows)
    np.testing.assert_array_equal(weighted, spelled_out)
    np.testing.assert_array_equal(weighted, doubled)
    once = model.fit(rows, labels, sample_weight=weights > 0).predict_proba(rows)
    assert not np.array_equal(weighted, once)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_fitted_estimator_holds_no_jax_object_and_predicts_rows_independently(digits, name):
    model = DigitClassifier(**NETWORKS[name], random_state=0).fit(digits.rows[:120], digits.labels[:120])
    whole = model.predict_proba(digits.rows[:100])
    kinds = {type(leaf).__module__.split(".")[0] for leaf in jax.tree.leaves(vars(model))}
    assert kinds <= {"numpy", "builtins"}
    for n in (1, 7, 33):
        np.testing.assert_array_equal(model.predict_proba(digits.rows[100 - n : 100]), whole[-n:])


PLATFORMS = {"cpu": False, "cuda": True, "tpu": True}


def lower(function, *arguments, platform, **static):
    exported = jax.export.export(function, platforms=[platform])(*arguments, **static)
    assert exported.platforms == (platform,)
    return exported.mlir_module()


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", ["cnn", "strided_cnn", "resnet", "lenet5"])
def test_epoch_and_prediction_lower_for_each_platform_with_its_own_convolution(platform, name):
    """Without an accelerator; 200 times the difference in speed on a CPU hangs on it."""
    spec = MODELS[name]((12, 12), 10, Options(hidden_sizes=(6,), channels=(3, 4)))
    program = training.Program(spec, optimizer="adamw", schedule="one_cycle", batch_size=16, platform=platform)
    numbers = training.Hyperparameters()
    samples = make_samples(np.zeros((20, 144), np.uint8), np.arange(20) % 10)
    order = make_order(np.random.default_rng(0), 20, 16)
    state = jax.eval_shape(lambda: training.init(0, samples, numbers, program=program))
    run = jax.jit(partial(training.epoch, program=program))
    epoch = lower(run, state, samples, order, numbers, platform=platform)
    predictor = inference.Predictor(spec, platform)
    variables = training.predicting_variables(state, program)
    constants = inference.Constants(variables, np.zeros(1, np.float32), np.ones(1, np.float32))
    chunk = np.zeros((predictor.chunk_size, 144), np.uint8)
    prediction = lower(inference.chunk_logits, constants, chunk, platform=platform, predictor=predictor)
    for text in (epoch, prediction):
        assert bool(re.search(r"stablehlo\.convolution", text)) is PLATFORMS[platform]
        assert "f64" not in text
