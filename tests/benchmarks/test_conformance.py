"""Timing scikit-learn's checks."""

from sklearn.dummy import DummyClassifier

from benchmarks import conformance


def test_statuses_are_counted(monkeypatch):
    statuses = ["passed", "passed", "failed", "skipped", "xfail"]
    monkeypatch.setattr(conformance, "check_estimator", lambda *_, **__: [{"status": status} for status in statuses])
    found = conformance.time_checks(DummyClassifier())
    assert (found["passed"], found["failed"], found["skipped"], found["accuracy"]) == (2, 2, 1, 0.5)
