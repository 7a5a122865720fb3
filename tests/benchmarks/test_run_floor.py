"""The floor of a question."""

from benchmarks.run_floor import multiply


def test_twice_the_operations_take_twice_the_time():
    found = multiply({"device": "cpu", "operations": 4e9})
    assert abs(found["seconds"] * found["gflops"] - 4.0) < 1e-6
