"""The compiled programs that the command line keeps from one run to the next.

JAX can keep them in a folder, but leaves out by default what compiled in under a second, which is most of ours. Only
commands that train turn this on: the setting belongs to the whole process, so the library never touches it.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

__all__ = ["CacheReport", "cache_folder", "keep_compiled", "probe_cache"]

HIT = "/jax/compilation_cache/cache_hits"
SETTINGS = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)


class CacheReport(NamedTuple):
    """What a trial of the cache showed: its folder, whether a program came back from it, and what it holds."""

    folder: str
    is_hit: bool
    n_programs: int
    n_bytes: int


def cache_folder() -> Path:
    """Return the folder of compiled programs: in the user's cache, named by jaxlib's version and the processor.

    A program that was compiled for instructions that a processor lacks would end the process, so that machines with a
    common home must not share one folder.

    Returns
    -------
    Path
        It may not exist yet.

    Examples
    --------
    >>> from jaxdigits.cli.compilation import cache_folder
    >>> cache_folder().parent.name
    'compiled'
    """
    import pooch

    name = f"jaxlib-{version('jaxlib')}-{hashlib.sha256(_describe_processor().encode()).hexdigest()[:12]}"
    return Path(pooch.os_cache("jaxdigits")) / "compiled" / name


@contextmanager
def keep_compiled() -> Iterator[Path | None]:
    """Read and write compiled programs in the user's cache while the block runs, then restore JAX's settings.

    Yields
    ------
    Path or None
        The folder; None where the user has set one for JAX, which is left as it is, or none can be made.

    Examples
    --------
    >>> from jaxdigits.cli.compilation import keep_compiled
    >>> with keep_compiled() as folder:
    ...     pass  # train here
    """
    import jax

    if jax.config.values[SETTINGS[0]]:
        yield None
        return
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a home that cannot be written to is no reason not to train
        yield None
        return
    before = [jax.config.values[name] for name in SETTINGS]
    _set([str(folder), 0.0, 0])
    try:
        yield folder
    finally:
        _set(before)


def probe_cache() -> CacheReport:
    """Compile a small program twice and look whether the second comes from the cache.

    Returns
    -------
    CacheReport

    Examples
    --------
    >>> from jaxdigits.cli.compilation import probe_cache
    >>> probe_cache().is_hit
    True
    """
    import jax

    hits = []

    def listen(event: str, **_: object) -> None:
        hits.extend([event] * (event == HIT))

    jax.monitoring.register_event_listener(listen)
    try:
        with keep_compiled() as kept:
            _compile_small()
            hits.clear()
            _compile_small()
    finally:
        jax.monitoring.unregister_event_listener(listen)
    folder = kept or Path(jax.config.values[SETTINGS[0]] or cache_folder())
    files = [path for path in folder.rglob("*-cache") if path.is_file()] if folder.is_dir() else []
    return CacheReport(str(folder), bool(hits), len(files), sum(path.stat().st_size for path in files))


def _set(values: list[object]) -> None:
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    for name, value in zip(SETTINGS, values, strict=True):
        jax.config.update(name, value)
    compilation_cache.reset_cache()  # it looks at the folder once only


def _compile_small() -> None:
    """Compile a new function each time, so that nothing is found in the memory of the process."""
    import jax
    import jax.numpy as jnp

    def probe(x: jax.Array) -> jax.Array:
        return jnp.tanh(x @ x).sum()

    jax.jit(probe)(jnp.ones((8, 8))).block_until_ready()


def _describe_processor() -> str:
    """Name the processor and its instructions, where the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return f"{platform.machine()} {platform.processor()}"
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    told = {line for line in lines if line.startswith(("model name", "flags", "Features"))}
    return "\n".join([platform.machine(), *sorted(told)])
