"""How long an epoch of a convolutional network takes, warm.

python -m benchmarks.bench_cnn_epoch
python -m benchmarks.bench_cnn_epoch --device gpu
"""

from __future__ import annotations

import sys

from benchmarks.harness import FLOOR, Measure, Question, Target, Variant, main
from benchmarks.networks import CNN, training_operations

__all__ = ["QUESTION"]

N_IMAGES = 20_000
SHARED = {"hidden_sizes": [128], "channels": [32, 64], "batch_size": 128, "epochs": 1, "warm": True}
TORCH = {"network": "cnn"}
LAST = {**TORCH, "channels_last": True}
OURS = "jaxdigits"

QUESTION = Question(
    name="cnn_epoch",
    title="An epoch of a convolutional network, warm",
    text=(
        "3x3 convolutions of 32 and 64 without padding, each with ReLU and pooled 2x2, then dense 128 and 10: the same "
        "225,034 weights for everyone; Adam at 0.001, batches of 128. Everyone trains once on MNIST's first 20,000 "
        "training images, since an epoch of all takes some of them a minute; the last column of times is that of "
        "60,000, three times as long. Before that, everyone trains a little on shuffled labels. Every library is given "
        "the images in the form it likes best, made before the clock starts."
    ),
    variants=(
        Variant(OURS, "benchmarks.run_jaxdigits:train", {"model_name": "cnn"}, is_ours=True),
        Variant("PyTorch, channels last", "benchmarks.run_torch:train", LAST, ("torch",)),
        Variant("PyTorch", "benchmarks.run_torch:train", TORCH, ("torch",)),
        Variant(
            "PyTorch, channels last, compiled", "benchmarks.run_torch:train", {**LAST, "compiled": True}, ("torch",)
        ),
        Variant("skorch, channels last", "benchmarks.run_skorch:train", LAST, ("torch", "skorch")),
        Variant(
            "Keras, TensorFlow",
            "benchmarks.run_keras:train",
            {**TORCH, "backend": "tensorflow"},
            ("keras", "tensorflow"),
        ),
        Variant("Keras, JAX", "benchmarks.run_keras:train", {**TORCH, "backend": "jax"}, ("keras",)),
    ),
    measures=(
        Measure("seconds", "seconds for 20,000 images"),
        Measure("seconds", "seconds an epoch of 60,000", factor=60_000 / N_IMAGES),
    ),
    settings={**SHARED, "n_images": N_IMAGES},
    quick={"n_images": 1_000},
    gate=0.90,
    tolerance=0.03,
    operations=N_IMAGES * training_operations(CNN),
    targets=(Target(OURS, "best peer", 1.3, 1.7), Target(OURS, FLOOR, None, 1.3)),
    minutes=9,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION))
