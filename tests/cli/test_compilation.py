"""Tests of jaxdigits.cli.compilation."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jaxlib
import pytest

from jaxdigits.cli import compilation
from jaxdigits.cli.compilation import SETTINGS, cache_folder, keep_compiled, probe_cache

# Trains with the command, and counts what came from the cache and what was compiled instead.
TRAIN = """
import json, sys
import jax
events = []
jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
from jaxdigits.cli import main
status = main(["train", "digits", "-o", sys.argv[1], "--model", "linear", "--epochs", "1"])
counts = [events.count(f"/jax/compilation_cache/cache_{word}") for word in ("hits", "misses")]
print("counted", json.dumps([status, *counts]))
"""


def read_settings():
    return [jax.config.values[name] for name in SETTINGS]


def test_a_second_process_compiles_nothing_that_the_first_did(tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path), "HOME": str(tmp_path)}
    counts = []
    for name in ("first", "second"):
        done = subprocess.run(
            [sys.executable, "-c", TRAIN, str(tmp_path / f"{name}.safetensors")],
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
            check=True,
        )
        line = next(line for line in done.stdout.splitlines() if line.startswith("counted"))
        counts.append(json.loads(line.removeprefix("counted")))
    (_, _, misses), (status, hits, others) = counts
    assert status == 0
    assert misses > 0
    assert hits > 0
    assert others == 0
    models = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("first", "second")]
    assert models[0] == pytest.approx(models[1], rel=0.01)


def test_settings_are_restored():
    before = read_settings()
    with keep_compiled() as folder:
        assert read_settings() == [str(folder), 0.0, 0]
    assert read_settings() == before
    with pytest.raises(ZeroDivisionError), keep_compiled():
        raise ZeroDivisionError
    assert read_settings() == before


def test_a_folder_of_the_users_own_is_left_alone(tmp_path):
    jax.config.update(SETTINGS[0], str(tmp_path))
    try:
        with keep_compiled() as folder:
            assert folder is None
            assert jax.config.values[SETTINGS[0]] == str(tmp_path)
    finally:
        jax.config.update(SETTINGS[0], None)


def test_a_cache_that_cannot_be_written_to_stops_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(compilation, "cache_folder", lambda: tmp_path / "file" / "compiled")
    before = read_settings()
    with keep_compiled() as folder:
        assert folder is None
        assert read_settings() == before
    assert not probe_cache().is_hit


def test_the_probe_finds_its_own_program():
    report = probe_cache()
    assert report.is_hit
    assert report.n_programs > 0
    assert report.n_bytes > 0
    assert report.folder == str(compilation.cache_folder())


def test_another_processor_gets_another_folder(monkeypatch):
    own = cache_folder()  # imported before the fixture put another in its place
    assert own == cache_folder()
    monkeypatch.setattr(compilation, "_describe_processor", lambda: "abacus")
    assert cache_folder() != own
    assert cache_folder().parent == own.parent
    assert Path(own).name.startswith(f"jaxlib-{jaxlib.__version__}")
