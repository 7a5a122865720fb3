"""Tests of jaxdigits.progress."""

import io
import sys
import types

import pytest

from jaxdigits.progress import TrainingProgress, format_duration

RECORD = {"loss": 0.25, "accuracy": 0.9, "validation_loss": None, "validation_accuracy": None}


class Clock:
    """A clock that a test moves on."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    """Text that says that it is a terminal."""

    def isatty(self):
        return True


class BrokenPipe(Terminal):
    """A terminal whose reader has gone."""

    def write(self, _text):
        raise BrokenPipeError

    def flush(self):
        raise BrokenPipeError


def train(progress, clock, *, n_epochs=4, seconds=10.0, total_epochs=None, **start):
    """Run epochs of 1,000 samples, reported in two halves, after 3 seconds of compilation."""
    with progress:
        progress.start(total_epochs or n_epochs, 1000, **start)
        clock.now += 3.0
        for epoch in range(1, n_epochs + 1):
            clock.now += seconds / 2
            progress.advance(500)
            clock.now += seconds / 2
            progress.end_epoch({"epoch": epoch, **RECORD})


def train_until(progress, end):
    """Begin a run that something ends."""
    with progress:
        progress.start(30, 1000)
        end()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1 s"),
        (59.4, "59 s"),
        (60.0, "1 min 0 s"),
        (599.0, "9 min 59 s"),
        (1500.0, "25 min"),
        (7260.0, "2 h 1 min"),
    ],
)
def test_format_duration(seconds, text):
    assert format_duration(seconds) == text


def test_lines_where_the_output_is_no_terminal(clock):
    stream = io.StringIO()
    train(TrainingProgress(1, stream=stream, clock=clock), clock, n_epochs=3)
    assert stream.getvalue().splitlines() == [
        "epoch 1/3  loss 0.2500  accuracy 90.00 %  100 samples/s  about 20 s left",
        "epoch 2/3  loss 0.2500  accuracy 90.00 %  100 samples/s  about 10 s left",
        "epoch 3/3  loss 0.2500  accuracy 90.00 %  100 samples/s  took 33 s",
    ]


def test_every_kth_epoch_writes_a_line(clock):
    stream = io.StringIO()
    train(TrainingProgress(4, stream=stream, clock=clock), clock, n_epochs=10)
    assert [line[:11] for line in stream.getvalue().splitlines()] == ["epoch  4/10", "epoch  8/10"]


def test_compilation_does_not_count_for_the_pace(clock):
    stream = io.StringIO()
    progress = TrainingProgress(1, stream=stream, clock=clock)
    progress.start(2, 1000)
    clock.now += 1000.0
    progress.advance(500)
    clock.now += 5.0
    progress.end_epoch(RECORD)
    assert "100 samples/s  about 10 s left" in stream.getvalue()


def test_validation_figures_are_shown_where_there_are_any(clock):
    stream = io.StringIO()
    progress = TrainingProgress(1, stream=stream, clock=clock)
    progress.start(1, 1000)
    progress.end_epoch(RECORD | {"validation_loss": 0.5, "validation_accuracy": 0.875})
    assert "validation loss 0.5000  validation accuracy 87.50 %" in stream.getvalue()


def test_time_left_is_no_more_than_the_budget(clock):
    stream = io.StringIO()
    train(TrainingProgress(1, stream=stream, clock=clock), clock, n_epochs=1, total_epochs=100, max_seconds=40.0)
    assert "about 27 s left" in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["pipe", "terminal"])
def test_quiet_says_nothing_within_five_seconds(stream, clock):
    train(TrainingProgress(0, stream=stream, clock=clock), clock, n_epochs=1, seconds=1.9)
    assert stream.getvalue() == ""


def test_quiet_says_once_on_a_terminal_how_long_it_will_take(clock):
    stream = Terminal()
    train(TrainingProgress(0, stream=stream, clock=clock), clock, n_epochs=5, seconds=10.0)
    assert stream.getvalue() == "fitting: about 40 s left; verbose=1 shows progress\n"


def test_quiet_says_nothing_where_nobody_looks(clock):
    stream = io.StringIO()
    train(TrainingProgress(0, stream=stream, clock=clock), clock, n_epochs=5)
    assert stream.getvalue() == ""


def test_quiet_says_nothing_in_a_worker_process(clock, monkeypatch):
    process = types.SimpleNamespace(name="LokyProcess-3")
    fake = types.SimpleNamespace(current_process=lambda: process)
    monkeypatch.setitem(sys.modules, "multiprocessing", fake)
    stream = Terminal()
    train(TrainingProgress(0, stream=stream, clock=clock), clock, n_epochs=5)
    assert stream.getvalue() == ""


def test_quiet_speaks_in_a_notebook_on_standard_error(clock):
    stream = io.StringIO()
    shown = []
    train(TrainingProgress(0, stream=stream, clock=clock, notebook=shown.append), clock, n_epochs=5)
    assert stream.getvalue() == "fitting: about 40 s left; verbose=1 shows progress\n"
    assert shown == []


def test_a_terminal_gets_a_bar_with_figures_pace_and_time_left(clock):
    stream = Terminal()
    train(TrainingProgress(1, stream=stream, clock=clock), clock, n_epochs=2)
    text = stream.getvalue()
    for part in ("compiling", "epoch 1/2", "loss 0.2500", "100 samples/s", "about 10 s left", "took 23 s"):
        assert part in text
    # One line, drawn over and over, and the cursor is shown again.
    assert text.count("\n") == 1
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_a_narrow_terminal_gets_one_figure_and_no_broken_line(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    train(TrainingProgress(1, stream=stream, clock=clock), clock, n_epochs=2)
    assert "accuracy 90.00 %" in stream.getvalue()
    assert "loss 0.2500" not in stream.getvalue()
    assert "took 23 s" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_a_bar_is_not_drawn_oftener_than_ten_times_a_second(clock):
    stream = Terminal()
    with TrainingProgress(1, stream=stream, clock=clock) as progress:
        progress.start(1, 100_000)
        for samples in range(1, 1000):
            clock.now += 0.001
            progress.advance(samples)
    assert stream.getvalue().count("epoch 1/1") <= 16


def test_a_run_that_stops_early_says_so(clock):
    stream = Terminal()
    train(TrainingProgress(1, stream=stream, clock=clock), clock, n_epochs=2, total_epochs=30)
    assert "stopped after 23 s" in stream.getvalue()


def test_an_interrupted_run_leaves_the_cursor_visible(clock):
    stream = Terminal()

    def interrupted():
        clock.now += 1.0
        raise KeyboardInterrupt

    progress = TrainingProgress(1, stream=stream, clock=clock)
    with pytest.raises(KeyboardInterrupt):
        train_until(progress, interrupted)
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


def test_a_dumb_terminal_gets_lines(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    train(TrainingProgress(1, stream=stream, clock=clock), clock, n_epochs=2)
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()


def test_a_notebook_gets_one_text_written_anew(clock):
    shown = []
    stream = io.StringIO()
    train(TrainingProgress(1, stream=stream, clock=clock, notebook=shown.append), clock, n_epochs=2)
    full, empty = "\N{FULL BLOCK}", "\N{LIGHT SHADE}"
    assert stream.getvalue() == ""
    assert shown[0] == f"epoch 1/2  {20 * empty}  compiling"
    assert shown[-1] == f"epoch 2/2  {20 * full}  loss 0.2500  accuracy 90.00 %  100 samples/s  took 23 s"


def test_the_notebook_is_found_through_its_kernel(clock, monkeypatch):
    displayed, updated = [], []
    handle = types.SimpleNamespace(update=lambda data, **_: updated.append(data["text/plain"]))

    def display(data, **_):
        displayed.append(data["text/plain"])
        return handle

    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=display))
    train(TrainingProgress(1, stream=io.StringIO(), clock=clock), clock, n_epochs=2)
    assert len(displayed) == 1
    assert "took 23 s" in updated[-1]


def test_ipython_in_a_terminal_is_no_notebook(clock, monkeypatch):
    shell = types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    stream = io.StringIO()
    train(TrainingProgress(1, stream=stream, clock=clock), clock, n_epochs=2)
    assert len(stream.getvalue().splitlines()) == 2


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_broken_pipe_stops_no_training(verbose, clock):
    train(TrainingProgress(verbose, stream=BrokenPipe(), clock=clock), clock)


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_closed_stream_stops_no_training(verbose, clock):
    stream = Terminal()
    stream.close()
    train(TrainingProgress(verbose, stream=stream, clock=clock), clock)


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_stream_closed_on_the_way_stops_no_training(verbose, clock):
    stream = Terminal()
    with TrainingProgress(verbose, stream=stream, clock=clock) as progress:
        progress.start(2, 1000)
        stream.close()
        clock.now += 30.0
        progress.advance(500)
        clock.now += 30.0
        progress.end_epoch(RECORD)


def test_a_notebook_gone_away_stops_no_training(clock):
    def gone(_text):
        raise RuntimeError("the kernel has died")

    train(TrainingProgress(1, stream=io.StringIO(), clock=clock, notebook=gone), clock)


def test_a_program_without_standard_error_trains(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    train(TrainingProgress(1, clock=clock), clock)


def test_standard_error_is_the_default(clock, capsys):
    train(TrainingProgress(1, clock=clock), clock, n_epochs=1)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("epoch 1/1")


def test_closing_twice_or_before_the_start_does_nothing():
    progress = TrainingProgress(1)
    progress.close()
    progress.close()
