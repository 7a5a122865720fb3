"""What worker processes are worth to a grid search, and what becomes of it when each runs a thread for every core.

python -m benchmarks.bench_workers
"""

from __future__ import annotations

import sys
from dataclasses import asdict

from benchmarks.grid import Grid
from benchmarks.harness import Measure, Question, Target, Variant, main

__all__ = ["QUESTION"]

ALONE, WORKERS, CROWDED = "n_jobs=None", "n_jobs=2", "n_jobs=2, a thread for every core in each"
SEARCH = "benchmarks.run_jaxdigits:search_twice"
SHARED = {"vectorized": False}

QUESTION = Question(
    name="workers",
    title="A grid search in worker processes",
    text=(
        'The search of the page "A grid search, cold", by `GridSearchCV` over `DigitClassifier`, twice in the same '
        "process. The first time, the process imports scikit-learn and JAX and compiles the program, and so does every "
        "worker, which starts Python before. The second time, all that is there. joblib tells its workers how many "
        "threads each should run, which this library passes on to XLA; in the last row it was overruled."
    ),
    variants=(
        Variant(ALONE, SEARCH, {**SHARED, "n_jobs": None}, devices=("cpu",), is_ours=True),
        Variant(WORKERS, SEARCH, {**SHARED, "n_jobs": 2}, devices=("cpu",), is_ours=True),
        Variant(CROWDED, SEARCH, {**SHARED, "n_jobs": 2, "crowded": True}, devices=("cpu",), is_ours=True),
    ),
    measures=(
        Measure("first_seconds", "seconds, the first time"),
        Measure("again_seconds", "seconds, once more"),
        Measure("epochs", "epochs", 0),
    ),
    settings={"grid": asdict(Grid())},
    quick={"grid": asdict(Grid(learning_rates=(1e-3, 3e-3), decays=(0.0,), epochs=2, n_folds=2, n_samples=400))},
    gate=0.97,
    tolerance=0.005,
    targets=(Target(WORKERS, ALONE, 0.9, 1.0, "again_seconds"),),
    minutes=5,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION))
