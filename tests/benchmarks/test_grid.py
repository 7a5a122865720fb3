"""The grid search that all libraries run."""

from sklearn.linear_model import LogisticRegression

from benchmarks.grid import Grid, report, run_search


def test_a_search_is_reported_by_what_it_found():
    grid = Grid(n_samples=300, n_folds=2)
    search = run_search(LogisticRegression(max_iter=1000), {"C": (0.1, 1.0, 10.0)}, grid, n_jobs=None)
    found = report(search, epochs=7)
    assert (found["candidates"], found["epochs"]) == (3, 7)
    assert found["accuracy"] == search.best_score_ >= found["mean_score"]
    assert found["best"] == search.best_params_


def test_the_memory_of_workers_is_not_told_as_that_of_the_search():
    grid = Grid(n_samples=100, n_folds=2)
    search = run_search(LogisticRegression(max_iter=1000), {"C": (1.0,)}, grid, n_jobs=1)
    assert "peak_mib" not in report(search, epochs=1)
    assert report(search.set_params(n_jobs=2), epochs=1)["peak_mib"] is None


def test_there_are_twelve_candidates_and_five_folds():
    grid = Grid()
    assert len(grid.learning_rates) * len(grid.decays) == 12
    assert (grid.n_folds, grid.epochs) == (5, 50)
