"""The networks that all libraries train, and how many operations they take."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CNN", "MLP", "SMALL_MLP", "Layer", "forward_operations", "training_operations"]


class Layer(NamedTuple):
    """A matrix product of one image: `positions` rows of `n_inputs` numbers with a kernel of `n_outputs` columns."""

    positions: int
    n_inputs: int
    n_outputs: int

    @property
    def products(self) -> int:
        """Multiplications with addition."""
        return self.positions * self.n_inputs * self.n_outputs


MLP = (Layer(1, 784, 128), Layer(1, 128, 32), Layer(1, 32, 10))
"""784-128-32-10, ReLU."""

CNN = (Layer(26 * 26, 9, 32), Layer(11 * 11, 9 * 32, 64), Layer(1, 5 * 5 * 64, 128), Layer(1, 128, 10))
"""3x3 convolutions of 32 and 64 without padding, each pooled 2x2, dense 128, ReLU: on images of 28 x 28."""

SMALL_MLP = (Layer(1, 64, 100), Layer(1, 100, 10))
"""64-100-10, ReLU: for the 8x8 digits."""


def forward_operations(layers: tuple[Layer, ...]) -> int:
    """Count the floating-point operations of predicting one image; only matrix products are counted.

    Examples
    --------
    >>> from benchmarks.networks import SMALL_MLP, forward_operations
    >>> forward_operations(SMALL_MLP)
    14800
    """
    return 2 * sum(layer.products for layer in layers)


def training_operations(layers: tuple[Layer, ...]) -> int:
    """Count the floating-point operations of training on one image once.

    Forward, the kernels' gradients, and the inputs' gradients, which the first layer does without.

    Examples
    --------
    >>> from benchmarks.networks import MLP, training_operations
    >>> training_operations(MLP)
    427904
    """
    return 3 * forward_operations(layers) - 2 * layers[0].products
