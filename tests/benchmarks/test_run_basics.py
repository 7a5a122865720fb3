"""What costs before anything is trained."""

import pytest

from benchmarks.run_basics import import_module_cold, installed_size, use_objects


def test_an_import_is_timed():
    assert import_module_cold({"module": "colorsys"})["seconds"] > 0


def test_objects_are_timed():
    found = use_objects({"module": "sklearn.dummy", "class": "DummyClassifier"})
    assert min(found[f"{name}_us"] for name in ("construct", "clone", "repr")) > 0


@pytest.mark.parametrize("name", ["scikit-learn", "scikit_learn"])
def test_a_size_counts_what_is_required_too(name):
    found = installed_size({"distribution": name})
    assert found["total_mib"] > found["own_mib"] > 1
    assert found["n_distributions"] > 3


def test_an_editable_installation_is_counted_in_its_folder():
    assert installed_size({"distribution": "jaxdigits", "folder": "jaxdigits"})["own_mib"] > 0.1
