"""Tests of jaxdigits.serve.limits; what each bound does is tested where it is kept."""

import dataclasses

import pytest

from jaxdigits.serve.limits import Limits


def test_bounds_are_above_zero_and_agree_with_each_other():
    limits = Limits()
    assert all(value > 0 for value in dataclasses.asdict(limits).values())
    assert limits.json_bytes <= limits.body_bytes <= limits.held_bytes
    assert limits.n_waiting_long <= limits.n_waiting <= limits.n_connections
    assert limits.idle_seconds <= limits.body_seconds


def test_bounds_do_not_change_while_a_server_runs():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Limits().n_files = 3
