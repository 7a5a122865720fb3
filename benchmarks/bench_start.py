"""How long imports take, and objects before they are fitted.

python -m benchmarks.bench_start
"""

from __future__ import annotations

import sys

from benchmarks.harness import Measure, Question, Target, Variant, main

__all__ = ["QUESTION"]

IMPORT, OBJECTS = "benchmarks.run_basics:import_module_cold", "benchmarks.run_basics:use_objects"
OURS, CLASSIFIER = "import jaxdigits", "DigitClassifier()"

QUESTION = Question(
    name="start",
    title="Imports and objects",
    text=(
        "Imports are those of a new process in which NumPy is loaded; objects are constructed, cloned and shown 200 "
        "times. *Brought along* would name JAX, Flax, Optax or scikit-learn if `import jaxdigits` imported them, or "
        "JAX if an object did."
    ),
    variants=(
        Variant(OURS, IMPORT, {"module": "jaxdigits"}, devices=("cpu",), is_ours=True),
        Variant("from jaxdigits import DigitClassifier", IMPORT, {"module": "jaxdigits.estimator"}, is_ours=True),
        Variant("import sklearn.neural_network", IMPORT, {"module": "sklearn.neural_network"}),
        Variant("import jax", IMPORT, {"module": "jax"}),
        Variant("import torch", IMPORT, {"module": "torch"}, ("torch",)),
        Variant("import keras (TensorFlow)", IMPORT, {"module": "keras"}, ("keras", "tensorflow")),
        Variant(CLASSIFIER, OBJECTS, {"module": "jaxdigits", "class": "DigitClassifier"}, is_ours=True),
        Variant("MLPClassifier()", OBJECTS, {"module": "sklearn.neural_network", "class": "MLPClassifier"}),
    ),
    measures=(
        Measure("seconds", "seconds, import", 3),
        Measure("construct_us", "microseconds, construct", 1),
        Measure("clone_us", "clone", 1),
        Measure("repr_us", "repr", 1),
        Measure("brought", "brought along"),
    ),
    targets=(Target(OURS, None, 0.1, None),),
    is_compared=False,
    minutes=1.5,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION))
