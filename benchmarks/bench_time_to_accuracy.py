"""How long it takes to 99 % on MNIST, warm and from the shell.

python -m benchmarks.bench_time_to_accuracy
python -m benchmarks.bench_time_to_accuracy --device gpu
"""

from __future__ import annotations

import sys

from benchmarks.harness import Measure, Question, Target, Variant, main
from jaxdigits.core.recipes import RECIPES

__all__ = ["QUESTION"]

N_SEEDS = 10
OURS, COLD = "jaxdigits", "jaxdigits, no warm-up"
TORCH = {"network": "cnn", "channels_last": True, "batch_size": 128, "epochs": 4}
RECIPE = RECIPES["fast"]
OUR_RECIPE = {
    "network": "strided",
    "channels_last": True,
    "features": RECIPE["channels"],
    "hidden": RECIPE["hidden_sizes"][0],
    "batch_size": 128,
    "epochs": RECIPE["max_epochs"],
    "peak_rate": 4e-3,
    "smoothing": 0.1,
}

QUESTION = Question(
    name="time_to_accuracy",
    title="Time to 99 % on MNIST",
    text=(
        f'`DigitClassifier(**RECIPES["fast"])`: 5x5 and 3x3 convolutions of stride 2 with {RECIPE["channels"][0]} and '
        f"{RECIPE['channels'][1]} channels, {RECIPE['hidden_sizes'][0]} hidden units, Muon along one cycle, "
        f"{RECIPE['max_epochs']} epochs in batches of 128; it was chosen on held-out training images. The mean of "
        f"{N_SEEDS} seeds on the 10,000 test images must be at least 99.0 %. *Fit* is from bytes in memory to weights "
        "that are ready to predict; *shell to result* is the life of the process, from its start to its exit, with "
        "imports, compilation and the accuracy on the test images. The row without warm-up is the one whose life "
        "counts; the other warms up with an epoch on shuffled labels. PyTorch trains the textbook network (3x3 "
        "x32, pool, 3x3 x64, pool, 128, Adam at 0.001, 4 epochs), and our network with AdamW at 0.004 along one cycle, "
        "for as many epochs; it is not warmed up, which takes it less than a second."
    ),
    variants=(
        Variant(OURS, "benchmarks.recipe:train", {"warm": True}, is_ours=True, rounds=N_SEEDS),
        Variant(COLD, "benchmarks.recipe:train", {"warm": False}, is_ours=True),
        Variant("PyTorch, channels last", "benchmarks.run_torch:train", TORCH, ("torch",)),
        Variant("PyTorch, our network", "benchmarks.run_torch:train", OUR_RECIPE, ("torch",)),
    ),
    measures=(Measure("seconds", "seconds, fit"), Measure("wall_seconds", "seconds, shell to result")),
    settings={"warm": False, "whole_fit": True, "recipe": {}},
    quick={"recipe": {"max_epochs": 1}, "epochs": 1},
    gate=0.99,
    gate_on_mean=True,
    targets=(Target(OURS, None, 6.0, 3.0, "seconds"), Target(COLD, None, 14.0, 9.0, "wall_seconds")),
    minutes=9,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION))
