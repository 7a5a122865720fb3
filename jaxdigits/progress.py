"""Tell on the host how a training run gets on: a bar, plain lines, or one line after a silence.

Nothing here knows what is trained; it is called with plain numbers. Whatever becomes of the stream that it
writes to, a training run never fails because its progress could not be shown.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["TrainingProgress", "format_duration"]

QUIET_SECONDS = 5.0  # silence after which a run with verbose=0 says how long it will take
REFRESH_SECONDS = 0.1  # least time between two drawings of a bar
PACE_WINDOW = 20  # number of latest reports that the pace is measured over

# Key of a record -> its words, and its value's format and factor.
_FIGURES = {
    "loss": ("loss {:.4f}", 1.0),
    "accuracy": ("accuracy {:.2f} %", 100.0),
    "validation_loss": ("validation loss {:.4f}", 1.0),
    "validation_accuracy": ("validation accuracy {:.2f} %", 100.0),
}


def format_duration(seconds: float) -> str:
    """Write a length of time in words short enough for a progress line.

    Parameters
    ----------
    seconds : float
        Length of time; less than a second is rounded up to one.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from jaxdigits.progress import format_duration
    >>> format_duration(0.2), format_duration(75), format_duration(8000)
    ('1 s', '1 min 15 s', '2 h 13 min')
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 3600:
        return f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@dataclass(frozen=True)
class _Status:
    """How far a run has come."""

    epoch: int  # the one under way, or the last one finished
    total_epochs: int
    share: float  # of all the work, within [0, 1]
    elapsed: float  # seconds since the start
    rate: float | None  # samples a second; None as long as it cannot be told from compilation
    remaining: float | None  # seconds


class _Face(Protocol):
    """One way of showing a run."""

    def show(self, status: _Status, record: Mapping[str, Any] | None, /) -> None:
        """Show how far the run has come; `record` is that of the epoch that has just ended, if one has."""

    def close(self) -> None:
        """Leave the screen in order."""


class TrainingProgress:
    """Progress of one training run, shown as the place where it runs allows.

    With `verbose=k` a terminal gets a progress bar and a notebook a line that is written anew, both with the
    figures of the latest k-th epoch, samples a second and the time left; elsewhere every k-th epoch writes a
    line. With `verbose=0` nothing is written, except that on a terminal or in a notebook a run that is still
    going on after five seconds says once how long it will take.

    Parameters
    ----------
    verbose : int, default=0
        0, or report every so many epochs.
    stream : text file, default=None
        Where to write; None is standard error at the time of `start`.
    clock : callable, default=time.monotonic
        Returns the time in seconds.
    notebook : callable, default=None
        Takes a text and shows it in place of the last one; None finds the notebook it runs in, if any.

    Examples
    --------
    >>> import sys
    >>> from jaxdigits.progress import TrainingProgress
    >>> ticks = iter(range(100))
    >>> with TrainingProgress(1, stream=sys.stdout, clock=lambda: next(ticks)) as progress:
    ...     progress.start(2, 1000)
    ...     for epoch in (1, 2):
    ...         progress.advance(500)
    ...         progress.end_epoch({"epoch": epoch, "loss": 0.5 / epoch, "accuracy": 0.9})
    epoch 1/2  loss 0.5000  accuracy 90.00 %  500 samples/s  about 2 s left
    epoch 2/2  loss 0.2500  accuracy 90.00 %  500 samples/s  took 4 s
    """

    def __init__(
        self,
        verbose: int = 0,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        notebook: Callable[[str], None] | None = None,
    ) -> None:
        self.verbose = int(verbose)
        self.stream = stream
        self.clock = clock
        self.notebook = notebook
        self._face: _Face | None = None

    def start(self, total_epochs: int, n_samples: int, *, max_seconds: float | None = None) -> None:
        """Begin a run.

        Parameters
        ----------
        total_epochs : int
            Number of epochs at most.
        n_samples : int
            Number of samples in an epoch.
        max_seconds : float, default=None
            Time after which the run will be stopped, if any.

        Examples
        --------
        >>> from jaxdigits.progress import TrainingProgress
        >>> progress = TrainingProgress(verbose=0)
        >>> progress.start(30, 60000, max_seconds=45.0)
        >>> progress.close()
        """
        self._total_epochs = max(1, total_epochs)
        self._n_samples = max(1, n_samples)
        self._max_seconds = max_seconds
        self._epochs_done = 0
        self._started = self.clock()
        # The first report comes after compilation; the pace is measured between reports, so without it.
        self._reports: deque[tuple[float, int]] = deque(maxlen=PACE_WINDOW)
        self._guard(self._open)

    def advance(self, samples_done: int) -> None:
        """Report progress within an epoch.

        Parameters
        ----------
        samples_done : int
            How many samples of the epoch under way have been used since its beginning.

        Examples
        --------
        >>> from jaxdigits.progress import TrainingProgress
        >>> with TrainingProgress(verbose=0) as progress:
        ...     progress.start(1, 1000)
        ...     progress.advance(250)
        """
        self._report(self._epochs_done * self._n_samples + samples_done, None)

    def end_epoch(self, record: Mapping[str, Any]) -> None:
        """Report the end of an epoch.

        Parameters
        ----------
        record : dict
            What is known of the epoch: `loss`, `accuracy`, `validation_loss`, `validation_accuracy`; those
            absent or None are not shown, others not looked at.

        Examples
        --------
        >>> from jaxdigits.progress import TrainingProgress
        >>> with TrainingProgress(verbose=0) as progress:
        ...     progress.start(1, 1000)
        ...     progress.end_epoch({"loss": 0.1, "accuracy": 0.98, "validation_loss": None})
        """
        self._epochs_done += 1
        self._report(self._epochs_done * self._n_samples, record)

    def close(self) -> None:
        """End the run, also one that was broken off; may be called again.

        Examples
        --------
        >>> from jaxdigits.progress import TrainingProgress
        >>> TrainingProgress(verbose=1).close()
        """
        face, self._face = self._face, None
        if face is not None:
            self._guard(face.close)

    def __enter__(self) -> TrainingProgress:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the run, however it ended."""
        self.close()

    def _open(self) -> None:
        stream = sys.stderr if self.stream is None else self.stream
        notebook = self.notebook or _find_notebook()
        self._face = _choose_face(self.verbose, stream, notebook)
        if self._face is not None:
            self._face.show(self._status(0), None)

    def _report(self, samples: int, record: Mapping[str, Any] | None) -> None:
        if self._face is None:
            return
        face = self._face
        self._reports.append((self.clock(), samples))
        self._guard(lambda: face.show(self._status(samples), record))

    def _status(self, samples: int) -> _Status:
        total = self._total_epochs * self._n_samples
        elapsed = (self._reports[-1][0] if self._reports else self._started) - self._started
        rate = remaining = None
        if len(self._reports) > 1 and self._reports[-1][0] > self._reports[0][0]:
            (first_time, first_samples), (last_time, last_samples) = self._reports[0], self._reports[-1]
            rate = (last_samples - first_samples) / (last_time - first_time)
        if rate:
            remaining = max(0.0, total - samples) / rate
            if self._max_seconds is not None:
                remaining = max(0.0, min(remaining, self._max_seconds - elapsed))
        epoch = min(self._epochs_done + (samples > self._epochs_done * self._n_samples), self._total_epochs)
        return _Status(max(1, epoch), self._total_epochs, min(1.0, samples / total), elapsed, rate, remaining)

    def _guard(self, write: Callable[[], None]) -> None:
        """Write, and give up writing for good where that fails."""
        try:
            write()
        except Exception:
            # A closed or broken stream, an encoding without the character, a notebook gone away: whatever
            # it is, the training that is being reported matters more.
            self._face = None


def _choose_face(verbose: int, stream: TextIO | None, notebook: Callable[[str], None] | None) -> _Face | None:
    if stream is None:  # a program without a console has no standard error
        return None
    on_terminal = stream.isatty()
    if verbose <= 0:
        return _Quiet(stream) if (on_terminal or notebook) and not _in_worker() else None
    if notebook is not None:
        return _NotebookLine(notebook, verbose)
    if on_terminal and os.environ.get("TERM", "") not in ("dumb", "unknown"):
        return _Bar(stream, verbose)
    return _Lines(stream, verbose)


def _in_worker() -> bool:
    """Tell whether this is a process started by another one, such as joblib's: many would speak at once."""
    multiprocessing = sys.modules.get("multiprocessing")
    return multiprocessing is not None and multiprocessing.current_process().name != "MainProcess"


def _find_notebook() -> Callable[[str], None] | None:
    """Find a way to show text that can be replaced, if this runs in a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):  # IPython in a terminal has no kernel
        return None
    return _ReplaceableText()


class _ReplaceableText:
    """A text in a notebook's output that the next text replaces."""

    def __init__(self) -> None:
        self.handle: Any = None

    def __call__(self, text: str) -> None:
        if self.handle is None:
            # No dependency of ours: only where it runs already is there a notebook to write to.
            display = import_module("IPython.display").display
            self.handle = display({"text/plain": text}, raw=True, display_id=True)
        else:
            self.handle.update({"text/plain": text}, raw=True)


def _describe_record(record: Mapping[str, Any]) -> str:
    known = ((words, factor, record.get(name)) for name, (words, factor) in _FIGURES.items())
    return "  ".join(words.format(factor * value) for words, factor, value in known if value is not None)


def _describe_pace(status: _Status) -> str:
    rate = "" if status.rate is None else f"{status.rate:,.0f} samples/s"
    left = f"about {format_duration(status.remaining)} left" if status.remaining else ""
    took = f"took {format_duration(status.elapsed)}" if status.share >= 1.0 else ""
    return "  ".join(filter(None, (rate, left, took)))


class _Quiet:
    """Nothing, then one line."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.said = False

    def show(self, status: _Status, _record: Mapping[str, Any] | None, /) -> None:
        if self.said or not status.remaining or status.elapsed < QUIET_SECONDS:
            return
        self.said = True
        left = format_duration(status.remaining)
        self.stream.write(f"fitting: about {left} left; verbose=1 shows progress\n")
        self.stream.flush()

    def close(self) -> None:
        pass


class _Lines:
    """A line every so many epochs."""

    def __init__(self, stream: TextIO, every: int) -> None:
        self.stream = stream
        self.every = every

    def show(self, status: _Status, record: Mapping[str, Any] | None, /) -> None:
        if record is None or status.epoch % self.every:
            return
        width = len(str(status.total_epochs))
        parts = (
            f"epoch {status.epoch:{width}}/{status.total_epochs}",
            _describe_record(record),
            _describe_pace(status),
        )
        self.stream.write("  ".join(filter(None, parts)) + "\n")
        self.stream.flush()

    def close(self) -> None:
        pass


class _Redrawn:
    """What a bar and a notebook's line share: they are drawn anew, but not oftener than one can see."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.figures = ""
        self.drawn_at = -REFRESH_SECONDS
        self.status: _Status | None = None

    def show(self, status: _Status, record: Mapping[str, Any] | None, /) -> None:
        self.status = status
        if record is not None and status.epoch % self.every == 0:
            self.figures = _describe_record(record)
        if status.elapsed - self.drawn_at >= REFRESH_SECONDS or status.share >= 1.0:
            self.drawn_at = status.elapsed
            waiting = "compiling" if status.share == 0.0 else ""
            self.draw(status, waiting or _describe_pace(status))

    def close(self) -> None:
        if self.status is not None and self.status.share < 1.0:
            self.draw(self.status, f"stopped after {format_duration(self.status.elapsed)}")

    def draw(self, status: _Status, pace: str) -> None:
        raise NotImplementedError


class _NotebookLine(_Redrawn):
    """A line of text in a notebook."""

    def __init__(self, show_text: Callable[[str], None], every: int) -> None:
        super().__init__(every)
        self.show_text = show_text

    def draw(self, status: _Status, pace: str) -> None:
        filled = round(20 * status.share)
        bar = "\N{FULL BLOCK}" * filled + "\N{LIGHT SHADE}" * (20 - filled)
        parts = (f"epoch {status.epoch}/{status.total_epochs}", bar, self.figures, pace)
        self.show_text("  ".join(filter(None, parts)))


class _Bar(_Redrawn):
    """A progress bar on a terminal."""

    def __init__(self, stream: TextIO, every: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        class FrankConsole(Console):
            """A console that does not end the program when its reader goes, as rich's own does."""

            def on_broken_pipe(self) -> None:
                raise BrokenPipeError

        super().__init__(every)
        console = FrankConsole(file=stream, force_terminal=True, force_jupyter=False)
        # Drawn by our own calls: no thread, so that forking and interrupting stay as simple as without it.
        # Other output is left alone, or what is meant for a pipe would land on the terminal.
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[figures]}"),
            TextColumn("{task.fields[pace]}"),
            console=console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            expand=True,
        )
        self.task = self.bar.add_task("", total=1.0, figures="", pace="")

    def draw(self, status: _Status, pace: str) -> None:
        figures = self.figures.split("  ")
        # On a narrow terminal the latest figure speaks for all.
        shown = figures if self.bar.console.width >= 64 + sum(map(len, figures)) else figures[-1:]
        self.bar.update(
            self.task,
            completed=status.share,
            description=f"epoch {status.epoch}/{status.total_epochs}",
            figures="  ".join(shown),
            pace=pace,
        )
        self.bar.start()  # does nothing once it is started
        self.bar.refresh()

    def close(self) -> None:
        super().close()
        self.bar.stop()
