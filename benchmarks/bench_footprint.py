"""How much memory a fit takes, and how much space an installation.

python -m benchmarks.bench_footprint
"""

from __future__ import annotations

import sys

from benchmarks.harness import Measure, Question, Variant, main

__all__ = ["QUESTION"]

TORCH = {"distribution": "torch"}
SIZE, MLP, CNN = "benchmarks.run_basics:installed_size", {"network": "mlp"}, {"network": "cnn"}
PERCEPTRON = {"model_name": "mlp"}
PICTURES = {"model_name": "cnn", "channels": [32, 64], "hidden_sizes": [128], "batch_size": 128, "n_images": 60_000}

QUESTION = Question(
    name="footprint",
    title="Memory of a fit, and size of an installation",
    text=(
        "Peak resident memory of a process that fits MNIST's 60,000 images for one epoch, imports, data and "
        "compilation included; the images themselves are 45 MiB as bytes and 179 MiB as float32. Sizes are those of "
        "the installed files, alone and with all that is required (compiled Python files and extras left out); those "
        "of PyTorch are of the build for CPUs, if that is what is installed."
    ),
    variants=(
        Variant("jaxdigits, perceptron", "benchmarks.run_jaxdigits:train", PERCEPTRON, is_ours=True),
        Variant("scikit-learn, perceptron", "benchmarks.run_sklearn:train", devices=("cpu",)),
        Variant("PyTorch, perceptron", "benchmarks.run_torch:train", MLP, ("torch",)),
        Variant("jaxdigits, convolutional", "benchmarks.run_jaxdigits:train", PICTURES, is_ours=True, rounds=3),
        Variant(
            "PyTorch, convolutional",
            "benchmarks.run_torch:train",
            {**CNN, "channels_last": True, "batch_size": 128},
            ("torch",),
            rounds=3,
        ),
        Variant(
            "jaxdigits, installed", SIZE, {"distribution": "jaxdigits", "folder": "jaxdigits"}, is_ours=True, rounds=1
        ),
        Variant("scikit-learn, installed", SIZE, {"distribution": "scikit-learn"}, rounds=1),
        Variant("PyTorch, installed", SIZE, TORCH, ("torch",), rounds=1),
        Variant("Keras and TensorFlow, installed", SIZE, {"distribution": "tensorflow"}, ("tensorflow",), rounds=1),
    ),
    measures=(
        Measure("peak_mib", "peak memory, MiB", 0),
        Measure("own_mib", "own files, MiB", 1),
        Measure("total_mib", "with all that is required, MiB", 0),
    ),
    settings={"hidden_sizes": [128, 32], "batch_size": 128, "epochs": 1, "warm": False},
    quick={"n_images": 1_000},
    is_compared=False,
    minutes=3,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION))
