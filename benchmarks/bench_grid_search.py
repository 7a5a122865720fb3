"""How long a grid search takes from the shell.

python -m benchmarks.bench_grid_search
"""

from __future__ import annotations

import sys
from dataclasses import asdict

from benchmarks.grid import Grid
from benchmarks.harness import Measure, Question, Target, Variant, main

__all__ = ["QUESTION"]

OURS, VECTORIZED = "jaxdigits, GridSearchCV", "jaxdigits, VectorizedSearchCV"
SEARCH = "benchmarks.run_jaxdigits:search"

QUESTION = Question(
    name="grid_search",
    title="A grid search, cold",
    text=(
        "12 candidates (3 learning rates, 4 penalties) x 5 folds on the 1,797 8x8 digits: a perceptron with 100 hidden "
        "units, Adam, batches of 32, 50 epochs, and the best candidate once more on all. Seconds are the life of the "
        "process, with imports and compilation. Accuracy is the best mean score over the folds, which are the same for "
        "everyone; a search that trains less is no result, so the epochs are what the best candidate counted itself."
    ),
    variants=(
        Variant(OURS, SEARCH, {"vectorized": False, "n_jobs": None}, is_ours=True),
        Variant(VECTORIZED, SEARCH, {"vectorized": True, "n_jobs": None}, is_ours=True),
        Variant(f"{OURS}, n_jobs=2", SEARCH, {"vectorized": False, "n_jobs": 2}, devices=("cpu",), is_ours=True),
        Variant("scikit-learn, n_jobs=2", "benchmarks.run_sklearn:search", {"n_jobs": 2}, devices=("cpu",)),
    ),
    measures=(
        Measure("wall_seconds", "seconds, shell to result"),
        Measure("epochs", "epochs", 0),
        Measure("candidates", "candidates", 0),
    ),
    settings={"grid": asdict(Grid())},
    quick={"grid": asdict(Grid(learning_rates=(1e-3, 3e-3), decays=(0.0,), epochs=2, n_folds=2, n_samples=400))},
    gate=0.97,
    tolerance=0.005,
    targets=(
        Target(OURS, "scikit-learn, n_jobs=2", 2.0, 4.0),
        Target(VECTORIZED, "scikit-learn, n_jobs=2", 3.0, 6.0),
        Target(f"{OURS}, n_jobs=2", OURS, 0.9, 1.0),
    ),
    minutes=5,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION))
