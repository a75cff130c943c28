"""Blocking work of a flow runs in a daemon thread and is left alone when its time is up, in both drivers."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from bitget_margin.core.effects import Block, Flow, TimeUp, Wait
from bitget_margin.drivers.aio import AsyncDriver
from bitget_margin.drivers.threaded import ThreadedDriver

RUNNERS = [lambda flow: ThreadedDriver(None).run(flow), lambda flow: asyncio.run(AsyncDriver(None).run(flow))]
Run = Callable[[Flow[object]], object]


def blocking(work: Callable[[], object], allowed_ms: float = 10_000) -> Flow[object]:
    """Return a flow that waits for work, and returns its result or its exception."""
    yield Wait(0)
    try:
        return (yield Block(work, allowed_ms))
    except (TimeUp, OSError) as error:
        return error


@pytest.fixture(params=RUNNERS, ids=["threaded", "aio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return what runs a flow by each driver."""
    return request.param  # type: ignore[no-any-return]


def test_blocking_work_runs_in_a_daemon_thread_and_its_result_is_the_reply(run: Run) -> None:
    thread: Any = run(blocking(threading.current_thread))
    assert thread.daemon
    assert thread is not threading.current_thread()


def test_an_exception_of_blocking_work_is_raised_in_the_flow(run: Run) -> None:
    error = OSError("refused")

    def fail() -> None:
        raise error

    assert run(blocking(fail)) is error


@pytest.mark.parametrize("allowed_ms", [-5, 0, 20])
def test_blocking_work_that_takes_too_long_is_left_alone(run: Run, allowed_ms: float) -> None:
    over = threading.Event()
    assert isinstance(run(blocking(over.wait, allowed_ms)), TimeUp)
    over.set()
