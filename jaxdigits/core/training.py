"""Training as pure functions: `init` and `epoch(state, ...) -> (state, info)`, one compiled program per cache key.

The cache key is a `Program` (static, hashable) with the shapes and dtypes of the samples. All numbers one would search
over are in `Hyperparameters`, which is traced: another value compiles nothing, but for a `dropout` of None.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxdigits.core import draws, inference
from jaxdigits.core.augmentation import Augmentation, augment
from jaxdigits.core.devices import cache_bytes
from jaxdigits.core.layers import Noise
from jaxdigits.core.losses import Evaluation, Tally, evaluate_logits, weighted_cross_entropy
from jaxdigits.core.models import ArrayDict, Model, Variables, apply, init_variables
from jaxdigits.core.optimizers import Optimizer, Settings, make_optimizer, scheduled_rate
from jaxdigits.core.samples import Samples
from jaxdigits.core.specs import Conv, LayerSpec, ModelSpec, Residual
from jaxdigits.errors import InputError

COMPUTE_DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}

LARGEST_MICRO_BATCH = 1024

WEIGHTS_STREAM, NOISE_STREAM = 0, 1
AUGMENTATION_STREAM = 2**31 - 1
"""Keeps the draws of augmentations apart from those of dropout, which folds in the positions of layers."""

FIRST_STEP, ALL_STEPS = np.int32(0), np.int32(2**31 - 1)


@dataclass(frozen=True)
class Program:
    """What a compiled training program depends on, beside the shapes of its samples.

    Parameters
    ----------
    model : ModelSpec or CustomModel
        The network.
    optimizer : str or callable, default="adam"
        A name in `OPTIMIZERS`, or a zero-argument factory of an Optax transformation.
    schedule : str, default="constant"
        A name in `SCHEDULES`; a factory brings its own.
    nesterov : bool, default=False
        Nesterov's momentum for sgd.
    average_weights : bool, default=False
        Keep an exponential moving average of the parameters, and predict with it (Polyak & Juditsky, 1992).
    batch_size : int, default=32
        Samples a step.
    micro_batch_size : int or None, default=None
        Samples whose gradient is computed at once; a step sums over micro-batches. None means what the platform runs
        fastest: see `preferred_micro_batch`.
    precision : {"float32", "bfloat16"}, default="float32"
        Type of the forward and backward pass; parameters and sums are float32 always.
    augment : tuple of str or callable, default=()
        What is done to the images of a micro-batch before a forward pass in training, drawn anew every time: names in
        `AUGMENTATIONS` and functions ``(key, images) -> images`` of (n, height, width). A function is told apart from
        others by its identity: see `as_augmentations`.
    platform : str or None, default=None
        Where it runs ("cpu", "cuda", "gpu", "tpu"): the convolution depends on it. None means JAX's default backend.

    Examples
    --------
    Training without the estimator:

    >>> import numpy as np
    >>> from jaxdigits import load_digits
    >>> from jaxdigits.core import training
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.samples import make_order, make_samples
    >>> digits = load_digits()
    >>> spec = MODELS["mlp"]((8, 8), 10, Options(hidden_sizes=(64,)))
    >>> program = training.Program(spec, optimizer="adam", batch_size=32)
    >>> numbers = training.Hyperparameters(learning_rate=3e-3)
    >>> generator = np.random.default_rng(0)
    >>> train, test = np.split(generator.permutation(1797), [1500])
    >>> samples = make_samples(digits.images[train], digits.target[train], scale=1 / 16)
    >>> state = training.init(0, samples, numbers, program=program)
    >>> for _ in range(10):
    ...     order = make_order(generator, 1500, program.batch_size)
    ...     state, info = training.epoch(state, samples, order, numbers, program=program)
    >>> variables = training.predicting_variables(state, program)
    >>> images, labels = digits.images[test], digits.target[test]
    >>> result = training.evaluate(variables, images, labels, program=program, scale=1 / 16)
    >>> result.accuracy > 0.95
    True
    """

    model: Model
    optimizer: Optimizer = "adam"
    schedule: str = "constant"
    nesterov: bool = False
    average_weights: bool = False
    batch_size: int = 32
    micro_batch_size: int | None = None
    precision: str = "float32"
    augment: tuple[str | Augmentation, ...] = ()
    platform: str | None = None


class Hyperparameters(NamedTuple):
    """The numbers of a run, all traced; what can be None is left out of the program then.

    Attributes
    ----------
    learning_rate, momentum, weight_decay : scalars
        As the optimizer reads them.
    label_smoothing : scalar in [0, 1)
        Probability spread over all classes.
    dropout : scalar in [0, 1) or None
        Probability of zeroing an input of a `Dropout` layer. None drops nothing and compiles no masks: the epoch of a
        small perceptron compiles in 0.56 s where it takes 0.77, and a step is a sixth faster.
    average_decay : scalar in [0, 1)
        Decay a step of the moving average of the parameters.
    total_steps : scalar
        Length of the run that the schedule is stretched over.
    """

    learning_rate: Any = 1e-3
    momentum: Any = 0.9
    weight_decay: Any = 0.0
    label_smoothing: Any = 0.0
    dropout: Any = None
    average_decay: Any = 0.99
    total_steps: Any = 1.0


class TrainState(NamedTuple):
    """What the next step needs, and nothing else. `average` is empty unless the program averages weights.

    Attributes
    ----------
    params : dict of str to jax.Array
        Weights by flat name.
    extras : dict of str to jax.Array
        What a user's module keeps beside them.
    opt_state : pytree
        Of the Optax transformation.
    average : dict of str to jax.Array
        Moving average of the weights.
    step : jax.Array
        Steps taken so far.
    key : jax.Array
        Words of the stream of dropout and augmentation: see `jaxdigits.core.draws`.
    """

    params: ArrayDict
    extras: ArrayDict
    opt_state: Any
    average: ArrayDict
    step: jax.Array
    key: jax.Array


class Info(NamedTuple):
    """Diagnostics of the steps just run: sums over their samples (divide by `weight`), the last step's rate.

    Attributes
    ----------
    loss : scalar
        Sum of weight times cross-entropy.
    correct : scalar
        Sum of the weights of what was predicted right.
    weight : scalar
        Sum of the weights.
    learning_rate : scalar
        Of the last step.
    """

    loss: Any
    correct: Any
    weight: Any
    learning_rate: Any


ZERO_INFO = Info(np.float32(0), np.float32(0), np.float32(0), np.float32(0))

_programs_traced = {"init": 0, "epoch": 0, "population": 0}


def compile_count() -> int:
    """Count the programs that this library has traced (and so compiled) in this process.

    Returns
    -------
    int
        For training and for predictions.

    Examples
    --------
    >>> from jaxdigits.core.training import compile_count
    >>> compile_count() >= 0
    True
    """
    return sum(_programs_traced.values()) + inference.compile_count()


def count_trace(kind: str) -> None:
    """Note that a training program is being traced; called inside it.

    Parameters
    ----------
    kind : {"init", "epoch", "population"}
        Which program.

    Examples
    --------
    >>> from jaxdigits.core.training import compile_count, count_trace
    >>> before = compile_count()
    >>> count_trace("epoch")
    >>> compile_count() - before
    1
    """
    _programs_traced[kind] += 1


def init(seed: Any, samples: Samples, hyperparameters: Hyperparameters, *, program: Program) -> TrainState:
    """Draw the initial state; pure.

    Parameters
    ----------
    seed : int
        Seed of weights, dropout and augmentation.
    samples : Samples
        Only `n_features` is read: zero columns that pad the rows must not shrink the weights.
    hyperparameters : Hyperparameters
        Traced numbers.
    program : Program
        Static.

    Returns
    -------
    TrainState

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core import training
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.samples import make_order, make_samples
    >>> program = training.Program(MODELS["linear"]((8, 8), 10, Options()))
    >>> samples = make_samples(np.eye(10, 64), np.arange(10))
    >>> numbers = training.Hyperparameters(learning_rate=0.1)
    >>> state = training.init(0, samples, numbers, program=program)
    >>> state.params["layers.1.kernel"].shape, int(state.step)
    ((64, 10), 0)
    """
    # not the samples themselves: another number of rows is no other program; nor is whether anything is dropped out
    numbers = hyperparameters._replace(dropout=None)
    state: TrainState = _draw_state(seed, samples.n_features, numbers, program=program)
    return state


# all arguments are kept, so that the state lies where the samples do, and every call of `epoch` is alike
@partial(jax.jit, static_argnames="program", keep_unused=True)
def _draw_state(seed: Any, n_features: Any, hyperparameters: Hyperparameters, *, program: Program) -> TrainState:
    count_trace("init")
    words = jax.random.key_data(jax.random.key(seed))
    variables = init_variables(program.model, jax.random.wrap_key_data(draws.fold(words, WEIGHTS_STREAM)))
    params = _restore_fan_in(variables.params, program.model, n_features)
    opt_state = make_optimizer(program.optimizer, _settings(program, hyperparameters, 0.0)).init(params)
    average = params if program.average_weights else {}
    return TrainState(params, variables.extras, opt_state, average, jnp.int32(0), draws.fold(words, NOISE_STREAM))


def epoch(
    state: TrainState,
    samples: Samples,
    order: Any,
    hyperparameters: Hyperparameters,
    *,
    program: Program,
    first_step: Any = FIRST_STEP,
    n_steps: Any = ALL_STEPS,
    info: Info = ZERO_INFO,
) -> tuple[TrainState, Info]:
    """Run an epoch, or some steps of one; pure.

    Parameters
    ----------
    state : TrainState
        From `init` or the last call.
    samples : Samples
        Training samples on the device.
    order : int32 array of shape (whole batches of the row bucket,)
        From `make_order`: every sample once.
    hyperparameters : Hyperparameters
        Traced numbers.
    program : Program
        Static.
    first_step : int, default=0
        Where in the epoch to begin; traced, so that an epoch can be cut anywhere with the same result.
    n_steps : int, default=ALL_STEPS
        How many steps to run; traced.
    info : Info, default=ZERO_INFO
        Sums of the epoch's earlier calls, to be continued.

    Returns
    -------
    state : TrainState
    info : Info
        Sums over the samples of these steps, added to those given.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core import training
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.samples import make_order, make_samples
    >>> program = training.Program(MODELS["linear"]((8, 8), 10, Options()))
    >>> samples = make_samples(np.eye(10, 64), np.arange(10))
    >>> numbers = training.Hyperparameters(learning_rate=0.1)
    >>> state = training.init(0, samples, numbers, program=program)
    >>> order = make_order(np.random.default_rng(0), 10, program.batch_size)
    >>> state, info = training.epoch(state, samples, order, numbers, program=program)
    >>> int(state.step), float(info.weight)
    (1, 10.0)
    """
    # all arguments are passed on, since one that is left out is a constant to JAX, and so another program
    result: tuple[TrainState, Info] = _run_steps(
        state,
        samples,
        order,
        hyperparameters,
        program=program,
        first_step=first_step,
        n_steps=n_steps,
        info=info,
    )
    return result


@partial(jax.jit, static_argnames="program")
def _run_steps(
    state: TrainState,
    samples: Samples,
    order: Any,
    hyperparameters: Hyperparameters,
    *,
    program: Program,
    first_step: Any,
    n_steps: Any,
    info: Info,
) -> tuple[TrainState, Info]:
    count_trace("epoch")
    last = -(-samples.n_samples // program.batch_size)
    stop = jnp.minimum(last, first_step + jnp.minimum(n_steps, last))

    def body(position: jax.Array, carry: tuple[TrainState, Info]) -> tuple[TrainState, Info]:
        state, info = carry
        return step(
            state,
            info,
            samples,
            order,
            position=position,
            hyperparameters=hyperparameters,
            program=program,
        )

    result: tuple[TrainState, Info] = jax.lax.fori_loop(first_step, stop, body, (state, info))
    return result


def evaluate(
    variables: Variables,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    program: Program,
    weights: np.ndarray | None = None,
    offset: np.ndarray | float = 0.0,
    scale: np.ndarray | float = 1.0,
    n_classes: int | None = None,
    device: Any = None,
) -> Evaluation:
    """Mean loss and accuracy over every one of the samples.

    Parameters
    ----------
    variables : Variables
        See `predicting_variables`.
    images : ndarray of shape (n, ...)
        In the units of the training images.
    labels : ndarray of shape (n,)
        Class indices.
    program : Program
        Static.
    weights : ndarray of shape (n,) or None, default=None
        Sample weights.
    offset : float or ndarray, default=0.0
        The network sees (images - offset) * scale.
    scale : float or ndarray, default=1.0
        See `offset`.
    n_classes : int or None, default=None
        Real classes where the logits are padded; None means all.
    device : jax.Device or None, default=None
        None means JAX's default.

    Returns
    -------
    Evaluation

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core import training
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.samples import make_order, make_samples
    >>> program = training.Program(MODELS["linear"]((8, 8), 10, Options()))
    >>> samples = make_samples(np.eye(10, 64), np.arange(10))
    >>> numbers = training.Hyperparameters(learning_rate=0.1)
    >>> state = training.init(0, samples, numbers, program=program)
    >>> variables = training.predicting_variables(state, program)
    >>> training.evaluate(variables, np.eye(10, 64), np.arange(10), program=program).n_samples
    10
    """
    predictor = inference.Predictor(program.model, program.platform)
    constants = inference.place(
        variables,
        predictor=predictor,
        offset=offset,
        scale=scale,
        n_features=int(np.prod(images.shape[1:])),
        device=device,
    )
    logits = inference.logits(images, constants, predictor=predictor)
    return evaluate_logits(logits[:, :n_classes], np.asarray(labels), weights)


def predicting_variables(state: TrainState, program: Program) -> Variables:
    """Return what a state predicts with: the averaged weights where the program keeps them.

    Parameters
    ----------
    state : TrainState
        From `init` or `epoch`.
    program : Program
        Static.

    Returns
    -------
    Variables

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core import training
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.samples import make_order, make_samples
    >>> program = training.Program(MODELS["linear"]((8, 8), 10, Options()))
    >>> samples = make_samples(np.eye(10, 64), np.arange(10))
    >>> numbers = training.Hyperparameters(learning_rate=0.1)
    >>> state = training.init(0, samples, numbers, program=program)
    >>> sorted(training.predicting_variables(state, program).params)
    ['layers.1.bias', 'layers.1.kernel']
    """
    return Variables(state.average if program.average_weights else state.params, state.extras)


def preferred_micro_batch(model: Model, batch_size: int, platform: str | None) -> int:
    """Choose the micro-batch: as many images as keep a convolution's working set near the cache.

    Found by measuring the 32-64-128 network on a CPU with 1 MiB of second-level cache a core: 7.0 s an epoch at 16
    images, 8 to 10 s at 4, 8, 32, 64 and at the whole batch of 128. Other networks and caches are scaled from there.
    Dense networks and accelerators take whole batches, at most 1,024 samples at once so that full batches fit memory.

    Parameters
    ----------
    model : ModelSpec or CustomModel
        The network.
    batch_size : int
        Samples a step.
    platform : str or None
        Where it runs; None means JAX's default backend.

    Returns
    -------
    int
        Samples whose gradient is computed at once.

    Examples
    --------
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.training import preferred_micro_batch
    >>> preferred_micro_batch(MODELS["mlp"]((28, 28), 10, Options()), 128, "cpu")
    128
    """
    micro = min(batch_size, LARGEST_MICRO_BATCH)
    if (platform or jax.default_backend()) == "cpu" and isinstance(model, ModelSpec):
        floats = _largest_patches(model.layers, model.input_shape)
        if floats:
            fitting = 4 * cache_bytes() // (4 * floats)
            micro = min(micro, max(4, 1 << max(fitting, 1).bit_length() - 1))
    return -(-batch_size // -(-batch_size // micro))  # in pieces of one size, the last one perhaps less


def _largest_patches(layers: tuple[LayerSpec, ...], input_shape: tuple[int, ...]) -> int:
    """Count the numbers of the largest patch matrix of one image; 0 without convolutions."""
    if len(input_shape) != 2:
        return 0
    (height, width), channels, largest = input_shape, 1, 0
    flat: list[LayerSpec] = []
    for layer in layers:
        flat += layer.layers if isinstance(layer, Residual) else (layer,)
    for layer in flat:
        if isinstance(layer, Conv):
            height, width = -(-height // layer.stride), -(-width // layer.stride)
            largest = max(largest, height * width * channels * layer.kernel_size[0] * layer.kernel_size[1])
            channels = layer.features
        size = getattr(layer, "size", 1)
        height, width = height // size, width // size
    return largest


def step(
    state: TrainState,
    info: Info,
    samples: Samples,
    order: jax.Array,
    *,
    position: jax.Array,
    hyperparameters: Hyperparameters,
    program: Program,
) -> tuple[TrainState, Info]:
    """Take one step; pure, and meant for the inside of someone's compiled loop.

    Parameters
    ----------
    state, info, samples, order, hyperparameters, program : as for `epoch`
        What the step starts from.
    position : int
        Which batch of the order.

    Returns
    -------
    state : TrainState
    info : Info
        With the sums of this batch added.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core import training
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.samples import make_order, make_samples
    >>> program = training.Program(MODELS["linear"]((8, 8), 10, Options()))
    >>> samples = make_samples(np.eye(10, 64), np.arange(10))
    >>> numbers = training.Hyperparameters(learning_rate=0.1)
    >>> state = training.init(0, samples, numbers, program=program)
    >>> order = make_order(np.random.default_rng(0), 10, program.batch_size)
    >>> state, info = training.step(
    ...     state, training.ZERO_INFO, samples, order, position=0, hyperparameters=numbers, program=program
    ... )
    >>> int(state.step)
    1
    """
    gradients, tally, extras = _gradients(state, samples, order, position, hyperparameters, program)
    rate = scheduled_rate(
        program.schedule,
        hyperparameters.learning_rate,
        step=state.step,
        total_steps=hyperparameters.total_steps,
    )
    optimizer = make_optimizer(program.optimizer, _settings(program, hyperparameters, rate))
    updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    average = state.average
    if program.average_weights:
        # young averages forget faster, so that the initial weights don't linger
        step = state.step.astype(jnp.float32)
        decay = jnp.minimum(hyperparameters.average_decay, (1.0 + step) / (10.0 + step))
        average = jax.tree.map(lambda old, new: new + decay * (old - new), average, params)
    sums = Info(info.loss + tally.loss, info.correct + tally.correct, info.weight + tally.weight, rate)
    return TrainState(params, extras, opt_state, average, state.step + 1, state.key), sums


def _gradients(
    state: TrainState,
    samples: Samples,
    order: jax.Array,
    position: jax.Array,
    hyperparameters: Hyperparameters,
    program: Program,
) -> tuple[ArrayDict, Tally, ArrayDict]:
    """Gradient of a batch's loss (its weighted sum over its number of samples), micro-batch by micro-batch."""
    micro = program.micro_batch_size or preferred_micro_batch(program.model, program.batch_size, program.platform)
    start = position * program.batch_size
    n_valid = jnp.minimum(samples.n_samples - start, program.batch_size)
    words = draws.fold(state.key, state.step)

    def add(index: jax.Array, carry: Any) -> Any:
        total, sums, extras = carry
        chosen = jnp.take(order, start + index * micro + jnp.arange(micro), mode="clip")
        inside = index * micro + jnp.arange(micro) < n_valid
        noise = Noise(draws.fold(words, index), hyperparameters.dropout)
        loss = partial(_loss, samples=samples, chosen=chosen, inside=inside, program=program, noise=noise)
        gradient = jax.grad(loss, has_aux=True)
        found, (tally, extras) = gradient(
            state.params, extras, n_valid=n_valid, smoothing=hyperparameters.label_smoothing
        )
        return jax.tree.map(jnp.add, total, found), jax.tree.map(jnp.add, sums, tally), extras

    zero = jnp.zeros((), jnp.float32)
    carry = (jax.tree.map(jnp.zeros_like, state.params), Tally(zero, zero, zero), state.extras)
    if micro == program.batch_size:
        result = add(jnp.int32(0), carry)
    else:
        result = jax.lax.fori_loop(0, -(-n_valid // micro), add, carry)
    return result  # type: ignore[no-any-return]


def _loss(
    params: ArrayDict,
    extras: ArrayDict,
    *,
    samples: Samples,
    chosen: jax.Array,
    inside: jax.Array,
    program: Program,
    noise: Noise,
    n_valid: jax.Array,
    smoothing: jax.Array,
) -> tuple[jax.Array, tuple[Tally, ArrayDict]]:
    dtype = COMPUTE_DTYPES[program.precision]
    images = (samples.images[chosen].astype(jnp.float32) - samples.offset) * samples.scale
    if program.augment:
        images = _augment(images, noise.key, program)
    cast = {name: leaf.astype(dtype) for name, leaf in params.items()}
    logits, extras = apply(
        program.model, Variables(cast, extras), images.astype(dtype), platform=program.platform, noise=noise
    )
    weights = jnp.where(inside, samples.weights[chosen], 0.0)
    objective, tally = weighted_cross_entropy(
        logits.astype(jnp.float32),
        samples.labels[chosen],
        weights,
        label_smoothing=smoothing,
        n_classes=samples.n_classes,
    )
    return objective / n_valid, (tally, extras)


def _augment(images: jax.Array, words: jax.Array, program: Program) -> jax.Array:
    """Augment flat rows as pictures of the model's shape."""
    shape = program.model.input_shape
    if len(shape) != 2:
        raise InputError(f"augment must be () where rows are no pictures, got {program.augment} for shape {shape}.")
    pictures = images.reshape(-1, *shape)
    key = jax.random.wrap_key_data(draws.fold(words, AUGMENTATION_STREAM))
    return augment(key, pictures, program.augment).reshape(images.shape)


def _settings(program: Program, hyperparameters: Hyperparameters, rate: Any) -> Settings:
    return Settings(rate, hyperparameters.momentum, hyperparameters.weight_decay, program.nesterov)


def _restore_fan_in(params: ArrayDict, model: Model, n_features: jax.Array) -> ArrayDict:
    """Scale the first kernel to the real number of inputs where zero columns pad tabular rows."""
    if not isinstance(model, ModelSpec) or len(model.input_shape) != 1:
        return params
    first = min((name for name in params if name.endswith("kernel")), key=lambda name: int(name.split(".")[1]))
    factor = jnp.sqrt(model.input_shape[0] / n_features.astype(jnp.float32))
    return {**params, first: params[first] * factor}
