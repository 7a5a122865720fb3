"""How time and memory grow with the size of a fit, and whether 300 fits leave anything behind.

python -m benchmarks.bench_scaling
"""

from __future__ import annotations

import sys

from benchmarks.harness import Measure, Question, Target, Variant, main
from benchmarks.scaling_page import make_page

__all__ = ["QUESTION", "make_page"]

BASE = {"samples": 20_000, "features": 784, "hidden": 128, "batch": 128, "members": 1}
SIZES = {
    "samples": (1_000, 4_000, 16_000, 64_000, 250_000, 1_000_000),
    "features": (16, 64, 256, 784, 3_136),
    "hidden": (16, 64, 256, 1_024, 4_096),
    "batch": (8, 32, 128, 512, 2_048),
    "members": (1, 4, 16, 64),
}
MANY = "300 fits"
CALL = "benchmarks.run_scaling:fit_once"

QUESTION = Question(
    name="scaling",
    title="How the cost grows",
    text=(
        "One size at a time grows; the others stay at 20,000 samples of 784 features, 128 hidden units, batches of 128 "
        "and one network. Seconds are those of a whole fit of one epoch on synthetic bytes, warm: the median of up to "
        "five fits in one process. Peak memory is that of the process, imports and data included. 300 fits in one "
        "process, with other seeds, rates and numbers of samples, are watched for what they leave behind: growth is "
        "resident memory after the last against that after the first 30."
    ),
    variants=(
        *(
            Variant(f"{axis} {size:,}", CALL, {"axis": axis, axis: size}, is_ours=True)
            for axis, sizes in SIZES.items()
            for size in sizes
        ),
        Variant(MANY, "benchmarks.run_scaling:fit_many", {"n_fits": 300}, is_ours=True),
    ),
    measures=(
        Measure("seconds", "seconds an epoch", 3),
        Measure("step_us", "microseconds a step", 0),
        Measure("peak_mib", "peak memory, MiB", 0),
        Measure("growth", "growth of memory, %", 1, 100.0),
    ),
    settings=BASE,
    quick={"samples": 500, "features": 16, "hidden": 16, "n_fits": 20},
    targets=(Target(MANY, None, 5.0, None, "growth"),),
    rounds=1,
    is_compared=False,
    minutes=4,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION, make=make_page))
