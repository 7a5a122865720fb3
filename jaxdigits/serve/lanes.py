"""A thread that works off requests in turn, several at a time where that pays, and refuses what would wait too long."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from jaxdigits.serve.refusals import Refusal

__all__ = ["Lane"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Lane(Generic[Item, Result]):
    """Runs a function in a thread of its own, off the event loop.

    Parameters
    ----------
    work : callable
        From a list of items to as many results; one that is an exception is raised where its item came from.
    limit : int
        Items that may wait or be in work.
    batch : int, default=1
        Items that are handed to `work` at once if they are there; it never waits for more.

    Examples
    --------
    >>> import asyncio
    >>> from jaxdigits.serve.lanes import Lane
    >>> async def double():
    ...     lane = Lane(lambda items: [2 * item for item in items], limit=8)
    ...     try:
    ...         return await lane.run(21)
    ...     finally:
    ...         lane.close()
    >>> asyncio.run(double())
    42
    """

    def __init__(
        self, work: Callable[[list[Item]], Sequence[Result | Exception]], *, limit: int, batch: int = 1
    ) -> None:
        self.limit = limit
        self.n_waiting = 0
        self._work = work
        self._batch = batch
        self._queue: queue.SimpleQueue[tuple[Item, asyncio.Future[Result]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="jaxdigits-lane", daemon=True)
        self._thread.start()

    async def run(self, item: Item) -> Result:
        """Wait for the turn of an item, and for its result.

        Parameters
        ----------
        item : Any
            What `work` takes.

        Returns
        -------
        Any
            What `work` made of it.

        Raises
        ------
        Refusal
            503 if too many are waiting.
        """
        if self.n_waiting >= self.limit:
            raise Refusal(503, "The server is busy. Try again in a moment.", retry_after=1)
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.n_waiting += 1
        self._queue.put((item, future))
        try:
            return await future
        finally:
            del item, future  # an error's traceback holds this frame, which would hold the error in turn

    def close(self) -> None:
        """End the thread after what it has in work."""
        self._queue.put(None)

    def _run(self) -> None:
        while self._work_off_next():
            pass  # nothing of a picture stays here while the next is waited for

    def _work_off_next(self) -> bool:
        """Wait for an item, do it with those that wait behind it, and tell whether more may come."""
        taken = []
        entry = self._queue.get()
        while entry is not None:
            taken.append(entry)
            if len(taken) == self._batch:
                break
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                break
        more = entry is not None
        del entry
        if taken:
            self._work_off(taken)
        return more

    def _work_off(self, taken: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        results: Sequence[Any]
        try:
            results = self._work([item for item, _ in taken])
        except Exception as error:  # the thread must live on, and whoever waits must be told
            results = [error] * len(taken)
        loop = taken[0][1].get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._deliver, [future for _, future in taken], results)
        # an error's traceback holds this frame and its caller's, which would hold the error in turn
        taken.clear()
        del results

    def _deliver(self, futures: list[asyncio.Future[Result]], results: Sequence[Any]) -> None:
        self.n_waiting -= len(futures)
        for future, result in zip(futures, results, strict=True):
            if future.done():  # nobody waits for it any more
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
