"""Tests of jaxdigits.plotting.training_curves."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from jaxdigits.errors import InputError
from jaxdigits.plotting import TrainingCurvesDisplay

LOSS = [1.5, 0.8, 0.5, 0.4]
ACCURACY = [0.5, 0.8, 0.9, 0.95]
VALIDATION_LOSS = [1.2, 0.7, 0.6, 0.65]
VALIDATION_ACCURACY = [0.6, 0.8, 0.88, 0.87]


def make_history(*, validation: bool = True) -> list[dict[str, float | None]]:
    """Four records such as an estimator keeps."""
    return [
        {
            "epoch": epoch,
            "loss": LOSS[epoch - 1],
            "accuracy": ACCURACY[epoch - 1],
            "validation_loss": VALIDATION_LOSS[epoch - 1] if validation else None,
            "validation_accuracy": VALIDATION_ACCURACY[epoch - 1] if validation else None,
        }
        for epoch in (1, 2, 3, 4)
    ]


def drawn(ax, label):
    """Values of the line that carries a label."""
    (line,) = [line for line in ax.get_lines() if line.get_label() == label]
    return np.asarray(line.get_ydata(), dtype=float)


def labels(ax):
    return [line.get_label() for line in ax.get_lines()]


def test_both_panels_draw_training_and_validation():
    display = TrainingCurvesDisplay.from_history(make_history())
    loss, accuracy = display.ax_
    np.testing.assert_array_equal(drawn(loss, "training"), LOSS)
    np.testing.assert_array_equal(drawn(loss, "validation"), VALIDATION_LOSS)
    np.testing.assert_array_equal(drawn(accuracy, "training"), ACCURACY)
    np.testing.assert_array_equal(drawn(accuracy, "validation"), VALIDATION_ACCURACY)
    assert display.figure_ is loss.figure


def test_the_best_epoch_has_the_lowest_validation_loss_and_is_marked():
    display = TrainingCurvesDisplay.from_history(make_history())
    assert display.best_epoch == 3
    for ax in display.ax_:
        (mark,) = [line for line in ax.get_lines() if line.get_label() == "kept epoch: 3"]
        assert set(mark.get_xdata()) == {3}


def test_the_gap_at_the_best_epoch_is_named():
    accuracy = TrainingCurvesDisplay.from_history(make_history()).ax_[1]
    assert "gap at epoch 3: +2.0 points" in labels(accuracy)
    assert [text.get_text() for text in accuracy.get_legend().get_texts()] == ["gap at epoch 3: +2.0 points"]


def test_without_validation_one_curve_is_drawn_and_no_gap():
    display = TrainingCurvesDisplay.from_history(make_history(validation=False))
    assert display.best_epoch == 4
    for ax in display.ax_:
        assert sorted(labels(ax)) == ["kept epoch: 4", "training"]


def test_records_without_validation_keys_will_do():
    display = TrainingCurvesDisplay.from_history([{"epoch": 1, "loss": 1.0, "accuracy": 0.5}])
    assert "validation" not in labels(display.ax_[0])


def test_from_estimator_believes_its_best_epoch():
    estimator = SimpleNamespace(history_=make_history(), best_epoch_=2)
    display = TrainingCurvesDisplay.from_estimator(estimator)
    assert "kept epoch: 2" in labels(display.ax_[0])
    assert "gap at epoch 2: +0.0 points" in labels(display.ax_[1])


@pytest.mark.parametrize("estimator", [SimpleNamespace(), SimpleNamespace(history_=[])])
def test_from_estimator_without_history_says_what_to_do(estimator):
    with pytest.raises(InputError, match="Call fit first"):
        TrainingCurvesDisplay.from_estimator(estimator)


def test_an_empty_history_is_refused():
    with pytest.raises(InputError, match="at least one epoch"):
        TrainingCurvesDisplay.from_history([])


def test_a_diverged_run_is_drawn_up_to_where_it_broke():
    history = make_history(validation=False)
    history[2]["loss"], history[3]["loss"] = float("inf"), float("nan")
    display = TrainingCurvesDisplay.from_history(history)
    assert display.best_epoch == 2
    np.testing.assert_array_equal(drawn(display.ax_[0], "training"), [1.5, 0.8, np.nan, np.nan])
    display.figure_.canvas.draw()


def test_a_run_without_a_single_finite_number_is_still_drawn():
    nothing = [{"epoch": 1, "loss": float("nan"), "accuracy": None}]
    TrainingCurvesDisplay.from_history(nothing).figure_.canvas.draw()


def test_two_axes_are_drawn_on_as_given():
    figure, axes = plt.subplots(1, 2)
    display = TrainingCurvesDisplay.from_history(make_history(), ax=axes)
    assert list(display.ax_) == list(axes)
    assert display.figure_ is figure


def test_one_axes_is_divided_into_two_panels():
    figure, ax = plt.subplots()
    display = TrainingCurvesDisplay.from_history(make_history(), ax=ax)
    assert display.figure_ is figure
    assert list(ax.child_axes) == list(display.ax_)
    figure.canvas.draw()


def test_three_axes_are_refused():
    with pytest.raises(InputError, match="got 3"):
        TrainingCurvesDisplay.from_history(make_history(), ax=plt.subplots(1, 3)[1])


@pytest.mark.parametrize(("last", "scale"), [(0.4, "linear"), (0.01, "log")])
def test_the_loss_is_logarithmic_where_it_falls_far(last, scale):
    history = make_history(validation=False)
    history[-1]["loss"] = last
    assert TrainingCurvesDisplay.from_history(history).ax_[0].get_yscale() == scale


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_marks_take_the_color_of_the_text(style):
    with plt.style.context(style):
        ax = TrainingCurvesDisplay.from_history(make_history()).ax_[1]
        (gap,) = [line for line in ax.get_lines() if str(line.get_label()).startswith("gap")]
        assert gap.get_color() == plt.rcParams["text.color"]


@pytest.mark.mpl_image_compare
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_training_curves_looks_as_it_did(style):
    with plt.style.context(style):
        ax = plt.subplots(1, 2, figsize=(9, 4))[1]
        return TrainingCurvesDisplay.from_history(make_history(), ax=ax).figure_
