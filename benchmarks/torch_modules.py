"""The measured networks as PyTorch modules, for PyTorch itself and for skorch."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import nn

__all__ = ["make_cnn", "make_mlp", "make_strided"]


def make_mlp(n_inputs: int, hidden_sizes: tuple[int, ...]) -> Any:
    """Make a perceptron with ReLU and ten logits."""
    sizes = (n_inputs, *hidden_sizes)
    hidden = [module for pair in pairwise(sizes) for module in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], 10))


def make_cnn() -> Any:
    """Make the network that `benchmarks.networks.CNN` counts: 3x3 x32, pool, 3x3 x64, pool, dense 128."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1600, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def make_strided(features: tuple[int, int], hidden: int) -> Any:
    """Make the small network of `benchmarks.recipe`: 5x5 and 3x3 convolutions of stride 2, then a dense layer."""
    first, second = features
    return nn.Sequential(
        nn.Conv2d(1, first, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(first, second, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(25 * second, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 10),
    )
