"""Blocking work of a flow runs in a daemon thread and is left alone when its time is up, in both drivers.

The blocking driver sends queries side by side, and other requests one after the other.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.core.effects import Block, Call, Fault, Flow, Reply, ReplyOrFault, Send, SendAll, TimeUp, Wait
from bitget_margin.core.endpoints import Endpoint
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


class Exchange:
    """An exchange whose requests take part in a barrier, so that they end only together."""

    id = "bitget"
    enableRateLimit = False  # noqa: N815 - its name in ccxt

    def __init__(self, parties: int) -> None:
        self.barrier = threading.Barrier(parties)
        self.started: list[str] = []

    def request(self, path: str, *_: object, **__: object) -> str:
        self.started.append(path)
        self.barrier.wait(5)
        return path


def sent(exchange: Exchange, *endpoints: Endpoint, request_ms: float = 10_000) -> tuple[ReplyOrFault, ...]:
    """Send a request to each endpoint by the blocking driver, and return the replies."""

    def flow() -> Flow[tuple[ReplyOrFault, ...]]:
        deadline_ms = monotonic_ms() + 10_000
        return (yield SendAll(tuple(Send(Call(endpoint, {}), request_ms, deadline_ms) for endpoint in endpoints)))

    return ThreadedDriver(exchange).run(flow())


def test_requests_are_sent_side_by_side_and_answered_in_their_order() -> None:
    endpoints = (Endpoint.OPEN_ORDERS, Endpoint.BATCH_CANCEL, Endpoint.CANCEL)
    assert sent(Exchange(3), *endpoints) == tuple(Reply(endpoint.path) for endpoint in endpoints)


def test_a_reply_that_came_before_an_interrupt_is_kept() -> None:
    came = threading.Event()

    class Interrupted(Exchange):
        def request(self, path: str, *_: object, **__: object) -> str:
            if path == Endpoint.BATCH_CANCEL.path:
                came.wait(5)
                raise KeyboardInterrupt
            return path

    deadline_ms = monotonic_ms() + 10_000
    interrupted, kept = (Send(Call(of, {}), 10_000, deadline_ms) for of in (Endpoint.BATCH_CANCEL, Endpoint.CANCEL))

    def flow() -> Flow[object]:
        threading.Timer(0.1, came.set).start()
        return (yield SendAll((interrupted, kept)))

    with pytest.raises(KeyboardInterrupt):
        ThreadedDriver(Interrupted(1)).run(flow())
    assert (interrupted.reply, kept.reply) == (None, Reply(Endpoint.CANCEL.path))


def test_queries_that_hang_together_take_the_time_of_one() -> None:
    started_ms = monotonic_ms()
    replies = sent(Exchange(9), *[Endpoint.OPEN_ORDERS] * 3, request_ms=200)
    assert all(isinstance(reply, Fault) and reply.sent for reply in replies)
    assert monotonic_ms() - started_ms < 500
