"""How long a perceptron takes from the shell: start, imports, compilation, 20 epochs, and the test images.

python -m benchmarks.bench_cold_mlp
"""

from __future__ import annotations

import sys

from benchmarks.harness import Measure, Question, Target, Variant, main

__all__ = ["QUESTION"]

EPOCHS = 20
OURS = "jaxdigits"

QUESTION = Question(
    name="cold_mlp",
    title="A perceptron from the shell, cold",
    text=(
        "784-128-32-10 with ReLU on MNIST's 60,000 training images, Adam at 0.001, batches of 32, 20 epochs, then the "
        "accuracy on the test images: the life of the process, from its start to its exit, with imports and "
        "compilation. The images are read from an array file. *Command line* is `jaxdigits train` with its compilation "
        "cache, filled by an earlier run or empty; the row `jaxdigits` has none."
    ),
    variants=(
        Variant(OURS, "benchmarks.run_jaxdigits:train", {"model_name": "mlp"}, is_ours=True),
        Variant(
            "jaxdigits, command line, empty cache",
            "benchmarks.run_jaxdigits:train_by_command",
            {"model_name": "mlp", "cached": False},
            devices=("cpu",),
            is_ours=True,
        ),
        Variant(
            "jaxdigits, command line, filled cache",
            "benchmarks.run_jaxdigits:train_by_command",
            {"model_name": "mlp", "cached": True},
            devices=("cpu",),
            is_ours=True,
        ),
        Variant("scikit-learn", "benchmarks.run_sklearn:train", devices=("cpu",)),
        Variant("Keras, JAX", "benchmarks.run_keras:train", {"network": "mlp", "backend": "jax"}, ("keras",)),
    ),
    measures=(Measure("wall_seconds", "seconds, shell to result"), Measure("seconds", "seconds an epoch", 3)),
    settings={"hidden_sizes": [128, 32], "batch_size": 32, "epochs": EPOCHS, "warm": False},
    quick={"epochs": 2},
    gate=0.965,
    tolerance=0.01,
    targets=(Target(OURS, "scikit-learn", 2.0, 3.5),),
    minutes=7,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION))
