import os

import jax
import pytest

from jaxdigits.core.devices import DEFAULT_CACHE_BYTES, DEVICES, cache_bytes, find_device
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
