import os
import subprocess
import sys

import jax
import pytest

from jaxdigits.core.devices import (
    DEFAULT_CACHE_BYTES,
    DEVICES,
    MEMORY_OPTIONS,
    WORKER_MEMORY_SHARE,
    cache_bytes,
    find_device,
)
from jaxdigits.errors import InputError


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


@pytest.mark.parametrize("said", [None, "0.5"])
def test_a_worker_process_leaves_memory_to_its_siblings_unless_told_otherwise(said):
    program = (
        "import multiprocessing, os\n"
        "from jaxdigits.core.devices import MEMORY_OPTIONS, find_device\n"
        "multiprocessing.current_process().name = 'LokyProcess-1'\n"
        "find_device('cpu')\n"
        "print(os.environ[MEMORY_OPTIONS[0]])\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in MEMORY_OPTIONS}
    environment |= {} if said is None else {MEMORY_OPTIONS[0]: said}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == (said or WORKER_MEMORY_SHARE)
