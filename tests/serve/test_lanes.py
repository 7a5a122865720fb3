"""Tests of jaxdigits.serve.lanes."""

import asyncio
import gc
import threading
import weakref
from contextlib import suppress

import pytest

from jaxdigits.serve.lanes import Lane
from jaxdigits.serve.refusals import Refusal


def in_lane(work, use, **options):
    async def run():
        lane = Lane(work, **options)
        try:
            return await use(lane)
        finally:
            lane.close()

    return asyncio.run(run())


def test_items_that_wait_are_handed_over_together():
    sizes, go = [], threading.Event()

    def work(items):
        go.wait(10)
        sizes.append(len(items))
        return [10 * item for item in items]

    async def use(lane):
        tasks = [asyncio.create_task(lane.run(item)) for item in range(9)]
        await asyncio.sleep(0)
        go.set()
        return await asyncio.gather(*tasks)

    assert in_lane(work, use, limit=20, batch=4) == [10 * item for item in range(9)]
    assert sum(sizes) == 9
    assert max(sizes) == 4


def test_a_full_lane_refuses_and_takes_again_later():
    go = threading.Event()

    def work(items):
        go.wait(10)
        return items

    async def use(lane):
        first = asyncio.create_task(lane.run(1))
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as caught:
            await lane.run(2)
        assert (caught.value.status, caught.value.retry_after) == (503, 1)
        go.set()
        assert await first == 1
        return await lane.run(3)

    assert in_lane(work, use, limit=1) == 3


def test_an_error_reaches_its_own_item_alone():
    def work(items):
        return [ValueError("odd") if item % 2 else item for item in items]

    async def use(lane):
        return await asyncio.gather(*(lane.run(item) for item in range(4)), return_exceptions=True)

    found = in_lane(work, use, limit=9, batch=4)
    assert [found[0], found[2]] == [0, 2]
    assert [str(found[1]), str(found[3])] == ["odd", "odd"]


def test_the_lane_outlives_work_that_fails():
    def work(items):
        if 0 in items:
            raise RuntimeError("all")
        return items

    async def use(lane):
        with pytest.raises(RuntimeError, match="all"):
            await lane.run(0)
        return await lane.run(1)

    assert in_lane(work, use, limit=2) == 1


def test_nobody_waits_for_a_cancelled_item():
    async def use(lane):
        task = asyncio.create_task(lane.run(1))
        await asyncio.sleep(0)
        task.cancel()
        return await lane.run(2), lane.n_waiting

    assert in_lane(lambda items: items, use, limit=5) == (2, 0)


@pytest.mark.parametrize("ending", ["result", "error", "crash"])
def test_nothing_holds_an_item_that_is_done(ending):
    """Though no other comes, and Python's collector of circles does not come by."""

    class Item:
        pass

    def work(items):
        if ending == "crash":
            raise ValueError("all")
        return [ValueError("odd") if ending == "error" else None for _ in items]

    async def use(lane):
        item = Item()
        watched = weakref.ref(item)
        with suppress(ValueError):
            await lane.run(item)
        del item
        for _ in range(1000):
            if watched() is None:
                return
            await asyncio.sleep(0.01)
        pytest.fail("the item is held")

    gc.disable()
    try:
        in_lane(work, use, limit=1)
    finally:
        gc.enable()
