"""One measurement in a process of its own."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import worker
from benchmarks.worker import MARK, Arrays, kernel_positions, load_arrays, peak_memory, shuffled, stopwatch, time_calls


@pytest.fixture
def laid_out(tmp_path):
    generator = np.random.default_rng(0)
    arrays = Arrays(
        generator.integers(0, 256, (30, 28, 28), dtype=np.uint8),
        np.arange(30) % 10,
        generator.integers(0, 256, (10, 28, 28), dtype=np.uint8),
        np.arange(10),
    )
    for name, array in arrays._asdict().items():
        np.save(tmp_path / f"{name}.npy", array)
    return arrays, {"data": str(tmp_path)}


def test_figures_stand_behind_the_mark(capsys, monkeypatch):
    monkeypatch.setattr(worker, "double", lambda settings: {"seconds": 2 * settings["n"]}, raising=False)
    assert worker.main(["benchmarks.worker:double", '{"n": 3}']) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line.removeprefix(MARK))["seconds"] == 6


def test_arrays_are_read_as_they_were_laid_out(laid_out):
    arrays, settings = laid_out
    found = load_arrays(settings)
    assert all(np.array_equal(*pair) for pair in zip(arrays, found, strict=True))
    rows, test_rows = found.rows()
    assert (rows.shape, test_rows.shape, rows.dtype) == ((30, 784), (10, 784), np.float32)
    assert rows.max() <= 1


def test_fewer_images_leave_the_test_images_alone(laid_out):
    found = load_arrays({**laid_out[1], "n_images": 7})
    assert [len(array) for array in found] == [7, 7, 10, 10]


def test_shuffled_labels_are_the_same_labels_elsewhere():
    labels = np.arange(1000) % 10
    mixed = shuffled(labels)
    assert np.array_equal(np.sort(mixed), np.sort(labels))
    assert (mixed == labels).mean() < 0.2


def test_calls_that_warm_up_are_not_counted():
    calls = []
    assert len(time_calls(lambda: calls.append(1), n_calls=3, n_warm=2)) == 3
    assert len(calls) == 5
    with stopwatch() as watch:
        pass
    assert watch.seconds >= 0


def test_memory_is_told_in_mebibytes():
    found = peak_memory()
    assert found is None or 10 < found < 2**20


@pytest.mark.parametrize(("figures", "told"), [({"seconds": 1.0}, True), ({"seconds": 1.0, "peak_mib": None}, False)])
def test_memory_is_told_unless_the_work_was_done_elsewhere(figures, told, monkeypatch, capsys):
    monkeypatch.setattr(worker, "import_module", lambda _: SimpleNamespace(measure=lambda _: figures))
    monkeypatch.setattr(worker, "peak_memory", lambda: 123.0)
    assert worker.main(["a_module:measure", "{}"]) == 0
    found = json.loads(capsys.readouterr().out.removeprefix(MARK))
    assert found == {"seconds": 1.0, "peak_mib": 123.0 if told else None}


def test_kernels_are_found_in_order():
    names = ["layers.10.kernel", "layers.3.kernel", "layers.3.bias", "input.scale"]
    assert kernel_positions(dict.fromkeys(names)) == [3, 10]
