"""How long scikit-learn's checks of an estimator take.

python -m benchmarks.bench_check_estimator
"""

from __future__ import annotations

import sys

from benchmarks.harness import Measure, Question, Target, Variant, main

__all__ = ["QUESTION"]

DEFAULT, CNN = "DigitClassifier()", 'DigitClassifier("cnn")'

QUESTION = Question(
    name="check_estimator",
    title="scikit-learn's checks of an estimator",
    text=(
        "`check_estimator` with all defaults: about a hundred fits of many shapes, so this is a measure of what a fit "
        "costs beside the training. Seconds are those of the checks, compilation included and imports left out; a row "
        "counts if it passes all that this environment runs."
    ),
    variants=(
        Variant(DEFAULT, "benchmarks.run_jaxdigits:check", {"model_name": "auto"}, devices=("cpu",), is_ours=True),
        Variant(CNN, "benchmarks.run_jaxdigits:check", {"model_name": "cnn"}, devices=("cpu",), is_ours=True),
        Variant("MLPClassifier()", "benchmarks.run_sklearn:check", devices=("cpu",)),
    ),
    measures=(Measure("seconds", "seconds", 1), Measure("passed", "passed", 0), Measure("skipped", "skipped", 0)),
    quick={"quick": True},
    gate=1.0,
    targets=(Target(DEFAULT, None, 15.0, 8.0), Target(CNN, None, 60.0, 30.0)),
    minutes=5,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION))
