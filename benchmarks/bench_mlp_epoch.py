"""How long an epoch of a perceptron takes, warm.

python -m benchmarks.bench_mlp_epoch
python -m benchmarks.bench_mlp_epoch --quick --output FOLDER
"""

from __future__ import annotations

import sys

from benchmarks.harness import FLOOR, Measure, Question, Target, Variant, main
from benchmarks.networks import MLP, training_operations

__all__ = ["QUESTION"]

SHARED = {"hidden_sizes": [128, 32], "batch_size": 32, "epochs": 2, "warm": True}
OURS = "jaxdigits"

QUESTION = Question(
    name="mlp_epoch",
    title="An epoch of a perceptron, warm",
    text=(
        "784-128-32-10 with ReLU on MNIST's 60,000 training images, Adam at 0.001, batches of 32, two epochs from new "
        "weights; seconds are those of the whole fit over the number of epochs. Before that, everyone trains a little "
        "on shuffled labels, so that all is imported, compiled and allocated. Every library is given the images in the "
        "form it likes best, made before the clock starts: bytes for jaxdigits, float32 in [0, 1] for the others. "
        "PyTorch gathers its batches from a tensor, without a DataLoader. No penalty, no validation."
    ),
    variants=(
        Variant(OURS, "benchmarks.run_jaxdigits:train", {"model_name": "mlp"}, is_ours=True),
        Variant("scikit-learn", "benchmarks.run_sklearn:train", devices=("cpu",)),
        Variant("PyTorch", "benchmarks.run_torch:train", {"network": "mlp"}, ("torch",)),
        Variant("PyTorch, compiled", "benchmarks.run_torch:train", {"network": "mlp", "compiled": True}, ("torch",)),
        Variant("skorch", "benchmarks.run_skorch:train", {"network": "mlp"}, ("torch", "skorch")),
        Variant("Keras, JAX", "benchmarks.run_keras:train", {"network": "mlp", "backend": "jax"}, ("keras",)),
        Variant(
            "Keras, TensorFlow",
            "benchmarks.run_keras:train",
            {"network": "mlp", "backend": "tensorflow", "epochs": 1},
            ("keras", "tensorflow"),
        ),
    ),
    measures=(Measure("seconds", "seconds an epoch", 3),),
    settings=SHARED,
    quick={"epochs": 1},
    gate=0.94,
    tolerance=0.02,
    operations=60_000 * training_operations(MLP),
    targets=(Target(OURS, "best peer", 3.5, 5.0), Target(OURS, FLOOR, None, 1.5)),
    minutes=6,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION))
