"""Optimizers and learning-rate schedules whose numbers stay traced, so that another rate compiles nothing new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

Scalar = jax.Array | float


class Settings(NamedTuple):
    """What an optimizer reads at one step: traced numbers, and one static switch.

    Attributes
    ----------
    learning_rate : scalar
        This step's rate, the schedule applied.
    momentum : scalar
        Momentum of sgd and muon.
    weight_decay : scalar
        Strength of the decay; it acts on kernels, not on biases or scales.
    nesterov : bool
        Nesterov's momentum for sgd; static.
    """

    learning_rate: Scalar
    momentum: Scalar
    weight_decay: Scalar
    nesterov: bool


NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5
"""Coefficients and length of Muon's iteration (Jordan et al., 2024): singular values above a hundredth of the norm end
between 0.7 and 1.2, smaller ones grow at most 485 times."""

MOST_FLAT = 1 << 15
"""Parameters up to which Adam sees one vector: the step of a perceptron of 64-100-10 is a tenth faster so, and compiles
in two thirds of the time. With the 101,770 of 784-128-10 it is a hundred times slower: XLA merges the product that
makes the gradient into the concatenation."""

ADAM_SHARE = 0.2
"""Muon's companion rate: what no matrix update suits (biases, the last layer) runs Adam at this share of the rate."""


def make_sgd(settings: Settings) -> optax.GradientTransformation:
    """Make stochastic gradient descent with momentum; weight decay is added to the gradient (L2).

    Parameters
    ----------
    settings : Settings
        This step's numbers.

    Returns
    -------
    optax.GradientTransformation

    Examples
    --------
    >>> from jaxdigits.core.optimizers import Settings, make_sgd
    >>> transformation = make_sgd(Settings(learning_rate=0.1, momentum=0.9, weight_decay=0.0, nesterov=False))
    >>> callable(transformation.init), callable(transformation.update)
    (True, True)
    """
    return optax.chain(
        optax.add_decayed_weights(settings.weight_decay, mask=is_kernel),
        optax.trace(decay=settings.momentum, nesterov=settings.nesterov),
        optax.scale_by_learning_rate(settings.learning_rate),
    )


def make_adam(settings: Settings) -> optax.GradientTransformation:
    """Make Adam (Kingma & Ba, ICLR 2015); weight decay is added to the gradient (L2).

    Parameters
    ----------
    settings : Settings
        This step's numbers.

    Returns
    -------
    optax.GradientTransformation

    Examples
    --------
    >>> from jaxdigits.core.optimizers import Settings, make_adam
    >>> transformation = make_adam(Settings(learning_rate=0.1, momentum=0.9, weight_decay=0.0, nesterov=False))
    >>> callable(transformation.init), callable(transformation.update)
    (True, True)
    """
    return optax.chain(
        optax.add_decayed_weights(settings.weight_decay, mask=is_kernel),
        _scale_by_adam(),
        optax.scale_by_learning_rate(settings.learning_rate),
    )


def make_adamw(settings: Settings) -> optax.GradientTransformation:
    """Make AdamW: Adam with weight decay decoupled from the gradient (Loshchilov & Hutter, ICLR 2019).

    Parameters
    ----------
    settings : Settings
        This step's numbers.

    Returns
    -------
    optax.GradientTransformation

    Examples
    --------
    >>> from jaxdigits.core.optimizers import Settings, make_adamw
    >>> transformation = make_adamw(Settings(learning_rate=0.1, momentum=0.9, weight_decay=0.0, nesterov=False))
    >>> callable(transformation.init), callable(transformation.update)
    (True, True)
    """
    return optax.chain(
        _scale_by_adam(),
        optax.add_decayed_weights(settings.weight_decay, mask=is_kernel),
        optax.scale_by_learning_rate(settings.learning_rate),
    )


def make_muon(settings: Settings) -> optax.GradientTransformation:
    """Make Muon (Jordan et al., 2024) for hidden matrices; biases and the last layer run AdamW at a share of the rate.

    Convolution kernels are matrices here, so they are orthogonalized too; a kernel of more axes is no hidden matrix.
    The last layer is told by its position in the spec; a user's own network has none, so "auto" gives it AdamW.

    Parameters
    ----------
    settings : Settings
        This step's numbers.

    Returns
    -------
    optax.GradientTransformation

    Examples
    --------
    >>> from jaxdigits.core.optimizers import Settings, make_muon
    >>> transformation = make_muon(Settings(learning_rate=0.1, momentum=0.9, weight_decay=0.0, nesterov=False))
    >>> callable(transformation.init), callable(transformation.update)
    (True, True)
    """
    hidden = optax.chain(
        optax.trace(decay=settings.momentum, nesterov=True),
        optax.stateless_with_tree_map(lambda update, _: _widen(orthogonalize(update))),
        optax.add_decayed_weights(settings.weight_decay),
        optax.scale_by_learning_rate(settings.learning_rate),
    )
    rest = make_adamw(settings._replace(learning_rate=ADAM_SHARE * settings.learning_rate))
    return optax.partition({"hidden": hidden, "rest": rest}, _label_hidden)


OPTIMIZERS: dict[str, Callable[[Settings], optax.GradientTransformation]] = {
    "sgd": make_sgd,
    "adam": make_adam,
    "adamw": make_adamw,
    "muon": make_muon,
}
"""Optimizers by name: settings of one step -> Optax transformation. All honor `weight_decay`."""

Optimizer = str | Callable[[], optax.GradientTransformation]


def make_optimizer(optimizer: Optimizer, settings: Settings) -> optax.GradientTransformation:
    """Make a named optimizer, or call the user's factory, which brings its own numbers.

    Parameters
    ----------
    optimizer : str or callable
        A name in `OPTIMIZERS`, or a zero-argument factory of an Optax transformation.
    settings : Settings
        This step's numbers; a factory does not see them.

    Returns
    -------
    optax.GradientTransformation

    Examples
    --------
    >>> from jaxdigits.core.optimizers import Settings, make_optimizer
    >>> settings = Settings(learning_rate=0.1, momentum=0.9, weight_decay=0.0, nesterov=False)
    >>> callable(make_optimizer("sgd", settings).update)
    True
    """
    if callable(optimizer):
        return optimizer()
    return OPTIMIZERS[optimizer](settings)


def is_kernel(params: Any) -> Any:
    """Mark the kernels among flatly named parameters: what weight decay acts on.

    Parameters
    ----------
    params : pytree of arrays
        Parameters by flat name.

    Returns
    -------
    pytree of bool
        True for arrays of two axes or more.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.optimizers import is_kernel
    >>> is_kernel({"kernel": np.zeros((3, 2)), "bias": np.zeros(2)})
    {'bias': False, 'kernel': True}
    """
    return jax.tree.map(lambda leaf: leaf.ndim >= 2, params)  # passes over what Optax masks out


def _scale_by_adam() -> optax.GradientTransformation:
    """Adam's moments, kept in one vector where there are few parameters: every array more is more programs a step."""
    apart, together = optax.scale_by_adam(), optax.flatten(optax.scale_by_adam())

    def choose(tree: Any) -> optax.GradientTransformation:
        return together if sum(leaf.size for leaf in jax.tree.leaves(tree)) <= MOST_FLAT else apart

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        return choose(updates).update(updates, state, params)

    return optax.GradientTransformation(lambda params: choose(params).init(params), update)


def _label_hidden(params: dict[str, Any]) -> dict[str, str]:
    matrices = [name for name, leaf in params.items() if leaf.ndim == 2]
    last = max(matrices, key=_position, default=None)
    return {name: "hidden" if name in matrices and name != last else "rest" for name in params}


def orthogonalize(matrix: jax.Array) -> jax.Array:
    """Bring the singular values of a matrix close to 1 (Newton-Schulz iteration, as in Muon: Jordan et al., 2024).

    Every step of the iteration multiplies the matrix by a polynomial of its Gram matrix, and such polynomials commute:
    they are multiplied up among themselves, and the matrix, whose one side may be long, only at the end. On the
    1200 x 64 kernel of the fast recipe that is a third of the work of iterating on the matrix itself, on a square one
    half as much again. Gram matrices square the range of the singular values, so full float32 products are asked for.

    Parameters
    ----------
    matrix : jax.Array of shape (n, m)
        Any scale; zeros stay zeros.

    Returns
    -------
    jax.Array of shape (n, m)

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.optimizers import orthogonalize
    >>> matrix = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    >>> singular_values = np.linalg.svd(orthogonalize(matrix), compute_uv=False)
    >>> bool(0.6 < singular_values.min() < singular_values.max() < 1.3)
    True
    """
    tall = matrix.shape[0] >= matrix.shape[1]
    scaled = matrix / (jnp.linalg.norm(matrix) + 1e-8)
    one = jnp.eye(min(matrix.shape), dtype=matrix.dtype)
    a, b, c = NEWTON_SCHULZ

    def multiply(left: jax.Array, right: jax.Array) -> jax.Array:
        return jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)

    def advance(_: int, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        gram, product = carry
        factor = a * one + b * gram + c * multiply(gram, gram)
        return multiply(multiply(factor, gram), factor), multiply(product, factor)

    gram = multiply(scaled.T, scaled) if tall else multiply(scaled, scaled.T)
    _, product = jax.lax.fori_loop(0, NEWTON_SCHULZ_STEPS, advance, (gram, one))
    return multiply(scaled, product) if tall else multiply(product, scaled)


def _widen(update: jax.Array) -> jax.Array:
    """Scale a rotation so that outputs move alike whatever the kernel's shape (Jordan et al., 2024)."""
    n_inputs, n_outputs = update.shape
    factor: float = max(1.0, n_outputs / n_inputs) ** 0.5
    return factor * update


def _position(name: str) -> tuple[int, ...]:
    """Order "layers.10.kernel" behind "layers.7.kernel"."""
    return tuple(int(part) for part in name.split(".") if part.isdigit())


def constant(progress: jax.Array) -> jax.Array:
    """Keep the rate.

    Parameters
    ----------
    progress : jax.Array
        Share of the run that is over, 0 to 1.

    Returns
    -------
    jax.Array
        Share of the learning rate, of the same shape.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.optimizers import constant
    >>> constant(np.array([0.0, 0.5, 1.0])).round(2).tolist()
    [1.0, 1.0, 1.0]
    """
    return jnp.ones_like(progress)


def cosine(progress: jax.Array) -> jax.Array:
    """Fall to zero along half a cosine (Loshchilov & Hutter, ICLR 2017).

    Parameters
    ----------
    progress : jax.Array
        Share of the run that is over, 0 to 1.

    Returns
    -------
    jax.Array
        Share of the learning rate, of the same shape.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.optimizers import cosine
    >>> cosine(np.array([0.0, 0.5, 1.0])).round(2).tolist()
    [1.0, 0.5, 0.0]
    """
    return 0.5 * (1.0 + jnp.cos(jnp.pi * progress))


WARMUP = 0.2


def one_cycle(progress: jax.Array) -> jax.Array:
    """Rise linearly over the first fifth, then fall linearly to zero (after Smith & Topin, 2018).

    Parameters
    ----------
    progress : jax.Array
        Share of the run that is over, 0 to 1.

    Returns
    -------
    jax.Array
        Share of the learning rate, of the same shape.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.optimizers import one_cycle
    >>> one_cycle(np.array([0.0, 0.2, 0.6, 1.0])).round(2).tolist()
    [0.0, 1.0, 0.5, 0.0]
    """
    return jnp.minimum(progress / WARMUP, (1.0 - progress) / (1.0 - WARMUP))


SCHEDULES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "constant": constant,
    "cosine": cosine,
    "one_cycle": one_cycle,
}
"""Schedules by name: progress of the run in [0, 1] -> share of the learning rate.

They are closed forms of our own because Optax's raise on a traced number of steps.
"""


def scheduled_rate(schedule: str, learning_rate: Scalar, *, step: jax.Array, total_steps: Scalar) -> jax.Array:
    """Return the rate of a step; steps are counted from 0 and a step's rate is taken at its middle.

    Parameters
    ----------
    schedule : str
        A name in `SCHEDULES`.
    learning_rate : scalar
        The peak.
    step : jax.Array
        Steps taken so far.
    total_steps : scalar
        Length of the run; traced.

    Returns
    -------
    jax.Array of shape (), float32

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from jaxdigits.core.optimizers import scheduled_rate
    >>> round(float(scheduled_rate("cosine", 0.1, step=jnp.int32(0), total_steps=100)), 4)
    0.1
    """
    progress = (step.astype(jnp.float32) + 0.5) / total_steps
    return jnp.asarray(learning_rate, jnp.float32) * SCHEDULES[schedule](jnp.clip(progress, 0.0, 1.0))
