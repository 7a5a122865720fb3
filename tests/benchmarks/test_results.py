"""Files of results, and where their figures come from."""

import pytest

from benchmarks.results import describe_environment, mean_and_deviation, read_results, write_results
from jaxdigits import JaxDigitsError


def test_results_read_back_as_written(tmp_path):
    results = {"environments": [{"commit": None}], "rows": {"a [b]": {"runs": [{"curve": [1, 0.5, None]}]}}}
    write_results(tmp_path / "new" / "results.json", results)
    assert read_results(tmp_path / "new" / "results.json") == results
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["results.json"]


def test_a_flat_list_stands_on_one_line(tmp_path):
    write_results(tmp_path / "results.json", {"matrix": [[1, 2], [3, 4]]})
    lines = (tmp_path / "results.json").read_text(encoding="utf-8").splitlines()
    assert [line.strip() for line in lines] == ["{", '"matrix": [', "[ 1, 2 ],", "[ 3, 4 ]", "]", "}"]


def test_what_cannot_be_written_leaves_the_file_of_before(tmp_path):
    write_results(tmp_path / "results.json", {"rows": {}})
    with pytest.raises(TypeError):
        write_results(tmp_path / "results.json", {"rows": object()})
    assert read_results(tmp_path / "results.json") == {"rows": {}}


def test_a_missing_file_has_no_rows(tmp_path):
    assert read_results(tmp_path / "results.json") == {"environments": [], "rows": {}}


def test_one_value_deviates_by_nothing():
    assert mean_and_deviation([0.5]) == (0.5, 0.0)


def test_the_environment_names_machine_versions_and_commit():
    environment = describe_environment("cpu")
    assert set(environment) == {"machine", "versions", "commit"}
    assert environment["machine"]["cores"] >= 1
    assert {"jaxdigits", "jax", "python"} <= set(environment["versions"])
    assert describe_environment("cpu") == environment


def test_a_missing_device_is_named():
    with pytest.raises(JaxDigitsError, match="'tpu'"):
        describe_environment("tpu")
