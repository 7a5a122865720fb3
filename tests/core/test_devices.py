import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from joblib import Parallel, delayed

from jaxdigits.core.devices import (
    DEFAULT_CACHE_BYTES,
    DEVICES,
    JOBLIB_THREADS,
    JOBLIB_WORKER,
    MEMORY_OPTIONS,
    WORKER_MEMORY_SHARE,
    XLA_THREADS,
    cache_bytes,
    find_device,
)
from jaxdigits.errors import InputError

# JAX warns of any fork once it has run; joblib's workers run a program of their own right after it.
joblib_forks = pytest.mark.filterwarnings(r"ignore:os\.fork\(\) was called:RuntimeWarning")


def test_no_name_means_the_default_device():
    assert find_device(None) == jax.devices()[0]


def test_cpu_is_always_there():
    assert find_device("cpu").platform == "cpu"


@pytest.mark.parametrize("name", [name for name in DEVICES if name != "cpu"])
def test_missing_device_is_one_line_that_says_what_is_here_and_what_to_do(name):
    with pytest.raises(InputError, match=rf"\(cpu\), got '{name}'") as caught:
        find_device(name)
    message = str(caught.value)
    assert "\n" not in message
    assert "device=None" in message
    assert "jaxdigits[cuda]" in message


def test_cache_size_is_plausible():
    assert 1 << 14 <= cache_bytes() <= 1 << 30


@pytest.mark.parametrize("answer", [0, -1, ValueError("unrecognized configuration name"), OSError("not here")])
def test_cache_size_has_a_default_where_the_system_does_not_tell(monkeypatch, answer):
    def sysconf(_name):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(os, "sysconf", sysconf)
    assert cache_bytes() == DEFAULT_CACHE_BYTES


def test_cache_size_has_a_default_without_sysconf(monkeypatch):
    monkeypatch.delattr(os, "sysconf")
    assert cache_bytes() == DEFAULT_CACHE_BYTES


def run_process(name, program, said):
    """Start a backend in a process of that name, with these variables more; what the rest of its program prints."""
    program = (
        "import gc, json, multiprocessing, os\n"
        "from jaxdigits.core.devices import find_device\n"
        f"multiprocessing.current_process().name = {name!r}\n"
        "find_device('cpu')\n"
        f"{program}\n"
    )
    known = {*MEMORY_OPTIONS, JOBLIB_THREADS, XLA_THREADS}
    environment = {name: value for name, value in os.environ.items() if name not in known} | said
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.splitlines()


def environment_of(process, said):
    return json.loads(run_process(process, "print(json.dumps(dict(os.environ)))", said)[0])


@pytest.mark.parametrize("said", [None, "0.5"])
def test_a_worker_process_leaves_memory_to_its_siblings_unless_told_otherwise(said):
    found = environment_of("LokyProcess-1", {} if said is None else {MEMORY_OPTIONS[0]: said})
    assert found[MEMORY_OPTIONS[0]] == (said or WORKER_MEMORY_SHARE)


@pytest.mark.parametrize(
    ("process", "said", "threads"),
    [
        ("LokyProcess-1", {JOBLIB_THREADS: "3"}, "3"),
        ("LokyProcess-1", {JOBLIB_THREADS: "3", XLA_THREADS: "5"}, "5"),
        ("LokyProcess-1", {}, None),
        ("LokyProcess-1", {JOBLIB_THREADS: "4,2"}, None),
        ("LokyProcess-1", {JOBLIB_THREADS: "0"}, None),
        ("SpawnProcess-1", {JOBLIB_THREADS: "3"}, None),
        ("MainProcess", {JOBLIB_THREADS: "3"}, None),
    ],
)
def test_a_worker_process_runs_the_threads_that_joblib_gives_it_unless_told_otherwise(process, said, threads):
    assert environment_of(process, said).get(XLA_THREADS) == threads


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the system does not list threads by name")
@pytest.mark.parametrize("threads", [1, 3])
def test_xla_obeys(threads):
    count = (
        "from pathlib import Path\n"
        "names = [path.read_text() for path in Path('/proc/self/task').glob('*/comm')]\n"
        "print(sum('XLAEigen' in name for name in names))"
    )
    found = run_process("LokyProcess-1", count, {JOBLIB_THREADS: str(threads)})
    assert found == [str(threads)]


@joblib_forks
def test_joblib_names_its_workers_and_tells_their_threads_as_is_read_here():
    def describe():  # no function of the module: workers can't import a test
        return multiprocessing.current_process().name, os.environ.get(JOBLIB_THREADS)

    found = Parallel(n_jobs=2)(delayed(describe)() for _ in range(2))
    for name, threads in found:
        assert name.startswith(JOBLIB_WORKER)
        assert int(threads) >= 1


@pytest.mark.parametrize(("process", "is_spared"), [("LokyProcess-1", True), ("MainProcess", False)])
def test_a_worker_process_does_not_search_for_cycles_in_what_it_has_imported(process, is_spared):
    (n_frozen,) = run_process(process, "print(gc.get_freeze_count())", {})
    assert (int(n_frozen) > 1000) == is_spared
