"""Training vmapped over members: many networks of one shape take their steps together, each with its own numbers.

`init` and `epoch` are those of `training`, over states whose leaves have a first axis of members. A member has its own
seed, batch order, samples out of a common table, sample weights, units and `Hyperparameters`; they share the
`Program`. A member that has nothing left to do is frozen by a mask, so that folds of different sizes, runs of different
lengths and networks that stopped early still share one compiled program.

Why together at all: a small network's step is mostly overhead. Twelve perceptrons of 64-100-10 at batch 32 take 28 us
of CPU time a step each where one alone takes 47; and one call serves them all where each would come back to Python.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdigits.core import training
from jaxdigits.core.devices import cache_bytes
from jaxdigits.core.padding import param_shapes
from jaxdigits.core.samples import Samples
from jaxdigits.core.specs import Conv, ModelSpec, Residual
from jaxdigits.core.training import FIRST_STEP, ZERO_INFO, Hyperparameters, Info, Program, TrainState

FLOAT_BYTES = 4
STATE_COPIES = 4
"""Arrays as large as the parameters that a step touches: parameters, gradient, two moments."""

CACHE_SHARE = 1.5
"""How many second-level caches the members' states may fill on a CPU: twelve perceptrons of 64-100-10 do, and sixty of
them at once took 1.5 times as long (7.0 s against 4.5 s)."""

MOST_MEMBERS = 128
ACCELERATOR_BYTES = 1 << 30

MEMBER_AXES = Samples(None, None, 0, 0, 0, 0, None, None)
"""Which parts of the samples a member has for itself: weights, units and number, not the table of rows and labels."""


def members_at_once(program: Program) -> int:
    """Say how many members one program should train together; 1 means one after another is faster.

    On a CPU small dense networks gain as long as their states stay in the cache. Convolutions do not: their matrix
    products fill the machine already, one network at a time (four of the 32-64-128 network took 135 ms of CPU time each
    for what one alone did in 128, and 144 at the micro-batch that is best alone). On an accelerator a step's cost is in
    its launches, so all go together that fit its memory. A user's own network or optimizer trains alone, since nothing
    is known of it.

    Parameters
    ----------
    program : Program
        Static.

    Returns
    -------
    int
        From 1 to 128.

    Examples
    --------
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.population import members_at_once
    >>> from jaxdigits.core.training import Program
    >>> network = MODELS["cnn"]((28, 28), 10, Options())
    >>> members_at_once(Program(network, platform="cpu"))
    1
    """
    if not isinstance(program.model, ModelSpec) or callable(program.optimizer) or any(map(callable, program.augment)):
        return 1
    floats = STATE_COPIES * sum(math.prod(shape) for shape in param_shapes(program.model).values())
    if (program.platform or jax.default_backend()) != "cpu":
        floats += program.batch_size * math.prod(program.model.input_shape) * len(program.model.layers)
        return int(min(MOST_MEMBERS, max(1, ACCELERATOR_BYTES // (FLOAT_BYTES * floats))))
    if _convolves(program.model):
        return 1
    return int(min(MOST_MEMBERS, max(1, CACHE_SHARE * cache_bytes() // (FLOAT_BYTES * floats))))


def joint_program(program: Program) -> Program:
    """Return the program for members: convolutions by patches, whatever the platform.

    Kernels with an axis of members would make a native convolution a grouped one, the slow path of every backend.

    Parameters
    ----------
    program : Program
        That of a single network.

    Returns
    -------
    Program

    Examples
    --------
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.population import joint_program
    >>> from jaxdigits.core.training import Program
    >>> joint_program(Program(MODELS["mlp"]((8, 8), 10, Options()))).micro_batch_size
    32
    """
    platform = program.platform or jax.default_backend()
    micro = program.micro_batch_size or training.preferred_micro_batch(program.model, program.batch_size, platform)
    return replace(program, platform="cpu", micro_batch_size=micro)


def stack(trees: Sequence[Any]) -> Any:
    """Put the leaves of members' trees together, on the host, with a first axis of members.

    Parameters
    ----------
    trees : sequence of pytrees
        One a member, all alike.

    Returns
    -------
    pytree of ndarray

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.population import stack
    >>> stack([{"a": np.zeros(3)}, {"a": np.ones(3)}])["a"].shape
    (2, 3)
    """
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *trees)


def unstack(tree: Any, n_members: int) -> list[Any]:
    """Take the first axis of every leaf apart, on the host: one tree a member.

    Parameters
    ----------
    tree : pytree
        Its leaves have a first axis of members.
    n_members : int
        How many to take.

    Returns
    -------
    list of pytrees

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.population import unstack
    >>> [tree["a"].tolist() for tree in unstack({"a": np.eye(2)}, 2)]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    on_host = jax.device_get(tree)
    return [jax.tree.map(lambda leaf, index=index: leaf[index], on_host) for index in range(n_members)]


def init(
    seeds: Sequence[Any], samples: Samples, hyperparameters: Sequence[Hyperparameters], *, program: Program
) -> TrainState:
    """Draw the members' initial states, bit for bit those of `training.init`.

    They are drawn one by one through the program that single networks share: it takes 0.2 ms each, and a vmapped one
    would take half a second to compile.

    Parameters
    ----------
    seeds : sequence of int
        One a member.
    samples : Samples
        Only `n_features` is read.
    hyperparameters : sequence of Hyperparameters
        One a member.
    program : Program
        Static.

    Returns
    -------
    TrainState
        On the host; its leaves have a first axis of members.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core import population
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.samples import make_order, make_samples
    >>> from jaxdigits.core.training import Hyperparameters, Program
    >>> program = population.joint_program(Program(MODELS["linear"]((8, 8), 10, Options())))
    >>> samples = make_samples(np.eye(10, 64), np.arange(10))
    >>> numbers = [Hyperparameters(learning_rate=rate) for rate in (0.01, 0.1)]
    >>> states = population.init([0, 1], samples, numbers, program=program)
    >>> states.params["layers.1.kernel"].shape
    (2, 64, 10)
    """
    pairs = zip(seeds, hyperparameters, strict=True)
    states: TrainState = stack([training.init(seed, samples, numbers, program=program) for seed, numbers in pairs])
    return states


def epoch(
    states: TrainState,
    samples: Samples,
    orders: Any,
    hyperparameters: Hyperparameters,
    *,
    program: Program,
    active: Any,
    first_step: Any = FIRST_STEP,
    n_steps: Any,
    info: Info,
) -> tuple[TrainState, Info]:
    """Run an epoch of every active member, or some steps of one; pure.

    Parameters
    ----------
    states : TrainState
        Leaves with a first axis of members, as all arrays below unless stated.
    samples : Samples
        `images` and `labels` are one table for all, without that axis; `n_features` and `n_classes` are scalars.
    orders : int32 array of shape (members, whole batches of the row bucket)
        Rows of the table: see `samples.make_order`.
    hyperparameters : Hyperparameters
        All members drop something, or none does and `dropout` is None.
    program : Program
        From `joint_program`; static.
    active : bool array of shape (members,), or None
        The others stay as they are. None says that all members have the same number of steps and none is frozen, and
        compiles no masks, which take a seventh of the time of a small network's step.
    first_step : int, default=0
        Where in the epoch to begin; one for all.
    n_steps : int
        How many steps to run; one for all.
    info : Info
        Sums of the epoch's earlier calls: see `zero_info`.

    Returns
    -------
    states : TrainState
    info : Info
        Of the active members; that of a frozen one stays as it was.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core import population
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.samples import make_order, make_samples
    >>> from jaxdigits.core.training import Hyperparameters, Program
    >>> program = population.joint_program(Program(MODELS["linear"]((8, 8), 10, Options())))
    >>> samples = make_samples(np.eye(10, 64), np.arange(10))
    >>> numbers = [Hyperparameters(learning_rate=rate) for rate in (0.01, 0.1)]
    >>> states = population.init([0, 1], samples, numbers, program=program)
    >>> orders = np.stack([make_order(np.random.default_rng(seed), 10, program.batch_size) for seed in (0, 1)])
    >>> weights = np.stack([samples.weights, samples.weights])
    >>> own = samples._replace(
    ...     weights=weights,
    ...     offset=np.zeros((2, 1), np.float32),
    ...     scale=np.ones((2, 1), np.float32),
    ...     n_samples=np.array([10, 10]),
    ... )
    >>> states, info = population.epoch(
    ...     states,
    ...     own,
    ...     orders,
    ...     population.stack(numbers),
    ...     program=program,
    ...     active=None,
    ...     n_steps=1,
    ...     info=population.zero_info(2),
    ... )
    >>> np.asarray(info.weight).tolist()
    [10.0, 10.0]
    """
    result: tuple[TrainState, Info] = _run_steps(
        states,
        samples,
        orders,
        hyperparameters,
        program=program,
        active=active,
        first_step=first_step,
        n_steps=n_steps,
        info=info,
    )
    return result


def zero_info(n_members: int) -> Info:
    """Return the sums of no steps.

    Parameters
    ----------
    n_members : int
        How many.

    Returns
    -------
    Info
        Its sums have a first axis of members.

    Examples
    --------
    >>> from jaxdigits.core.population import zero_info
    >>> zero_info(2).loss.tolist()
    [0.0, 0.0]
    """
    return Info(*(np.full(n_members, value) for value in ZERO_INFO))


@partial(jax.jit, static_argnames="program")
def _run_steps(
    states: TrainState,
    samples: Samples,
    orders: Any,
    hyperparameters: Hyperparameters,
    *,
    program: Program,
    active: Any,
    first_step: Any,
    n_steps: Any,
    info: Info,
) -> tuple[TrainState, Info]:
    training.count_trace("population")
    last = -(-samples.n_samples // program.batch_size)
    stop = jnp.minimum(jnp.max(last), first_step + n_steps)

    def member(
        state: TrainState, info: Info, own: Samples, order: Any, numbers: Hyperparameters, turns: Any, position: Any
    ) -> tuple[TrainState, Info]:
        if turns is None:
            return training.step(state, info, own, order, position=position, hyperparameters=numbers, program=program)
        steps_left = -(-own.n_samples // program.batch_size)
        # a member that is done runs its last batch again, to be thrown away: beyond it there is nothing to divide by
        batch = jnp.minimum(position, steps_left - 1)
        taken = training.step(state, info, own, order, position=batch, hyperparameters=numbers, program=program)
        runs = turns & (position < steps_left)
        kept: tuple[TrainState, Info] = jax.tree.map(lambda new, old: jnp.where(runs, new, old), taken, (state, info))
        return kept

    numbers_axes = Hyperparameters(*(None if value is None else 0 for value in hyperparameters))
    turns_axis = None if active is None else 0
    together = jax.vmap(member, in_axes=(0, 0, MEMBER_AXES, 0, numbers_axes, turns_axis, None))

    def body(position: jax.Array, carry: tuple[TrainState, Info]) -> tuple[TrainState, Info]:
        stepped: tuple[TrainState, Info] = together(
            carry[0], carry[1], samples, orders, hyperparameters, active, position
        )
        return stepped

    result: tuple[TrainState, Info] = jax.lax.fori_loop(first_step, stop, body, (states, info))
    return result


@jax.jit
def choose(mask: Any, new: Any, old: Any) -> Any:
    """Take the members of `new` where `mask` says so, else those of `old`."""
    return jax.tree.map(lambda a, b: jnp.where(mask.reshape(-1, *(1,) * (a.ndim - 1)), a, b), new, old)


def _convolves(model: ModelSpec) -> bool:
    return any(isinstance(layer, Conv | Residual) for layer in model.layers)
